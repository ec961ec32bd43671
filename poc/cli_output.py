"""What a command prints: one document or one text on stdout, everything else on stderr."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


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
