"""The tables of a BacktestResult, made from the daily accounts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine import metrics
from poc.engine import return_kernels as rk
from poc.engine.config import BacktestConfig
from poc.engine.formation import Formation, traded_return
from poc.engine.holding import Held, residual_returns
from poc.stats.correlation import spearman
from poc.stats.sharpe import sharpe_ratio

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Fractiles:
    """`table`: `fractile, n, ret_ann, resret_ann`, then exposures; `monotonicity`: Spearman of group with `ret_ann`."""

    table: pd.DataFrame
    monotonicity: float


def daily_series(
    held: Held, formation: Formation, config: BacktestConfig, panel: Panel, portfolio: int = 0
) -> pd.DataFrame:
    """A row a day of a portfolio's series; columns as `BacktestResult.daily_series`."""
    days = held.days(portfolio)
    account = held.daily[portfolio, days]
    ret = account[:, rk.RET_LONG] + account[:, rk.RET_SHORT]
    ret_net = ret - account[:, rk.COST] - account[:, rk.BORROW]
    has_residual = ("resopenret" if config.from_open else "resret") in panel.returns
    gross = account[:, rk.GROSS]
    columns: dict[str, Any] = {
        "date": panel.dates[days].astype("datetime64[s]"),
        "ret": ret,
        "ret_net": ret_net,
        "resret": account[:, rk.RESRET] if has_residual else np.full(len(days), np.nan),
        "ret_long": account[:, rk.RET_LONG],
        "ret_short": account[:, rk.RET_SHORT],
        "cost": account[:, rk.COST],
        "turnover": account[:, rk.TRADED] / (2 * held.gross[portfolio]),
        "cumret": np.cumsum(ret),
        "cumret_net": np.cumsum(ret_net),
        "drawdown": metrics.drawdown(ret_net),
        "n_long": account[:, rk.N_LONG].astype(np.int64),
        "n_short": account[:, rk.N_SHORT].astype(np.int64),
        "missing_return_share": np.divide(account[:, rk.MISSING], gross, out=np.zeros(len(days)), where=gross > 0),
    }
    if config.method == "long_only":
        columns["ret_market"] = market_returns(formation, config, panel)[days - held.shift]
        columns["ret_active"] = ret - columns["ret_market"]
    exposures = _held_exposures(formation, config, portfolio)[days - held.shift]
    columns |= {name: exposures[:, k] for k, name in enumerate(panel.style_names)}
    return pd.DataFrame(columns)


def market_returns(formation: Formation, config: BacktestConfig, panel: Panel) -> Floats:
    """(T,) equal-weighted return of the eligible names, by information day; 0 where there are none."""
    ret = traded_return(panel, config)
    eligible = (~np.isnan(formation.signal)).astype(np.uint8)
    rows_later = panel.rows_after(1 + config.lag)
    _, mean, _ = rk.group_returns(eligible, 1, rows_later, panel.offsets, ret, ret)
    return np.asarray(np.nan_to_num(mean[:, 0]))


def summary_table(
    series: pd.DataFrame, held: Held, formation: Formation, config: BacktestConfig, panel: Panel
) -> pd.DataFrame:
    """A row a group of each slice, in the order of `config.slices`."""
    market = np.zeros(panel.n_days)
    by_formation = market_returns(formation, config, panel)
    market[held.shift :] = by_formation[: panel.n_days - held.shift]
    market = market[held.days()]
    rows = []
    for name in config.slices:
        if name == "year":
            years = series["date"].dt.year.to_numpy()
            for year in np.unique(years):
                cut = years == year
                rows.append({"slice": name, "group": str(year)} | _summarize(series[cut], market[cut], panel))
        for p, portfolio in enumerate(formation.portfolios):
            if portfolio.slice_name == name:
                own = series if p == 0 else daily_series(held, formation, config, panel, p)
                own_market = np.zeros(panel.n_days)
                own_market[held.shift :] = by_formation[: panel.n_days - held.shift]
                rows.append(
                    {"slice": name, "group": portfolio.group} | _summarize(own, own_market[held.days(p)], panel)
                )
    return pd.DataFrame(rows)


def _summarize(series: pd.DataFrame, market: Floats, panel: Panel) -> dict[str, Any]:
    """One row of the summary; an empty series gives 0 days and NaN."""
    ret, net, residual = (series[name].to_numpy() for name in ("ret", "ret_net", "resret"))
    year = panel.days_per_year
    empty = len(series) == 0
    row = {
        "num_days": len(series),
        "invested_share": _mean(series["n_long"] + series["n_short"] > 0),
        "n_long": _mean(series["n_long"]),
        "n_short": _mean(series["n_short"]),
        "ret_ann": _mean(ret) * year,
        "ret_std": float(ret.std(ddof=1) * np.sqrt(year)) if len(ret) > 1 else np.nan,
        "sharpe": sharpe_ratio(ret, days_per_year=year),
        "ret_net_ann": _mean(net) * year,
        "sharpe_net": sharpe_ratio(net, days_per_year=year),
        "resret_ann": _mean(residual) * year,
        "sharpe_resret": sharpe_ratio(residual, days_per_year=year),
        "max_drawdown": np.nan if empty else float(metrics.drawdown(net).min()),
        "turnover": _mean(series["turnover"]),
        "hit_rate": _mean(net > 0),
        "skew": np.nan if empty else metrics.skewness(net),
        "worst_month": np.nan if empty else float(metrics.month_sums(net, _dates(series))[1].min()),
        "beta": np.nan if empty else metrics.beta(ret, market),
    }
    return row | {name: _mean(series[name].dropna()) for name in panel.style_names}


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else np.nan


