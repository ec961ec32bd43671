"""The grid of a suite: signals and baselines ready to be ranked, and the backtests of each."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from poc.baselines.library import BASELINE_REGISTRY
from poc.contract.schema import Ledger
from poc.data.catalog import DataCatalog
from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.formation import form_books
from poc.engine.holding import hold
from poc.engine.placing import PlacedSignal, place_rows
from poc.engine.result import BacktestResult
from poc.engine.wrapper import evaluate_books
from poc.errors import PocError
from poc.suite.stability import liquid_half

EVIDENCE, LIQUID = "evidence", "liquid half"
"""Kinds of variants outside the grid, the latter on the more liquid half of the names."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A signal ready to be ranked, or the reason why it is not there."""

    name: str
    kind: str
    placed: PlacedSignal | None = None
    ledger: Ledger | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One variant of the grid: its result, or the reason why it failed. `name` and `kind` are those of its source."""

    name: str
    kind: str
    config: BacktestConfig
    result: BacktestResult | None = None
    reason: str = ""


def group_variants(variants: tuple[BacktestConfig, ...]) -> list[list[BacktestConfig]]:
    """Variants that share their target books, because only lag and cost model differ; in the order of the grid."""
    groups: dict[BacktestConfig, list[BacktestConfig]] = {}
    for config in variants:
        groups.setdefault(replace(config, lag=0, tc_model="naive"), []).append(config)
    return list(groups.values())


def baseline_config(config: BacktestConfig) -> BacktestConfig:
    """The signal's configuration for a baseline: a daily value to rank."""
    weight = "equal" if config.input_type == "weight" else config.weight
    return replace(config, carry_days=1, input_type="value", weight=weight)


def formation_span(own: PlacedSignal, panel: Panel) -> tuple[int, int] | None:
    """The first and last day on which a value is live."""
    live = np.flatnonzero(~np.isnan(own.values))
    if not len(live):
        return None
    first, last = np.searchsorted(panel.offsets, live[[0, -1]], side="right") - 1
    return int(first), int(last)


def place_baseline(name: str, own: PlacedSignal, base: BacktestConfig, catalog: DataCatalog) -> Source:
    """A baseline over the signal's first to last formation day."""
    panel = catalog.panel
    try:
        values = BASELINE_REGISTRY[name].values(panel)
    except PocError as error:
        return Source(name=name, kind="baseline", reason=str(error))
    placed = place_rows(values, panel, base)
    rows = int(np.isfinite(values).sum())
    span = formation_span(own, panel)
    if span is not None:
        placed.values[: panel.offsets[span[0]]] = np.nan
        placed.values[panel.offsets[span[1] + 1] :] = np.nan
    return Source(name=name, kind="baseline", placed=placed, ledger=Ledger(rows, rows, {}))


def run_group(source: Source, group: list[BacktestConfig], catalog: DataCatalog) -> list[Outcome]:
    """Form the books once, then hold them as each variant of the group asks."""
    panel, placed = catalog.panel, source.placed
    if source.kind == LIQUID and placed is not None:
        placed = liquid_half(placed, panel, group[0])
    if placed is None or source.ledger is None:
        return [_failed(source, config, source.reason) for config in group]
    configs = [baseline_config(config) if source.kind == "baseline" else config for config in group]
    try:
        formation = form_books(placed, panel, configs[0])
        held = hold(formation, configs, panel, keep_books=source.kind == "signal")
    except PocError as error:
        return [_failed(source, config, str(error)) for config in group]
    outcomes = []
    for config, run_as, books in zip(group, configs, held, strict=True):
        try:
            result = evaluate_books(formation, books, run_as, panel, source.ledger)
            outcomes.append(Outcome(name=source.name, kind=source.kind, config=config, result=result))
        except PocError as error:
            outcomes.append(_failed(source, config, str(error)))
    return outcomes


def _failed(source: Source, config: BacktestConfig, reason: str) -> Outcome:
    return Outcome(name=source.name, kind=source.kind, config=config, reason=reason)


def summary_row(outcome: Outcome) -> dict[str, Any]:
    """A row of `SuiteResult.suite_summary`."""
    config, result = outcome.config, outcome.result
    row: dict[str, Any] = {
        "name": outcome.name,
        "kind": outcome.kind,
        "key": config.key,
        "lag": config.lag,
        "residualize": config.residualize,
        "tc_model": config.tc_model,
        "weight": config.weight,
    }
    metrics = ("sharpe", "sharpe_net", "ret_ann", "ret_net_ann", "max_drawdown", "turnover")
    overall = None if result is None else result.overall()
    row |= {name: np.nan if overall is None else overall[name] for name in metrics}
    row["coverage"] = np.nan if result is None else result.diagnostics["coverage"]["mean"]
    row["ic_mean"] = np.nan if result is None else result.diagnostics["ic"]["mean"]
    return row | {"status": "failed" if result is None else "ok", "reason": outcome.reason}
