"""Blocks of section B of a tear sheet: other times, other choices, other names, worse endings."""

from collections.abc import Iterator

from poc.engine.result import BacktestResult
from poc.reporting import charts
from poc.reporting.blocks import Block, Head, Note, Plot, frame_table, head, heat_table
from poc.reporting.measures import measured, why_not
from poc.reporting.terms import TERMS, count, percent, written
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult
from poc.suite.stability import Stability

GROUP_COLUMNS = (
    "group", "num_days", "invested_share", "n_long", "n_short", "ret_net_ann", "ret_ann", "sharpe_net", "sharpe",
    "max_drawdown", "turnover", "hit_rate",
)  # fmt: skip
PARTS = {"half": "By half of the period", "regime": "By volatility of the market before the day"}


def stability_blocks(suite: SuiteResult, base: BacktestResult | None) -> Iterator[Block]:
    """Sectors, halves and regimes, other parameters, the largest day, the liquid half, assumed delistings."""
    found = suite.evidence.stability
    if isinstance(found, Measure):
        sentence = f"Sectors, regimes, other parameters, liquid names and assumed delistings are {why_not(found)}"
        yield Note(id="no-stability", title="Not measured", sentences=(sentence,))
        return
    if base is not None:
        if "sector" not in base.config.slices:
            yield from _sectors(found)
        yield from _contributions(base)
    for name, caption in PARTS.items():
        part = found.times[found.times["slice"] == name].rename(columns={"group": "period"})
        if part.empty:
            sentence = "No day of the series has the market returns before it that a regime needs."
            yield Note(id=f"no-{name}", title=caption, sentences=(sentence,), wide=False)
        else:
            yield frame_table(part, ("period", "num_days", "ret_net_ann", "sharpe_net"), id=name, caption=caption)
    yield from _neighbourhood(found)
    keys = ("liquid_half_sharpe_net", "liquid_half_expected")
    yield from measured(
        {key: getattr(found, key) for key in keys}, id="liquid-half", caption="The more liquid half of the names"
    )
    yield from _delisting(found)


def _sectors(found: Stability) -> Iterator[Block]:
    invested = found.sectors[found.sectors["num_days"] > 0] if len(found.sectors) else found.sectors
    if invested.empty:
        yield Note(id="no-sector", sentences=("No sector is a portfolio: there are none, or too few names in each.",))
        return
    ranked = invested.sort_values("ret_net_ann")
    worst, best = ranked.iloc[0], ranked.iloc[-1]
    yield Plot(
        id="plot-sector",
        title="Return by sector",
        alt=f"Net return a year in {len(invested)} sectors, from {written(worst['ret_net_ann'], percent)} "
        f"({worst['group']}) to {written(best['ret_net_ann'], percent)} ({best['group']}).",
        figure=charts.group_chart(found.sectors),
        wide=True,
    )
    yield frame_table(found.sectors, GROUP_COLUMNS, id="by-sector", caption="By sector", wide=True)


def _contributions(base: BacktestResult) -> Iterator[Block]:
    """What each sector added to the book of all names, the largest first."""
    parts = base.attribution[base.attribution["kind"] == "sector"].sort_values("ret_net", ascending=False)
    if set(parts["id"]) <= {"unknown"}:
        return  # the snapshot has no sectors, as the note in their place says
    table = parts.rename(columns={"id": "sector", "ret_net": "contribution"})
    caption = "What each sector added to the net return of all names"
    yield frame_table(table, ("sector", "contribution"), id="contributions", caption=caption)


def _neighbourhood(found: Stability) -> Iterator[Block]:
    if found.neighbourhood.empty:
        sentence = "There is no value to rank, so there are no other tails or weights to compare with."
        yield Note(id="no-neighbourhood", sentences=(sentence,))
        return
    grid = found.neighbourhood.pivot(index="weight", columns="fractile", values="sharpe_net")
    columns = [Head(label=f"{f}%", meaning=TERMS["book_weight"].meaning, numeric=True) for f in grid.columns]
    caption = "Net Sharpe by weight and percent of names on each side"
    yield heat_table(grid, head("book_weight"), columns, id="neighbourhood", caption=caption)


def _delisting(found: Stability) -> Iterator[Block]:
    if found.n_endings == 0:
        sentence = "No position is held to the end of a name without a delisting return, so none had to be assumed."
        yield Note(id="no-endings", sentences=(sentence,), wide=False)
        return
    yield frame_table(
        found.delisting,
        ("delist_ret", "ret_net_ann", "sharpe_net"),
        id="delisting",
        caption=f"Assumed delisting return of the {count(found.n_endings)} positions whose name ends without one",
    )
