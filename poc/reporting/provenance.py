"""The sections of a tear sheet on what went in, what limits it, and how to repeat it."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from poc.engine.result import BacktestResult
from poc.reporting import charts
from poc.reporting.blocks import Block, Cell, Code, Head, Note, Plot, Section, Table, facts_table, frame_table
from poc.reporting.limits import assumptions
from poc.reporting.measures import measured, why_not
from poc.reporting.terms import day, percent, written
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult


def rows(suite: SuiteResult, base: BacktestResult | None) -> Section:
    """Which names the signal covers, and what became of the rows of its file."""
    blocks: list[Block] = []
    if base is None:
        blocks.append(Note(id="no-ledger", sentences=("Without a base variant there is no row ledger.",)))
    else:
        coverage = base.diagnostics["coverage"]
        names = (
            ("coverage", coverage["mean"]),
            ("coverage_min", coverage["min"]),
            ("coverage_share", coverage["share"]),
        )
        blocks += [facts_table(names, id="coverage", caption="Coverage, names a day"), *_coverage(suite)]
        blocks.append(_ledger(base.diagnostics["ledger"]))
    question = "Which names and which rows were used?"
    return Section(id="rows", title="Coverage", question=question, blocks=tuple(blocks))


def limits(suite: SuiteResult, base: BacktestResult | None) -> Section:
    """Warnings of the signal check, limits of the data, and what was assumed."""
    warnings = suite.warnings or ("None.",)
    of_data = suite.snapshot.limits or ("The snapshot states none.",)
    blocks = (
        Note(id="warnings", title="Warnings of the signal check", sentences=warnings),
        Note(id="data-limits", title="The data", sentences=of_data),
        Note(id="assumptions", title="What was assumed", sentences=assumptions(suite, base)),
    )
    return Section(id="limits", title="Limits", question="What limits these numbers?", blocks=blocks)


def _coverage(suite: SuiteResult) -> Iterator[Block]:
    """Which names the signal covers over time and by group, and how long it keeps its ranks."""
    found = suite.evidence.coverage
    if isinstance(found, Measure):
        yield Note(id="no-coverage", sentences=(f"Coverage by group and over time is {why_not(found)}",))
        return
    monthly = found.monthly
    ranked = monthly.sort_values("share")
    least, most = ranked.iloc[0], ranked.iloc[-1]
    yield Plot(
        id="plot-coverage",
        title="Coverage, means of each month",
        alt=f"The signal covers {written(least['share'], percent)} of the tradable names in the worst month "
        f"({day(least['date'])}) and {written(most['share'], percent)} in the best ({day(most['date'])}).",
        figure=charts.signal_coverage_chart(monthly),
    )
    groups = found.groups.rename(columns={"share": "coverage_share"})
    for name, caption in (("cap", "Coverage by size bucket"), ("sector", "Coverage by sector")):
        part = groups[groups["slice"] == name]
        if len(part):
            yield frame_table(part, ("group", "names", "coverage_share"), id=f"coverage-{name}", caption=caption)
    keys = ("rank_autocorrelation_1", "rank_autocorrelation_5", "rank_autocorrelation_21", "half_life")
    yield from measured(
        {key: getattr(found, key) for key in keys}, id="persistence", caption="How long the signal keeps its ranks"
    )


def rerun(suite: SuiteResult, command: str) -> Section:
    """The command that repeats the run, and the hashes that say whether it is the same."""
    rows = (
        ("signal hash", suite.signal_hash),
        ("snapshot fingerprint", suite.snapshot.fingerprint),
        ("base variant", suite.base_config().key),
    )
    columns = (Head(label="What"), Head(label="Value"))
    hashes = Table(
        id="hashes",
        caption="Same hashes, same numbers",
        head=columns,
        rows=tuple((Cell(text=name), Cell(text=value)) for name, value in rows),
        look="mono",
        wide=True,
    )
    question = "How can it be repeated?"
    return Section(id="rerun", title="Rerun", question=question, blocks=(Code(id="command", text=command), hashes))


def _ledger(ledger: dict[str, Any]) -> Table:
    rows = [("rows in the file", ledger["rows_in"]), ("used", ledger["rows_used"])]
    rows += [(f"dropped: {reason}", number) for reason, number in ledger["dropped"].items()]
    columns = ("ledger", "rows")
    table = pd.DataFrame(rows, columns=columns)
    return frame_table(table, columns, id="ledger", caption="Row ledger of the signal file")
