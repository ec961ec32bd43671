"""What a command prints: one document or one text on stdout, everything else on stderr."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from poc.evaluate import Evaluation


def say(message: str) -> None:
    """A message to whoever watches."""
    print(message, file=sys.stderr)


def show(content: Any, text: str, *, as_json: bool) -> None:
    """The result: its content as JSON, or the text."""
    from poc.reporting.files import to_json

    print(to_json(content) if as_json else text, end="" if as_json else "\n")


def show_table(table: "pd.DataFrame", if_empty: str, *, as_json: bool) -> None:
    """A table as the result."""
    from poc.reporting.console import table_text
    from poc.reporting.files import plain

    show(plain(table), table_text(table, if_empty=if_empty), as_json=as_json)


def show_evaluation(done: "Evaluation", *, as_json: bool) -> None:
    """The verdict as the result, and where the rest is."""
    from poc.reporting.console import verdict_text

    text = f"{verdict_text(done.suite_result, done.verdict)}\nTear sheet  {done.paths['tearsheet']}"
    text += f"\nResults     {done.out_dir}\nRun         {done.run_id or 'not logged'}"
    show(done.to_dict(), text, as_json=as_json)


def exit_if_not_logged(*done: "Evaluation") -> None:
    """End with code 1 where a run could not be logged, and say how it is logged later."""
    not_logged = [one for one in done if one.tracking_error]
    for one in not_logged:
        say(f"Error: the run is not logged. {one.tracking_error}")
        say(f"The results are whole. Log them later: poc log {one.out_dir}")
    if not_logged:
        raise SystemExit(1)
