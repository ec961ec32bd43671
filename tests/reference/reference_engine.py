"""A second, slow backtest written from the definitions alone: one day and one name at a time.

It shares no code with the engine, so that a mistake would have to be made twice to pass unseen.
"""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from poc.engine.config import BacktestConfig
from poc.errors import BacktestError, ContractError
from tests.reference import tables, timeline
from tests.reference.double_sort import sort_groups
from tests.reference.factors import factor_regression
from tests.reference.market import Catalog, Market
from tests.reference.portfolio import form
from tests.reference.run import Run, run_portfolio
from tests.reference.slices import Frames, days_of_groups, names_of_groups


@dataclass(frozen=True)
class ReferenceResult:
    """The tables of a result, named as in `BacktestResult`; `holdings` has every return day."""

    daily_series: pd.DataFrame
    summary_table: pd.DataFrame
    fractile_analysis: pd.DataFrame
    diagnostics: dict[str, Any]
    ic_series: pd.DataFrame
    slice_series: pd.DataFrame
    attribution: pd.DataFrame
    holdings: pd.DataFrame
    factor_regression: pd.DataFrame | None


def reference_backtest(
    signal_df: pd.DataFrame, config: BacktestConfig, catalog: Catalog, frames: Frames | None = None
) -> ReferenceResult:
    """Run one variant. A variant that is never invested raises BacktestError.

    `frames`: slice -> `date, label` or `security_id, date, label`.
    """
    frames = frames or {}
    market = Market(catalog)
    if config.from_open and "openret" not in market.ret:
        raise BacktestError("no openret")
    if config.universe == "flagged" and market.universe is None:
        raise BacktestError("no universe table")
    if config.input_type == "position" and not set(signal_df["signal"].dropna()) <= {-1, 0, 1}:
        raise ContractError("a position must be -1, 0 or 1")
    live = timeline.live_signals(signal_df, market, config)
    formations = [
        form(signals, day - 1 if config.from_open else day, market=market, config=config)
        for day, signals in enumerate(live.by_day)
    ]
    formations = [
        replace(f, sort_group=sort_groups(f, market=market, config=config, frames=frames)) for f in formations
    ]
    run = Run(market, config, formations, _selected(market, config))
    overall = run_portfolio(run, [list(f.signal) for f in formations], mincos=config.mincos)
    if overall.days.empty:
        raise BacktestError("never invested")
    cuts = {kind: days_of_groups(run, kind, frames) for kind in config.slices}
    groups = {
        (kind, label): run_portfolio(run, members, mincos=config.slice_mincos).days
        for kind in dict.fromkeys("cap" if kind == "capyr" else kind for kind in config.slices)
        if cuts.get(kind) is None
        for label, members in names_of_groups(run, kind, frames).items()
    }
    fractiles = tables.fractile_analysis(run, overall)
    ic_series = tables.ic_series(run)
    return ReferenceResult(
        daily_series=tables.daily_series(run, overall.days),
        summary_table=tables.summary_table(run, overall.days, groups, cuts),
        fractile_analysis=fractiles,
        diagnostics=tables.diagnostics(run, overall, live=live, fractiles=fractiles, ic_series=ic_series),
        ic_series=ic_series,
        slice_series=tables.slice_series(groups),
        attribution=tables.attribution(run, overall),
        holdings=tables.holdings(run, overall),
        factor_regression=factor_regression(run, overall.days),
    )


def _selected(market: Market, config: BacktestConfig) -> list[bool]:
    """Whether each trading day is a return day that the variant asks for."""
    if config.sample != "all" and "insample" not in market.dates:
        raise BacktestError("no insample column")
    selected = []
    for _, row in market.dates.iterrows():
        day = row["date"].date()
        wanted = (config.start is None or day >= config.start) and (config.end is None or day <= config.end)
        if config.sample != "all":
            wanted = wanted and row["insample"] == (1 if config.sample == "in" else 0)
        selected.append(bool(wanted))
    return selected
