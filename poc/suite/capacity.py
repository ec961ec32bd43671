"""How large a book the base variant bears: what size and borrowing take, and how liquid the names are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine.holdings import Entries, holdings_of, trades_of
from poc.engine.result import BacktestResult
from poc.engine.return_kernels import UNKNOWN_COST
from poc.engine.slices import CAP_NAMES
from poc.stats.impact import ImpactCost, impact_cost, scale_at
from poc.stats.sharpe import sharpe_ratio
from poc.suite.measure import Measure

Floats = NDArray[np.float64]

SIZES = (*(step * 10.0**power for power in (6, 7, 8, 9) for step in (1, 2, 5)), 1e10)
"""Dollars a side."""
COEFFICIENTS = (0.5, 1.0, 2.0)
PARTICIPATION = 0.1
"""Share of a name's daily volume that is traded, for the days to trade."""
BORROW_BPS = (0.0, 30.0, 300.0)


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What the net return of the base variant bears (definitions in docs/methodology.md).

    Attributes:
        curve: `gmv` (dollars a side), `coefficient` (factor on that of the power law), `ret_net_ann`, `sharpe_net`;
            empty where the power law has nothing to go by.
        gmv_half: size at which impact takes half of the net return of a very small book.
        gmv_zero: size at which it takes all.
        gmv_band: with the coefficient doubled both are divided by this, with the coefficient halved multiplied.
        break_even_bps: cost of a trade, one way, at which the net return is zero.
        cost_known_share: share of what is traded that has the `vol` and `adv` which the power law needs.
        days_to_trade_median: days to trade a position at 10% of the name's daily volume, at the size of the base.
        days_to_trade_95: 95% of the positions take at most as long.
        adv_median: median daily dollar volume of the names held.
        mcap_median: median capitalisation of the names held.
        caps: `group` (a cap bucket), `share` of the book by absolute weight.
        borrow: `borrow_bps` (a year on the short side, in place of the configured), `ret_net_ann`, `sharpe_net`.
    """

    curve: pd.DataFrame
    gmv_half: Measure
    gmv_zero: Measure
    gmv_band: Measure
    break_even_bps: Measure
    cost_known_share: Measure
    days_to_trade_median: Measure
    days_to_trade_95: Measure
    adv_median: Measure
    mcap_median: Measure
    caps: pd.DataFrame
    borrow: pd.DataFrame


def gather_capacity(result: BacktestResult, panel: Panel) -> Capacity:
    """Measure the capacity of a result on the panel that it was run on."""
    config, gross = result.config, result.daily_series["ret"].to_numpy()
    short, of_holdings = _measure_holdings(result, panel)
    traded = trades_of(result.books, panel)
    before_cost = gross - short * _borrow_a_day(config.borrow_bps, panel)
    cost = _power_law(result, traded, panel)
    curve = pd.DataFrame(columns=["gmv", "coefficient", "ret_net_ann", "sharpe_net"], dtype=float)
    if cost.known.any():
        curve = _curve(before_cost, cost, result, panel)
    gmv_half, gmv_zero = (_gmv_at(left, before_cost, cost, result) for left in (0.5, 0.0))
    return Capacity(
        curve=curve,
        gmv_half=gmv_half,
        gmv_zero=gmv_zero,
        gmv_band=_band(config.tc_power[1], gmv_zero),
        break_even_bps=_break_even(before_cost, traded.weight),
        cost_known_share=_known_share(cost, traded.weight),
        borrow=pd.DataFrame(
            [
                {"borrow_bps": bps}
                | net_statistics(gross - result.daily_series["cost"] - short * _borrow_a_day(bps, panel), panel)
                for bps in BORROW_BPS
            ]
        ),
        **of_holdings,
    )


def _measure_holdings(result: BacktestResult, panel: Panel) -> tuple[Floats, dict[str, Any]]:
    """Short weight by day, and the fields of `Capacity` that come from the holdings; these are then forgotten."""
    held = holdings_of(result.books)
    n_days = len(result.daily_series)
    short = np.bincount(held.day, weights=np.maximum(-held.weight, 0.0), minlength=n_days).astype(np.float64)
    adv = panel.known_adv[held.row]
    days = np.abs(held.weight)
    days *= result.config.gmv  # in place: there is an entry a name held and day
    days /= PARTICIPATION * np.where(adv > 0, adv, np.nan)
    return short, {
        "days_to_trade_median": _quantile(days, 0.5, "adv"),
        "days_to_trade_95": _quantile(days, 0.95, "adv"),
        "adv_median": _quantile(adv, 0.5, "adv"),
        "mcap_median": _quantile(panel.mcap[held.row], 0.5, "mcap"),
        "caps": _by_cap(held, panel),
    }


def net_statistics(net: pd.Series | Floats, panel: Panel) -> dict[str, float]:
    """`ret_net_ann` and `sharpe_net` of daily net returns."""
    year = panel.days_per_year
    return {"ret_net_ann": float(np.mean(net)) * year, "sharpe_net": sharpe_ratio(net, days_per_year=year)}


def _borrow_a_day(bps: float, panel: Panel) -> float:
    return bps / 1e4 / panel.days_per_year


def _power_law(result: BacktestResult, traded: Entries, panel: Panel) -> ImpactCost:
    """Cost of the trades at the size and the coefficient of the configuration."""
    (beta, alpha), gmv = result.config.tc_power, result.config.gmv
    vol, adv = panel.known_vol[traded.row], panel.known_adv[traded.row]
    unit_cost = np.where(~np.isnan(vol) & (adv > 0), gmv * traded.weight, np.nan)
    unit_cost /= adv  # in place: there is an entry a trade
    unit_cost **= alpha
    unit_cost *= vol
    unit_cost *= beta
    n_days = len(result.daily_series)
    return impact_cost(traded.day, traded.weight, unit_cost, n_days=n_days, least=UNKNOWN_COST)


def _curve(before_cost: Floats, cost: ImpactCost, result: BacktestResult, panel: Panel) -> pd.DataFrame:
    rows = []
    for coefficient in COEFFICIENTS:
        for gmv in SIZES:
            scale = coefficient * (gmv / result.config.gmv) ** result.config.tc_power[1]
            net = net_statistics(before_cost - cost.at(scale), panel)
            rows.append({"gmv": gmv, "coefficient": coefficient} | net)
    return pd.DataFrame(rows)


def _gmv_at(left: float, before_cost: Floats, cost: ImpactCost, result: BacktestResult) -> Measure:
    """The size at which the given share of a very small book's net return is left."""
    alpha = result.config.tc_power[1]
    small = float((before_cost - cost.at(0.0)).mean())
    if small <= 0:
        return Measure.not_applicable("the net return is not positive at any size")
    if not cost.known.any() or alpha == 0:
        return Measure.not_applicable(
            "no trade has a cost that grows with the size of the book (vol and adv are needed)"
        )
    scale = scale_at(cost, float(before_cost.mean()) - left * small)
    return Measure.of(result.config.gmv * np.float64(scale) ** (1 / alpha))


