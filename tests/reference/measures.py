"""The statistics of a daily series."""

from math import floor, sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import skew as population_skew

NAN = float("nan")


def summary(days: pd.DataFrame, styles: list[str], *, year: int) -> dict[str, Any]:
    """One row of the summary table from the days of one series; `year` is the number of days in one."""
    if days.empty:
        return {"num_days": 0}
    row: dict[str, Any] = {"num_days": len(days)}
    row |= {name: days[name].mean() for name in ("n_long", "n_short", "turnover")}
    row["invested_share"] = float(np.mean((days["n_long"] + days["n_short"] > 0).to_numpy()))
    for column, ratio in (("ret", "sharpe"), ("ret_net", "sharpe_net"), ("resret", "sharpe_resret")):
        row[f"{column}_ann"] = days[column].mean() * year
        row[f"{column}_std"] = deviation = days[column].std(ddof=1) * sqrt(year)
        row[ratio] = row[f"{column}_ann"] / deviation if deviation > 0 else NAN
    net = days["ret_net"]
    row["max_drawdown"] = min(drawdown(list(net)))
    row["hit_rate"] = float((net > 0).mean())
    row["hit_rate_gross"] = float((days["ret"] > 0).mean())
    row["hit_rate_resret"] = NAN if days["resret"].isna().all() else float((days["resret"] > 0).mean())
    row["skew"] = float(population_skew(net)) if net.max() > net.min() else NAN
    row["worst_month"] = net.groupby(days["date"].dt.strftime("%Y-%m")).sum().min()
    row["beta"] = slope(days["ret_market"], days["ret"])
    row |= {style: days[style].mean() for style in styles}  # pandas leaves NaN out of a mean
    return row


def drawdown(returns: list[float]) -> list[float]:
    """Distance of the running sum from its highest value so far, which starts at 0."""
    total = highest = 0.0
    distances = []
    for value in returns:
        total += value
        highest = max(highest, total)
        distances.append(total - highest)
    return distances


def slope(x: pd.Series, y: pd.Series) -> float:
    """Of the least squares line of y on x."""
    spread = ((x - x.mean()) ** 2).sum()
    if len(x) < 2 or x.max() == x.min():
        return NAN
    return float(((x - x.mean()) * (y - y.mean())).sum() / spread)


def newey_west_t(values: list[float]) -> float:
    """t of the mean, by statsmodels; lags floor(4 (T/100)^(2/9))."""
    import statsmodels.api as sm

    if len(values) < 2 or min(values) == max(values):
        return NAN
    lags = floor(4 * (len(values) / 100) ** (2 / 9))
    fit = sm.OLS(np.array(values), np.ones(len(values))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    return float(fit.tvalues[0])


def ic_summary(values: list[float]) -> dict[str, float]:
    """Mean, deviation, t, hit rate, ratio and count of the daily information coefficients."""
    series = pd.Series(values, dtype=float)
    mean, std = series.mean(), series.std(ddof=1)
    return {
        "mean": mean,
        "std": std,
        "t": newey_west_t(values),
        "hit_rate": float((series > 0).mean()) if values else NAN,
        "ir": mean / std if std > 0 else NAN,
        "days": len(values),
    }
