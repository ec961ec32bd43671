"""A second, slow backtest written from the definitions alone: one day and one name at a time.

It shares no code with the engine, so that a mistake would have to be made twice to pass unseen.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from poc.engine.config import BacktestConfig
from poc.errors import BacktestError, ContractError
from tests.reference import tables, timeline
from tests.reference.market import Catalog, Market
from tests.reference.portfolio import form
from tests.reference.run import Run, run_portfolio

CAP_NAMES = {1: "Large Cap", 2: "Mid Cap", 3: "Small Cap"}


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


def reference_backtest(signal_df: pd.DataFrame, config: BacktestConfig, catalog: Catalog) -> ReferenceResult:
    """Run one variant. A variant that is never invested raises BacktestError."""
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
    run = Run(market, config, formations, _selected(market, config))
    overall = run_portfolio(run, [list(f.signal) for f in formations], mincos=config.mincos)
    if overall.days.empty:
        raise BacktestError("never invested")
    groups = {
        (kind, label): run_portfolio(run, members, mincos=config.slice_mincos).days
        for kind in config.slices
        if kind in ("cap", "sector", "industry")
        for label, members in _members(run, kind).items()
    }
    fractiles = tables.fractile_analysis(run, overall)
    ic_series = tables.ic_series(run)
    return ReferenceResult(
        daily_series=tables.daily_series(run, overall.days),
        summary_table=tables.summary_table(run, overall.days, groups),
        fractile_analysis=fractiles,
        diagnostics=tables.diagnostics(run, overall, live=live, fractiles=fractiles, ic_series=ic_series),
        ic_series=ic_series,
        slice_series=tables.slice_series(groups),
        attribution=tables.attribution(run, overall),
        holdings=tables.holdings(run, overall),
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


def _members(run: Run, kind: str) -> dict[str, list[list[Any]]]:
    """Group label -> the eligible names of the group on every formation day."""
    if kind == "cap":
        labels: dict[Any, str] = dict(CAP_NAMES)
    else:
        column = run.market.risk.get(f"{kind}_id", pd.Series(dtype=float))
        ids = sorted({int(i) for i in column.dropna()})
        if not ids:
            raise BacktestError(f"no {kind}_id")
        labels = {i: str(i) for i in ids}
    return {
        label: [[n for n in f.signal if f.groups[kind].get(n) == group] for f in run.formations]
        for group, label in labels.items()
    }
