"""Section C of a tear sheet: what trading costs, and how large a book the signal bears."""

from collections.abc import Iterator

from poc.engine.result import BacktestResult
from poc.reporting import charts
from poc.reporting.blocks import Block, Cell, Head, Note, Plot, Section, Table, cell, facts_table, frame_table, head
from poc.reporting.measures import measured, why_not
from poc.reporting.terms import TERMS, count, dollars, number, percent, written
from poc.suite.capacity import Capacity
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult


def capacity(suite: SuiteResult, base: BacktestResult) -> Section:
    """C: what trading costs, how broad the book is, and what size it bears."""
    found = suite.evidence.capacity
    blocks: list[Block] = []
    if isinstance(found, Measure):
        blocks.append(Note(id="no-capacity", sentences=(f"Capacity is {why_not(found)}",)))
    else:
        blocks += _sizes(found)
    blocks += _trading(base)
    if not isinstance(found, Measure):
        blocks += _liquidity(found, base)
    question = "What does trading it cost, and how much money does it bear?"
    return Section(letter="C", id="capacity", title="Capacity", question=question, blocks=tuple(blocks))


def _sizes(found: Capacity) -> Iterator[Block]:
    curve = found.curve
    if curve.empty:
        reason = "No trade has the volatility and the dollar volume that the power law needs."
        yield Note(id="no-curve", title="Size of the book", sentences=(reason,))
        return
    points = curve[curve["coefficient"] == 1].set_index("gmv")["sharpe_net"]
    first, last = points.index[0], points.index[-1]
    yield Plot(
        id="plot-capacity",
        title="Net Sharpe and net return by the size of the book",
        alt=f"Under the power law net Sharpe goes from {written(points[first], number)} at {dollars(first)} a side to "
        f"{written(points[last], number)} at {dollars(last)}.",
        figure=charts.capacity_chart(curve),
        note="Market impact by the power law, whatever the cost model of the judged variant; the band halves and "
        "doubles its coefficient. Losses larger than the largest gain are cut off.",
        wide=True,
    )
    if found.gmv_zero.value is None:
        sentence = f"The size that the signal bears is {why_not(found.gmv_zero)}"
        yield Note(id="no-sizes", title="Size of the book", sentences=(sentence,), wide=False)
        return
    keys = ("impact_halved", "impact_as_is", "impact_doubled")
    rows = tuple(
        (
            Cell(text=TERMS[key].label, meaning=TERMS[key].meaning),
            *(cell(size, TERMS[key]) for size in _band(getattr(found, key), found.gmv_band)),
        )
        for key in ("gmv_half", "gmv_zero")
    )
    yield Table(
        id="sizes",
        caption="Book a side that the signal bears",
        head=(Head(label="Measure"), *map(head, keys)),
        rows=rows,
    )


def _band(gmv: Measure, factor: Measure) -> tuple[float | None, float | None, float | None]:
    """A size with the coefficient of the power law halved, as it is, and doubled."""
    if gmv.value is None or factor.value is None:
        return None, gmv.value, None
    return gmv.value * factor.value, gmv.value, gmv.value / factor.value


def _trading(base: BacktestResult) -> Iterator[Block]:
    overall, daily, diagnostics = base.overall(), base.daily_series, base.diagnostics
    cost = overall["ret_ann"] - overall["ret_net_ann"]
    facts = [
        ("turnover", overall["turnover"]),
        ("holding", 1 / overall["turnover"] if overall["turnover"] > 0 else None),
        ("ret_ann", overall["ret_ann"]),
        ("cost_ann", cost),
        ("ret_net_ann", overall["ret_net_ann"]),
        ("cost_share", cost / overall["ret_ann"] if overall["ret_ann"] > 0 else None),
        ("n_long", overall["n_long"]),
        ("n_short", overall["n_short"]),
        ("tail_long", diagnostics["tail_share"]["long"]),
        ("tail_short", diagnostics["tail_share"]["short"]),
        ("flat_days", diagnostics["flat_days"]),
        ("missing_return_share", diagnostics["missing_return_share"]),
    ]
    yield Plot(
        id="plot-book",
        title="Turnover and names held, means of each month",
        alt=f"Turnover averages {percent(overall['turnover'])} of the book a day. Names long go from "
        f"{count(daily['n_long'].min())} to {count(daily['n_long'].max())}, names short from "
        f"{count(daily['n_short'].min())} to {count(daily['n_short'].max())}.",
        figure=charts.book_chart(base),
    )
    yield facts_table(facts, id="trading", caption="Trading and the book")


def _liquidity(found: Capacity, base: BacktestResult) -> Iterator[Block]:
    keys = (
        "break_even_bps", "cost_known_share", "days_to_trade_median", "days_to_trade_95", "adv_median", "mcap_median",
    )  # fmt: skip
    yield from measured(
        {key: getattr(found, key) for key in keys},
        id="liquidity",
        caption=f"Holdings and what they bear, at {dollars(base.config.gmv)} a side",
    )
    caps = found.caps.rename(columns={"share": "book_share"})
    yield frame_table(caps, ("group", "book_share"), id="book-by-cap", caption="The book by size bucket")
    columns = ("borrow_bps", "ret_net_ann", "sharpe_net")
    yield frame_table(found.borrow, columns, id="borrow", caption="Net of a borrow fee on the short side")
