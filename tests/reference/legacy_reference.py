"""The former engine, slow and obvious: a loop over the days of the return, written from its description alone.

Returns, weights' inputs, cost buckets, volatility, volume and prices are those of the day of the return; exposures and
groups those known on `date_sig`; each year is a run of its own. On a market where all of that is the same on every day,
nobody is ever missing and prices are 1, the numbers must be those of `poc.engine.legacy`.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
import pandas as pd

BPS = {1: "big", 2: "median", 3: "small"}
CAPS = {1: "Large Cap", 2: "Medium Cap", 3: "Small Cap"}
YEAR = 252
Book = dict[Any, float]


@dataclass(frozen=True, kw_only=True)
class Former:
    """The arguments of a run, under their former names; equal weights."""

    sigvar: str
    factor_list: tuple[str, ...]
    method: str = "long_short"
    from_open: bool = False
    input_type: str = "value"
    weight_adj: bool = True
    mincos: int = 10
    fractile: tuple[int, int] = (10, 90)
    tc_model: str = "naive"
    tc_level: tuple[float, float, float] = (2, 5, 10)
    tc_value: tuple[float, float] = (0.35, 0.4)
    gmv: float = 10
    resid: bool = False
    resid_style: str = "industry"
    resid_varlist: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FormerResult:
    """Its three tables, and the daily rows of the whole."""

    result: pd.DataFrame
    daily_stats: pd.DataFrame
    fractile: pd.DataFrame


def former_backtest(
    infile: pd.DataFrame, retfile: pd.DataFrame, otherfile: pd.DataFrame, run: Former, *, by_year: bool = True
) -> FormerResult:
    """All tables in their `full` form; without `by_year` a year is cut from the whole, as the new engine does."""
    rows = _merge(infile, retfile, otherfile, run)
    if run.resid:
        rows["signal"] = np.concatenate([_residual(day, run) for _, day in rows.groupby("day")])
    whole = _run(rows, run)
    years = {str(year): part for year, part in rows.groupby(rows["day"].dt.year)}
    cut = {year: whole[whole["date"].dt.year == int(year)] for year in years}
    caps = {name: _run(rows[rows["cap_sig"] == cap], run) for cap, name in CAPS.items()}
    groups = {"overall": whole} | ({y: _run(part, run) for y, part in years.items()} if by_year else cut) | caps
    result = pd.DataFrame([{"group": name} | _statistics(daily, run) for name, daily in groups.items()])
    return FormerResult(result, _daily_stats(whole, caps, run), _fractiles(rows, run))


def _merge(infile: pd.DataFrame, retfile: pd.DataFrame, otherfile: pd.DataFrame, run: Former) -> pd.DataFrame:
    """A row a signal with what the day of its return says, and what was known on `date_sig`."""
    day, ret, resret = ("date_openret", "openret", "resopenret") if run.from_open else ("date_ret", "ret", "resret")
    rows = infile.rename(columns={day: "day", run.sigvar: "signal"}).dropna(subset=["day", "signal"])
    rows = rows[["security_id", "date_sig", "day", "signal"]]
    market = retfile.rename(columns={"date": "day", ret: "_ret", resret: "_resret"})
    rows = rows.merge(
        market[["security_id", "day", "_ret", "_resret", "vol", "adv", "close"]], on=["security_id", "day"]
    )
    sizes = otherfile.rename(columns={"date": "day"})[["security_id", "day", "cap"]]
    rows = rows.merge(sizes, on=["security_id", "day"], how="left").sort_values("date_sig")
    known = otherfile.rename(columns={"date": "date_sig", "cap": "cap_sig"}).sort_values("date_sig")
    exposures = list(dict.fromkeys([*run.factor_list, *(run.resid_varlist or ())]))
    for columns, days in ((exposures, 5), (["cap_sig", "industry_id"], 20)):
        rows = pd.merge_asof(
            rows,
            known[["security_id", "date_sig", *columns]],
            on="date_sig",
            by="security_id",
            tolerance=pd.Timedelta(days=days),
        )
    return rows.sort_values(["day", "security_id"]).reset_index(drop=True)


def _residual(day: pd.DataFrame, run: Former) -> np.ndarray:
    columns = []
    if run.resid_style != "factor":
        columns += [(day["industry_id"] == industry).to_numpy(float) for industry in day["industry_id"].unique()]
    if run.resid_style != "industry":
        names = run.factor_list if run.resid_varlist is None else run.resid_varlist
        columns += [np.ones(len(day)), *(day[name].to_numpy(float) for name in names)]
    x = np.column_stack(columns)
    y = day["signal"].to_numpy(float)
    return np.asarray(y - x @ np.linalg.lstsq(x, y, rcond=None)[0])


def _run(rows: pd.DataFrame, run: Former) -> pd.DataFrame:
    """A row a day: returns, costs, exposures."""
    before: Book | None = None
    out = []
    for date, day in rows.groupby("day"):
        book = _book(day, run)
        names = day.set_index("security_id").to_dict("index")
        trades = {} if before is None else _trades(book, before)
        ret = sum(weight * names[name]["_ret"] for name, weight in book.items())
        cost = sum(trade * _unit_cost(names[name], trade, run) for name, trade in trades.items())
        row = {
            "date": date,
            "ret": ret,
            "ret_net": ret - cost,
            "resret": sum(weight * names[name]["_resret"] for name, weight in book.items()),
            "traded": sum(trades.values()),
            "gross": sum(map(abs, book.values())),
            "numcos_l": sum(weight > 0 for weight in book.values()),
            "numcos_s": sum(weight < 0 for weight in book.values()),
        }
        for factor in run.factor_list:
            row[factor] = sum(weight * names[name][factor] for name, weight in book.items())
        out.append(row)
        before = book
    daily = pd.DataFrame(out)
    gross = 1.0 if run.method == "long_only" else 2.0
    if run.input_type == "weight" and not run.weight_adj:
        gross = float(daily["gross"].mean())
    return daily.assign(turnover=daily["traded"] / (2 * gross))


def _book(day: pd.DataFrame, run: Former) -> Book:
    signal = day.set_index("security_id")["signal"]
    if run.input_type == "value":
        percentile = np.ceil(100 * signal.rank() / len(signal))
        short, long = signal.index[percentile <= run.fractile[0]], signal.index[percentile > run.fractile[1]]
    elif run.input_type == "fractile":
        short, long = signal.index[signal == signal.min()], signal.index[signal == signal.max()]
    else:
        short, long = signal.index[signal < 0], signal.index[signal > 0]
    assert min(len(short), len(long)) >= run.mincos, "the markets that are compared have names enough on every day"
    sides = [(long, 1.0)] if run.method == "long_only" else [(long, 1.0), (short, -1.0)]
    book: Book = {}
    for names, sign in sides:
        size = signal[names].abs() if run.input_type == "weight" else pd.Series(1.0, names)
        if run.input_type != "weight" or run.weight_adj:
            size = size / size.sum()
        book |= {name: sign * value for name, value in size.items()}
    return book


def _trades(book: Book, before: Book) -> Book:
    trades = {name: abs(book.get(name, 0.0) - before.get(name, 0.0)) for name in book.keys() | before.keys()}
    return {name: trade for name, trade in trades.items() if trade > 0}


def _unit_cost(name: dict[Any, Any], trade: float, run: Former) -> float:
    if run.tc_model == "naive":
        return float(run.tc_level[int(name["cap"]) - 1] / 1e4)
    beta, alpha = run.tc_value
    return float(beta * name["vol"] * (run.gmv * 1e6 * trade / name["adv"]) ** alpha / name["close"])


def _statistics(daily: pd.DataFrame, run: Former) -> dict[str, float]:
    row = {"num_date": float(len(daily))} | {name: float(daily[name].mean()) for name in ("numcos_l", "numcos_s")}
    for column, annual, sharpe, up in (
        ("ret", "ret", "sharpe_ret", "retPctPos"),
        ("resret", "resret", "sharpe_resret", "resretPctPos"),
        ("ret_net", "ret_net", "sharpe_retnet", "retnetPctPos"),
    ):
        row[f"{annual}_ann"] = daily[column].mean() * YEAR
        row[f"{annual}_std"] = daily[column].std() * sqrt(YEAR)
        row[sharpe] = row[f"{annual}_ann"] / row[f"{annual}_std"]
        row[up] = float((daily[column] > 0).mean())
    row["maxdraw"] = _drawdown(daily["ret_net"]).min()
    row["turnover"] = daily["turnover"].mean()
    return row | {factor: daily[factor].mean() for factor in run.factor_list}


def _drawdown(returns: pd.Series) -> pd.Series:
    total = returns.cumsum()
    return total - total.cummax().clip(lower=0)


def _daily_stats(daily: pd.DataFrame, caps: dict[str, pd.DataFrame], run: Former) -> pd.DataFrame:
    stats = daily[["date", "ret", "ret_net", "resret"]].assign(
        cumret=daily["ret"].cumsum(), cumretnet=daily["ret_net"].cumsum(), drawdown=_drawdown(daily["ret_net"])
    )
    stats[list(run.factor_list)] = daily[list(run.factor_list)]
    for name, cap in caps.items():
        stats[f"cumret_{name.replace(' ', '')}"] = cap["ret"].cumsum().to_numpy()
    return stats.assign(turnover=daily["traded"])


def _fractiles(rows: pd.DataFrame, run: Former) -> pd.DataFrame:
    count = round(100 / run.fractile[0])
    daily = []
    for _, day in rows.groupby("day"):
        group = [ceil(count * rank / len(day)) for rank in day["signal"].rank()]
        for fractile, names in day.groupby(group):
            row = {"fractile": fractile} | {factor: names[factor].mean() for factor in run.factor_list}
            daily.append(row | {"numcos": len(names), "ret": names["_ret"].mean(), "resret": names["_resret"].mean()})
    table = pd.DataFrame(daily).groupby("fractile").mean()
    table[["ret", "resret"]] *= YEAR
    return table.reindex(range(1, count + 1)).reset_index()
