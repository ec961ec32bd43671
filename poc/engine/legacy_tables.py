"""The tables of a BacktestResult under the names of the former engine."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import polars as pl

from poc.engine import metrics
from poc.engine.config import BacktestConfig
from poc.engine.legacy_frames import read_series
from poc.engine.result import BacktestResult

RESULT_COLUMNS = {
    "group": "group",
    "numcos_l": "n_long",
    "numcos_s": "n_short",
    "num_date": "num_days",
    "ret_ann": "ret_ann",
    "ret_std": "ret_std",
    "sharpe_ret": "sharpe",
    "retPctPos": "hit_rate_gross",
    "resret_ann": "resret_ann",
    "resret_std": "resret_std",
    "sharpe_resret": "sharpe_resret",
    "resretPctPos": "hit_rate_resret",
    "ret_net_ann": "ret_net_ann",
    "ret_net_std": "ret_net_std",
    "sharpe_retnet": "sharpe_net",
    "retnetPctPos": "hit_rate",
    "maxdraw": "max_drawdown",
    "turnover": "turnover",
}
"""Our name of each column of `result`, in its order."""


def result_table(result: BacktestResult, factors: list[str], *, output: str) -> pd.DataFrame:
    """A row a group; for `simple` without the columns of residual returns and of days up."""
    columns = {
        name: ours
        for name, ours in RESULT_COLUMNS.items()
        if output == "full" or not (name.endswith("PctPos") or "resret" in name)
    }
    table = result.summary_table[[*columns.values(), *factors]]
    table = table.set_axis([*columns, *factors], axis="columns")
    return table.assign(group=table["group"].str.replace("Mid Cap", "Medium Cap"))


def daily_stats(result: BacktestResult, factors: list[str]) -> pd.DataFrame:
    """`date, ret, ret_net, resret, cumret, cumretnet, drawdown`, factors, `cumret_LargeCap` ..., `turnover`.

    `turnover` is the sum of absolute trades. The cumulative return of a cap group is 0 until its first day and stays
    where it is after its last. Against an index, `ret_active` stands at the end.
    """
    daily = result.daily_series
    columns = ["date", "ret", "ret_net", "resret", "cumret", "cumret_net", "drawdown", *factors]
    stats = daily[columns].rename(columns={"cumret_net": "cumretnet"})
    groups = result.slice_series[result.slice_series["slice"] == "cap"]
    if "cap" in result.config.slices:
        for size, label in (("Large", "Large Cap"), ("Medium", "Mid Cap"), ("Small", "Small Cap")):
            ret = groups[groups["group"] == label].set_index("date")["ret"]
            stats[f"cumret_{size}Cap"] = ret.cumsum().reindex(daily["date"]).ffill().fillna(0.0).to_numpy()
    stats = stats.assign(turnover=daily["turnover"] * 2 * _gross(result))
    return stats if result.config.benchmark is None else stats.assign(ret_active=daily["ret_active"])


def _gross(result: BacktestResult) -> float:
    """Sum of absolute weights that turnover is divided by, twice."""
    config: BacktestConfig = result.config
    if config.input_type == "weight" and not config.rescale_weights:
        held = result.holdings(last_day_only=False)
        return float(np.mean(held["weight"].abs().groupby(held["date"]).sum()))
    return 1.0 if config.method == "long_only" else 2.0


def betas(result: BacktestResult, benchmark: pd.DataFrame | None, regimes: pl.DataFrame | None) -> list[float]:
    """Slope of each group's daily gross return on the market's, or on a benchmark's over the days that it has.

    Args:
        benchmark: `date` and a daily return.
        regimes: `date, label` of the slice `vix`.
    """
    if benchmark is None:
        return list(result.summary_table["beta"])
    index = read_series("benchmark", benchmark).to_pandas().set_index("date")["value"]
    slopes = []
    for ret in _group_returns(result, regimes):
        both = pd.DataFrame({"ret": ret}).join(index, how="inner")
        slopes.append(metrics.beta(both["ret"].to_numpy(), both["value"].to_numpy()) if len(both) else float("nan"))
    return slopes


def _group_returns(result: BacktestResult, regimes: pl.DataFrame | None) -> Iterator[pd.Series]:
    """Daily gross returns by date of each row of the summary."""
    daily = result.daily_series.set_index("date")["ret"]
    own = {key: days.set_index("date")["ret"] for key, days in result.slice_series.groupby(["slice", "group"])}
    nothing = daily[:0]
    for name, group in result.summary_table[["slice", "group"]].itertuples(index=False):
        if name == "vix" and regimes is not None:
            days = regimes.filter(pl.col("label").cast(pl.String) == group)["date"].to_list()
            yield daily[daily.index.isin(pd.DatetimeIndex(days))]
        elif name in ("year", "capyr"):
            whole = daily if name == "year" else own.get(("cap", group[:-5]), nothing)
            yield whole[whole.index.to_series().dt.year == int(group[-4:])]
        else:
            yield daily if name == "overall" else own.get((name, group), nothing)


def fractile_table(result: BacktestResult, factors: list[str]) -> pd.DataFrame:
    """`fractile`, factors, `numcos, ret, resret`, annual."""
    table = result.fractile_analysis.rename(columns={"n": "numcos", "ret_ann": "ret", "resret_ann": "resret"})
    return table[["fractile", *factors, "numcos", "ret", "resret"]]
