"""Capacity, stability and coverage as a suite gathers them, made of plain numbers."""

import numpy as np
import pandas as pd

from poc.suite.capacity import BORROW_BPS, COEFFICIENTS, SIZES, Capacity
from poc.suite.coverage import Coverage
from poc.suite.measure import Measure
from poc.suite.stability import DELISTING, FRACTILES, REGIMES, WEIGHTS, Stability

CAPS = ("Large Cap", "Mid Cap", "Small Cap", "unknown")
SECTORS = ("10", "20")


def capacity() -> Capacity:
    """Half of the return is gone at $80 million a side, all at $451 million."""
    sizes = [(size, factor, factor * (size / 1e7) ** 0.4) for factor in COEFFICIENTS for size in SIZES]
    return Capacity(
        curve=pd.DataFrame(
            [
                {"gmv": size, "coefficient": factor, "ret_net_ann": 0.1 - 0.022 * scale, "sharpe_net": 1 - 0.22 * scale}
                for size, factor, scale in sizes
            ]
        ),
        gmv_half=Measure(value=8e7),
        gmv_zero=Measure(value=4.51e8),
        gmv_band=Measure(value=2**2.5),
        break_even_bps=Measure(value=31.4),
        cost_known_share=Measure(value=0.98),
        days_to_trade_median=Measure(value=0.012),
        days_to_trade_95=Measure(value=1.4),
        adv_median=Measure(value=3.2e7),
        mcap_median=Measure.not_applicable("no name held has a known mcap"),
        caps=pd.DataFrame({"group": CAPS, "share": (0.3, 0.3, 0.35, 0.05)}),
        borrow=pd.DataFrame(
            [{"borrow_bps": bps, "ret_net_ann": 0.08 - bps / 1e4, "sharpe_net": 0.8 - bps / 1e3} for bps in BORROW_BPS]
        ),
    )


def stability() -> Stability:
    """Better in the second half, worse when the market is nervous."""
    times = [("half", "first half", 0.5), ("half", "second half", 1.1)]
    times += [("regime", name, 1.2 - 0.5 * place) for place, name in enumerate(REGIMES)]
    return Stability(
        times=pd.DataFrame(
            [
                {"slice": name, "group": group, "num_days": 250, "ret_net_ann": sharpe / 10, "sharpe_net": sharpe}
                for name, group, sharpe in times
            ]
        ),
        largest_day_share=Measure(value=0.02, reason="2016-02-03"),
        liquid_half_sharpe_net=Measure(value=0.7),
        liquid_half_expected=Measure(value=0.53),
        neighbourhood=pd.DataFrame(
            [
                {"fractile": fractile, "weight": weight, "sharpe_net": 0.9 - fractile / 50}
                for weight in WEIGHTS
                for fractile in FRACTILES
            ]
        ),
        sectors=pd.DataFrame(
            {
                "slice": "sector", "group": SECTORS, "num_days": 750, "invested_share": 1.0, "n_long": 12.0,
                "n_short": 12.0, "ret_net_ann": (0.05, -0.01), "ret_ann": (0.07, 0.01), "sharpe_net": (0.4, -0.1),
                "sharpe": (0.6, 0.1), "max_drawdown": (-0.2, -0.3), "turnover": 0.06, "hit_rate": 0.51,
            }
        ),
        delisting=pd.DataFrame(
            [{"delist_ret": r, "ret_net_ann": 0.08 + r / 50, "sharpe_net": 0.8 + r / 5} for r in DELISTING]
        ),
        n_endings=17,
    )  # fmt: skip


def coverage() -> Coverage:
    """Three years of months."""
    months = pd.date_range("2015-01-01", "2017-12-01", freq="MS").as_unit("s")
    share = np.linspace(0.8, 0.95, len(months))
    monthly = pd.DataFrame({"date": months, "names": 540 * share, "share": share})
    groups = [("cap", name, 135.0) for name in CAPS[:3]] + [("sector", name, 200.0) for name in SECTORS]
    return Coverage(
        monthly=monthly.assign(**dict.fromkeys(CAPS[:3], share**2)),
        groups=pd.DataFrame(groups, columns=["slice", "group", "names"]).assign(share=0.9),
        rank_autocorrelation_1=Measure(value=0.98),
        rank_autocorrelation_5=Measure(value=0.91),
        rank_autocorrelation_21=Measure(value=0.72),
        half_life=Measure(value=44.3),
    )