def _band(alpha: float, gmv: Measure) -> Measure:
    return Measure.of(np.float64(2.0) ** (1 / alpha)) if gmv.status == "ok" else gmv


def _break_even(before_cost: Floats, trades: Floats) -> Measure:
    if before_cost.mean() <= 0:
        return Measure.not_applicable("the return before cost is not positive")
    if len(trades) == 0:
        return Measure.not_applicable("nothing is traded after the first day")
    return Measure.of(1e4 * before_cost.sum() / trades.sum())


def _known_share(cost: ImpactCost, trades: Floats) -> Measure:
    if len(trades) == 0:
        return Measure.not_applicable("nothing is traded after the first day")
    return Measure.of(1 - cost.unknown.sum() / trades.sum())


def _quantile(values: NDArray[Any], q: float, column: str) -> Measure:
    """Quantile over the names held, every day counting; those without a value are left out."""
    there = values[~np.isnan(values)]
    if len(there) == 0:
        return Measure.not_applicable(f"no name held has a known {column}")
    return Measure.of(np.quantile(there, q, overwrite_input=True))


def _by_cap(held: Entries, panel: Panel) -> pd.DataFrame:
    by_cap = np.bincount(panel.known_cap[held.row], weights=np.abs(held.weight), minlength=4)
    share = by_cap[[1, 2, 3, 0]] / by_cap.sum()
    return pd.DataFrame({"group": [*CAP_NAMES, "unknown"], "share": share})
