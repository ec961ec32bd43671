"""The sections of a tear sheet on what went in, what limits it, and how to repeat it."""

from collections.abc import Iterator
from typing import Any

from poc.engine.result import BacktestResult
from poc.reporting import charts
from poc.reporting.blocks import (
    Block,
    Cell,
    Code,
    Head,
    Note,
    Plot,
    Section,
    Table,
    facts_table,
    frame_table,
    head,
)
from poc.reporting.limits import assumptions
from poc.reporting.measures import measured, why_not
from poc.reporting.terms import count, day, percent, written
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult


def data(suite: SuiteResult, base: BacktestResult | None) -> Section:
    """What went in: coverage, the row ledger, warnings and limits."""
    blocks: list[Block] = []
    if base is None:
        blocks.append(Note(id="no-ledger", sentences=("Without a base variant there is no row ledger.",)))
    else:
        coverage, ledger = base.diagnostics["coverage"], base.diagnostics["ledger"]
        names = (
            ("coverage", coverage["mean"]),
            ("coverage_min", coverage["min"]),
            ("coverage_share", coverage["share"]),
        )
        blocks += [_ledger(ledger), facts_table(names, id="coverage", caption="Coverage, names a day")]
        blocks += _coverage(suite)
    warnings = suite.warnings or ("None.",)
    limits = suite.snapshot.limits or ("The snapshot states none.",)
    assumed = assumptions(suite, base)
    blocks.append(Note(id="warnings", title="Warnings of the signal check", sentences=warnings))
    blocks.append(Note(id="limits", title="What limits these numbers: the data", sentences=limits))
    blocks.append(Note(id="assumptions", title="What limits these numbers: what was assumed", sentences=assumed))
    return Section(id="data", title="Data", question="What went in, and what limits it?", blocks=tuple(blocks))


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
    table = Table(
        id="hashes",
        caption="Same hashes, same numbers",
        head=(Head(label="What"), Head(label="Value")),
        rows=tuple((Cell(text=name), Cell(text=value)) for name, value in rows),
        look="mono",
        wide=True,
    )
    return Section(
        id="rerun", title="Rerun", question="How can it be repeated?", blocks=(Code(id="command", text=command), table)
    )


def _ledger(ledger: dict[str, Any]) -> Table:
    rows = [("rows in the file", ledger["rows_in"]), ("used", ledger["rows_used"])]
    rows += [(f"dropped: {reason}", number) for reason, number in ledger["dropped"].items()]
    return Table(
        id="ledger",
        caption="Row ledger of the signal file",
        head=(head("ledger"), head("rows")),
        rows=tuple((Cell(text=name), Cell(text=written(value, count))) for name, value in rows),
    )
