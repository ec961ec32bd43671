"""The tables of a BacktestResult, made from the daily accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine import metrics
from poc.engine import return_kernels as kernels
from poc.engine.config import BacktestConfig
from poc.engine.factors import factor_column
from poc.engine.formation import Formation
from poc.engine.holding import Held, borrow_a_day
from poc.engine.slices import Labels
from poc.stats.correlation import spearman

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Fractiles:
    """`table`: `fractile, n, ret_ann, resret_ann`, then exposures; `monotonicity`: Spearman of group with `ret_ann`."""

    table: pd.DataFrame
    monotonicity: float


def daily_columns(held: Held, formation: Formation, config: BacktestConfig, panel: Panel, portfolio: int) -> Columns:
    """The daily series of a portfolio, one array a column; columns as `BacktestResult.daily_series`."""
    days = held.days(portfolio)
    known = days - held.shift
    earned, traded = held.earned[portfolio, known], held.traded(portfolio)
    ret, ret_net = held.returns(portfolio, borrow_a_day(config, panel))
    has_residual = ("resopenret" if config.from_open else "resret") in panel.returns
    gross = traded[:, kernels.GROSS]
    columns: Columns = {
        "date": panel.dates[days].astype("datetime64[s]"),
        "ret": ret,
        "ret_net": ret_net,
        "resret": earned[:, kernels.RESRET] if has_residual else np.full(len(days), np.nan),
        "ret_long": earned[:, kernels.RET_LONG],
        "ret_short": earned[:, kernels.RET_SHORT],
        "cost": traded[:, kernels.COST],
        "turnover": traded[:, kernels.TRADED] / (2 * _run_gross(gross, config)),
        "cumret": np.cumsum(ret),
        "cumret_net": np.cumsum(ret_net),
        "drawdown": metrics.drawdown(ret_net),
        "n_long": traded[:, kernels.N_LONG].astype(np.int64),
        "n_short": traded[:, kernels.N_SHORT].astype(np.int64),
        "missing_return_share": np.divide(earned[:, kernels.MISSING], gross, out=np.zeros(len(days)), where=gross > 0),
    }
    exposures = _held_exposures(formation, config, portfolio)[known]
    return columns | {name: exposures[:, k] for k, name in enumerate(panel.style_names)}


def daily_series(columns: Columns, market: NDArray[Any], config: BacktestConfig, panel: Panel) -> pd.DataFrame:
    """The frame of a BacktestResult; for `long_only` with the returns of the market and benchmark, and the active one.

    Raises:
        BacktestError: the snapshot does not have the benchmark.
    """
    if config.method == "long_short":
        return pd.DataFrame(columns)
    names = list(columns)
    after = names.index("missing_return_share") + 1
    active = {"ret_market": market}
    if config.benchmark is not None:
        benchmark = factor_column(config.benchmark, panel, f"benchmark={config.benchmark!r}")
        active["ret_benchmark"] = benchmark[np.searchsorted(panel.dates, columns["date"].astype("datetime64[D]"))]
    active["ret_active"] = columns["ret"] - active.get("ret_benchmark", market)
    return pd.DataFrame({n: columns[n] for n in names[:after]} | active | {n: columns[n] for n in names[after:]})


def _run_gross(gross: NDArray[Any], config: BacktestConfig) -> float:
    """Sum of absolute weights that turnover is measured against."""
    if config.input_type == "weight" and not config.rescale_weights:
        return float(gross[gross > 0].mean()) if (gross > 0).any() else 1.0
    return 1.0 if config.method == "long_only" else 2.0


def fractile_returns(formation: Formation, held: Held) -> NDArray[Any]:
    """(2, T, G) mean return and mean residual return of each fractile, by information day; NaN where one is empty."""
    count = formation.fractile_count
    mean = np.full(held.of_fractiles.shape, np.nan)
    np.divide(held.of_fractiles, count, out=mean, where=count > 0)
    return mean


def market_returns(by_fractile: NDArray[Any], formation: Formation, held: Held) -> NDArray[Any]:
    """(T,) equal-weighted return of the eligible names, by the day of the return; 0 where there are none.

    Args:
        by_fractile: (T, G) mean returns, by information day.
    """
    total = np.nansum(formation.fractile_count * by_fractile, axis=1)
    market = np.zeros(len(total))
    market[held.shift :] = (total / np.maximum(formation.n_eligible, 1))[: len(total) - held.shift]
    return market


def summary_table(portfolios: list[Columns], markets: list[NDArray[Any]], formation: Formation,
                  config: BacktestConfig, panel: Panel) -> pd.DataFrame:  # fmt: skip
    """A row a group of each slice, in the order of `config.slices`.

    Args:
        portfolios: the daily columns of each portfolio, all names first.
        markets: the market's return on the days of each.
    """
    used = ("date", "ret", "ret_net", "resret", "turnover", "n_long", "n_short", *panel.style_names)
    series = [
        {name: columns[name] for name in used} | {"ret_market": market}
        for columns, market in zip(portfolios, markets, strict=True)
    ]
    rows = []
    for slice_name in config.slices:
        for group, columns in _groups(slice_name, series, formation, panel):
            rows.append({"slice": slice_name, "group": group} | _summarize(columns, panel))
    return pd.DataFrame(rows)


def _groups(
    slice_name: str, series: list[Columns], formation: Formation, panel: Panel
) -> Iterator[tuple[str, Columns]]:
    """The label and the daily columns of each group of a slice."""
    if slice_name in formation.cuts:
        yield from _cut(series[0], formation.cuts[slice_name], panel)
        return
    own = "cap" if slice_name == "capyr" else slice_name
    for portfolio, columns in zip(formation.portfolios, series, strict=True):
        if portfolio.slice_name != own:
            continue
        if slice_name == "capyr":
            for year, part in _cut(columns, formation.cuts["year"], panel):
                yield f"{portfolio.group} {year}", part
        else:
            yield portfolio.group, columns


def _cut(columns: Columns, by: Labels, panel: Panel) -> Iterator[tuple[str, Columns]]:
    """The groups that have a day, in the order of the labels, and the columns on their days."""
    code = by.code[np.searchsorted(panel.dates, columns["date"].astype("datetime64[D]"))]
    for group, label in enumerate(by.labels):
        chosen = code == group
        if chosen.any():
            yield label, {name: values[chosen] for name, values in columns.items()}


def _summarize(columns: Columns, panel: Panel) -> dict[str, Any]:
    """One row of the summary; an empty series gives 0 days and NaN."""
    ret, net, residual = columns["ret"], columns["ret_net"], columns["resret"]
    empty = len(ret) == 0
    row = {
        "num_days": len(ret),
        "invested_share": _mean(columns["n_long"] + columns["n_short"] > 0),
        "n_long": _mean(columns["n_long"]),
        "n_short": _mean(columns["n_short"]),
    }
    row |= zip(("ret_ann", "ret_std", "sharpe"), _annual(ret, panel), strict=True)
    row |= zip(("ret_net_ann", "ret_net_std", "sharpe_net"), _annual(net, panel), strict=True)
    row |= zip(("resret_ann", "resret_std", "sharpe_resret"), _annual(residual, panel), strict=True)
    row |= {
        "max_drawdown": np.nan if empty else float(metrics.drawdown(net).min()),
        "turnover": _mean(columns["turnover"]),
        "hit_rate": _mean(net > 0),
        "hit_rate_gross": _mean(ret > 0),
        "hit_rate_resret": np.nan if np.isnan(residual).any() else _mean(residual > 0),
        "skew": np.nan if empty else metrics.skewness(net),
        "worst_month": np.nan if empty else float(metrics.month_sums(net, columns["date"])[1].min()),
        "beta": np.nan if empty else metrics.beta(ret, columns["ret_market"]),
    }
    exposures = np.array([columns[name] for name in panel.style_names]).reshape(len(panel.style_names), len(ret))
    return row | dict(zip(panel.style_names, _nan_mean(exposures.T), strict=True))


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _annual(returns: NDArray[Any], panel: Panel) -> tuple[float, float, float]:
    """Mean, standard deviation (ddof 1) and Sharpe ratio of daily returns, each annual."""
    year = panel.days_per_year
    if len(returns) < 2:
        return _mean(returns) * year, np.nan, np.nan
    mean, std = float(returns.mean()), float(returns.std(ddof=1))
    sharpe = mean / std * np.sqrt(year) if np.ptp(returns) > 0 else np.nan
    return mean * year, std * np.sqrt(year), float(sharpe)


def _held_exposures(formation: Formation, config: BacktestConfig, portfolio: int) -> NDArray[Any]:
    """(T, K) exposures of the held book by latest information day: the mean over the target books it is made of."""
    target = formation.exposures[formation.formed_on, portfolio]
    total = np.zeros_like(target)
    for wait in range(config.holding_days):
        total[wait:] += target[: len(target) - wait]
    return np.asarray(total / config.holding_days)


def slice_series(portfolios: list[Columns], names: list[tuple[str, str]]) -> pd.DataFrame:
    """`slice, group, date, ret, ret_net` of every group that is a portfolio of its own."""
    own = portfolios[1:]
    if not own:
        return pd.DataFrame(columns=["slice", "group", "date", "ret", "ret_net"])
    sizes = [len(columns["date"]) for columns in own]
    slices, groups = (pd.array(labels, dtype="str").repeat(sizes) for labels in zip(*names[1:], strict=True))
    labels = {"slice": slices, "group": groups}
    series = {name: np.concatenate([columns[name] for columns in own]) for name in ("date", "ret", "ret_net")}
    return pd.DataFrame(labels | series)


def ic_series(formation: Formation, held: Held, panel: Panel) -> pd.DataFrame:
    """`date` (of the first holding day at lag 0) and `ic`, a row a selected day on which it is defined."""
    days = np.flatnonzero(~np.isnan(formation.ic[:-1]) & held.selected[1:]) + 1
    return pd.DataFrame({"date": panel.dates[days].astype("datetime64[s]"), "ic": formation.ic[days - 1]})


def fractile_analysis(
    returns: NDArray[Any], formation: Formation, held: Held, config: BacktestConfig, panel: Panel
) -> Fractiles:
    """Mean return, size and exposures of equal-weighted groups by signal, over the days of the series."""
    mean, mean_residual = returns
    n_groups = mean.shape[1]
    days = held.days() - held.shift
    days = days[formation.n_eligible[days] >= n_groups]
    has_residual = ("resopenret" if config.from_open else "resret") in panel.returns
    count = formation.fractile_count[days]
    columns: Columns = {
        "fractile": np.arange(1, n_groups + 1),
        "n": _nan_mean(np.where(count > 0, count, np.nan)),
        "ret_ann": _nan_mean(mean[days]) * panel.days_per_year,
        "resret_ann": (
            _nan_mean(mean_residual[days]) * panel.days_per_year if has_residual else np.full(n_groups, np.nan)
        ),
    }
    exposures = _nan_mean(formation.fractile_exposures[days])
    columns |= {name: exposures[:, k] for k, name in enumerate(panel.style_names)}
    return Fractiles(table=pd.DataFrame(columns), monotonicity=spearman(columns["fractile"], columns["ret_ann"]))


def _nan_mean(values: NDArray[Any]) -> NDArray[Any]:
    """Mean down the days of what is there; NaN where nothing is."""
    there = ~np.isnan(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(values.shape[1:], np.nan), where=count > 0))
