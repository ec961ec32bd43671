"""Two or more stored runs side by side: what differs in their making, and what that did to their returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.engine.metrics import drawdown
from poc.errors import ConfigError
from poc.stats.sharpe import sharpe_ratio
from poc.stats.sharpe_difference import sharpe_difference
from poc.tracking.stored_run import StoredRun

STORED_METRICS = ("sharpe_net", "sharpe", "ret_net_ann", "ret_ann", "max_drawdown", "turnover", "coverage", "ic_mean")
"""Metrics of the judged variant over its own days, columns of `suite_summary`."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs side by side. The first one is what the others are compared with.

    Attributes:
        notes: what has to be known before any number is read, a sentence each.
        settings: settings, data and code that are not the same in all runs: `setting`, then a column a run.
        metrics: of the judged variants: `days` (`own` or `common`), `metric`, a column a run, and a column
            `<run> - <first run>` for each further one.
        net: daily net returns of the judged variants on the days that all have: `date`, then a column a run.
        tests: a row a further run: `run, difference, low, high, p_value, days`: its annual net Sharpe ratio minus the
            first run's on those days, with a 95% interval (`poc.stats.sharpe_difference`).
    """

    notes: tuple[str, ...]
    settings: pd.DataFrame
    metrics: pd.DataFrame = field(repr=False)
    net: pd.DataFrame = field(repr=False)
    tests: pd.DataFrame


def compare_runs(runs: Mapping[str, StoredRun]) -> Comparison:
    """Compare stored runs by name, the first with each of the others.

    Raises:
        ConfigError: fewer than two runs.
    """
    if len(runs) < 2:
        raise ConfigError("A comparison needs two runs or more.")
    series = {name: _net_return(run) for name, run in runs.items()}
    joined = pd.concat(series, axis="columns", join="inner") if all(len(s) for s in series.values()) else pd.DataFrame()
    net = joined.sort_index().rename_axis("date").reset_index()
    return Comparison(
        notes=_notes(runs, series, net),
        settings=_settings(runs),
        metrics=_metrics(runs, net),
        net=net,
        tests=_tests(list(runs), net, days_per_year=next(iter(runs.values())).days_per_year),
    )


def _net_return(run: StoredRun) -> pd.Series:
    judged = run.judged()
    return pd.Series(dtype="float64") if judged is None else judged.daily_series.set_index("date")["ret_net"]


def _notes(runs: Mapping[str, StoredRun], series: Mapping[str, pd.Series], net: pd.DataFrame) -> tuple[str, ...]:
    notes = []
    if len({run.snapshot["fingerprint"] for run in runs.values()}) > 1:
        notes.append("The runs are on different data: a difference may come from the snapshot and not from the signal.")
    if len({run.engine_version for run in runs.values()}) > 1:
        notes.append("The runs were computed by different versions of the engine: run them again to compare.")
    if len({run.days_per_year for run in runs.values()}) > 1:
        own = ", ".join(f"{name} {run.days_per_year}" for name, run in runs.items())
        notes.append(f"The runs count different days to a year ({own}): metrics use their own, tests the first run's.")
    empty = [name for name, days in series.items() if days.empty]
    if empty:
        notes.append(f"The judged variant of {', '.join(empty)} has no result, so returns cannot be compared.")
    elif net.empty:
        notes.append("The runs have no day in common, so their returns cannot be compared.")
    elif any(len(days) > len(net) for days in series.values()):
        own = ", ".join(f"{name} has {len(days):,}" for name, days in series.items())
        span = f"{net['date'].iloc[0]:%Y-%m-%d} to {net['date'].iloc[-1]:%Y-%m-%d}"
        common = f"curves, metrics of common days and tests use the {len(net):,} days that all have, {span}."
        notes.append(f"The runs do not cover the same days ({own}): {common}")
    return tuple(notes)


def _settings(runs: Mapping[str, StoredRun]) -> pd.DataFrame:
    described = {
        name: {
            "signal": run.signal_name,
            "signal hash": run.signal_hash[:12],
            "snapshot": str(run.snapshot["snapshot_id"]),
            "snapshot fingerprint": str(run.snapshot["fingerprint"])[:12],
            "days per year": str(run.days_per_year),
            "engine version": run.engine_version,
        }
        | run.settings
        for name, run in runs.items()
    }
    table = pd.DataFrame(described).fillna("")
    differs = table.nunique(axis="columns") > 1
    return table[differs].rename_axis("setting").reset_index()


def _metrics(runs: Mapping[str, StoredRun], net: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {"days": "own", "metric": metric} | {name: _stored(run, metric) for name, run in runs.items()}
        for metric in STORED_METRICS
    ]
    if len(net):
        for metric, measure in _COMMON.items():
            values = {name: measure(net[name].to_numpy(), run.days_per_year) for name, run in runs.items()}
            rows.append({"days": "common", "metric": metric} | values)
    table = pd.DataFrame(rows)
    first, *others = runs
    return table.assign(**{f"{name} - {first}": table[name] - table[first] for name in others})


_COMMON: dict[str, Callable[[NDArray[np.float64], int], float]] = {
    "sharpe_net": lambda returns, year: sharpe_ratio(returns, days_per_year=year),
    "ret_net_ann": lambda returns, year: float(np.mean(returns) * year),
    "max_drawdown": lambda returns, _year: float(drawdown(returns).min()),
}
"""Metrics of net returns on the common days, given the days per year of the run."""


def _stored(run: StoredRun, metric: str) -> float:
    rows = run.suite_summary
    judged = rows[(rows["kind"] == "signal") & (rows["key"] == run.judged_key)]
    return float(judged[metric].iloc[0]) if len(judged) else np.nan


def _tests(names: list[str], net: pd.DataFrame, *, days_per_year: int) -> pd.DataFrame:
    first, *others = names
    rows = []
    for name in others if len(net) else []:
        found = sharpe_difference(net[name], net[first], days_per_year=days_per_year)
        rows.append(
            {"run": name, "difference": found.difference, "low": found.low, "high": found.high,
             "p_value": found.p_value, "days": found.n_days}
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["run", "difference", "low", "high", "p_value", "days"])