def _dates(series: pd.DataFrame) -> NDArray[np.datetime64]:
    return series["date"].to_numpy().astype("datetime64[D]")


def _held_exposures(formation: Formation, config: BacktestConfig, portfolio: int) -> Floats:
    """(T, K) exposures of the held book by latest information day: the mean over the target books it is made of."""
    target = formation.exposures[:, portfolio]
    total = np.zeros_like(target)
    for wait in range(config.holding_days):
        total[wait:] += target[: len(target) - wait]
    return np.asarray(total / config.holding_days)


def slice_series(held: Held, formation: Formation, panel: Panel) -> pd.DataFrame:
    """`slice, group, date, ret, ret_net` of every group that is a portfolio of its own."""
    parts = []
    for p, portfolio in enumerate(formation.portfolios[1:], start=1):
        days = held.days(p)
        account = held.daily[p, days]
        ret = account[:, rk.RET_LONG] + account[:, rk.RET_SHORT]
        parts.append(
            pd.DataFrame(
                {
                    "slice": portfolio.slice_name,
                    "group": portfolio.group,
                    "date": panel.dates[days].astype("datetime64[s]"),
                    "ret": ret,
                    "ret_net": ret - account[:, rk.COST] - account[:, rk.BORROW],
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=["slice", "group", "date", "ret", "ret_net"])
    return pd.concat(parts, ignore_index=True)


def ic_series(formation: Formation, held: Held, panel: Panel) -> pd.DataFrame:
    """`date` (of the first holding day at lag 0) and `ic`, a row a selected day on which it is defined."""
    ic = formation.ic
    days = np.flatnonzero(~np.isnan(ic[:-1]) & held.selected[1:]) + 1
    return pd.DataFrame({"date": panel.dates[days].astype("datetime64[s]"), "ic": ic[days - 1]})


def fractile_analysis(formation: Formation, held: Held, config: BacktestConfig, panel: Panel) -> Fractiles:
    """Mean return, size and exposures of equal-weighted groups by signal, over the days of the series."""
    n_groups = round(100 / config.fractile[0])
    ret, group = traded_return(panel, config), formation.fractile
    count, mean, mean_residual = rk.group_returns(
        group, n_groups, panel.rows_after(held.shift), panel.offsets, ret, residual_returns(config, panel)
    )
    exposures = rk.group_exposures(group, n_groups, panel.offsets, panel.styles, formation.style_mean)
    days = held.formation_days()
    days = days[formation.n_eligible[days] >= n_groups]
    has_residual = ("resopenret" if config.from_open else "resret") in panel.returns
    columns: dict[str, Any] = {
        "fractile": np.arange(1, n_groups + 1),
        "n": _nan_mean(np.where(count[days] > 0, count[days], np.nan)),
        "ret_ann": _nan_mean(mean[days]) * panel.days_per_year,
        "resret_ann": _nan_mean(mean_residual[days]) * panel.days_per_year
        if has_residual
        else np.full(n_groups, np.nan),
    }
    columns |= {name: _nan_mean(exposures[days, :, k]) for k, name in enumerate(panel.style_names)}
    return Fractiles(
        table=pd.DataFrame(columns),
        monotonicity=spearman(columns["fractile"], columns["ret_ann"]),
    )


def _nan_mean(values: Floats) -> Floats:
    """Mean down the days of what is there; NaN where nothing is."""
    there = ~np.isnan(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(values.shape[1], np.nan), where=count > 0))


def attribution(held: Held, series: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """`kind` (`name`, `sector`, `month`), `id`, `ret_net`: what each contributed over the whole series."""
    names = np.flatnonzero(held.by_name)
    sectors = np.flatnonzero(held.by_sector)
    sector_ids = [*map(str, panel.sector_ids), "unknown"]
    months, sums = metrics.month_sums(series["ret_net"].to_numpy(), _dates(series))
    rows = [("name", str(panel.securities[s]), held.by_name[s]) for s in names]
    rows += [("sector", sector_ids[s], held.by_sector[s]) for s in sectors]
    rows += [("month", str(month), total) for month, total in zip(months, sums, strict=True)]
    return pd.DataFrame(rows, columns=["kind", "id", "ret_net"])
