"""What the numbers of a run take for granted, in sentences made from its facts."""

from collections.abc import Iterator

from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult
from poc.reporting.terms import count, percent
from poc.suite.result import SuiteResult


def assumptions(suite: SuiteResult, base: BacktestResult | None) -> tuple[str, ...]:
    """What was assumed, filled in and left out; the snapshot's own limits are not repeated."""
    config = suite.base_config()
    return (
        *(() if base is None else _gaps(base)),
        *_trading(config),
        *_choice(suite, config),
    )


def _gaps(base: BacktestResult) -> Iterator[str]:
    """What was missing on the way from the signal to the return."""
    facts = base.diagnostics
    if facts["missing_return_share"] > 0:
        share = f"{100 * facts['missing_return_share']:.2g}%"
        yield f"Missing returns: {share} of the book, by weight, had no return on its day and earned 0."
    if facts["flat_days"]:
        days = f"{count(facts['flat_days'])} of {count(len(base.daily_series))}"
        yield f"Flat days: on {days} days there was no book. They count, with return 0."
    if facts["universe"] == "all":
        yield "Universe: every security with a row on the day could be held. Nobody may have been able to choose so."
    share = facts["coverage"]["share"]
    if share < 1:
        yield f"Coverage: the signal has a value for {percent(share)} of the names that could be held, mean over days."
    if facts["carry_days"] > 1:
        yield f"Carry: a signal is held to be valid for {facts['carry_days']} trading days if no newer one replaces it."
    yield from _ties(base)


def _ties(base: BacktestResult) -> Iterator[str]:
    low, high = base.config.fractile
    for side, asked in (("long", (100 - high) / 100), ("short", low / 100)):
        held = base.diagnostics["tail_share"][side]
        if base.config.input_type == "value" and held > 1.5 * asked:
            yield f"Ties: the {side} side holds {percent(held)} of the ranked names in place of {percent(asked)}."


def _trading(config: BacktestConfig) -> Iterator[str]:
    """What is assumed of trading."""
    when = "open" if config.from_open else "close"
    yield f"Trading: the whole book trades at the price of the {when}, and is reset to its target weights each day."
    if config.tc_model == "naive":
        large, mid, small = (f"{points:g}" for points in config.tc_bps)
        yield (
            f"Cost: {large}, {mid} and {small} basis points of each trade in large, mid and small caps, "
            "whatever the size of the book."
        )
    else:
        yield f"Cost: market impact by a power law, for a book of ${config.gmv:,.0f} a side."
    if config.borrow_bps:
        yield f"Borrowing: {config.borrow_bps:g} basis points a year on the short side."
    elif config.method == "long_short":
        yield "Borrowing: short positions are free, and every name can be borrowed."
    yield "Returns are added on a fixed notional, not compounded; financing and taxes are left out."


def _choice(suite: SuiteResult, config: BacktestConfig) -> Iterator[str]:
    """Which part of the data and of the grid is shown."""
    if config.start or config.end:
        first, last = config.start or "the first day", config.end or "the last day"
        yield f"Dates: only returns from {first} to {last} count, as asked for."
    if config.sample != "all":
        yield f"Sample: only the days of the sample '{config.sample}' count, as asked for."
    variants = suite.suite_summary[suite.suite_summary["kind"] == "signal"]
    if failed := int((variants["status"] == "failed").sum()):
        yield f"Variants: {failed} of {len(variants)} failed; the table of variants says why."
