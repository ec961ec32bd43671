"""What a day's trades cost."""

from statistics import median
from typing import Any

from poc.engine.config import BacktestConfig
from tests.reference.market import NO_LIMIT, Market

SMALLEST_TRADE = 1e-12
UNKNOWN_COST = 10e-4


def trades(book: dict[Any, float], before: dict[Any, float]) -> dict[Any, float]:
    """Name -> absolute change of weight, of the names that trade."""
    sizes = {n: abs(book.get(n, 0.0) - before.get(n, 0.0)) for n in book.keys() | before.keys()}
    return {n: size for n, size in sizes.items() if size >= SMALLEST_TRADE}


def cost_by_name(traded: dict[Any, float], info: int, *, market: Market, config: BacktestConfig) -> dict[Any, float]:
    """Name -> cost of its trade, a fraction of the notional of a side."""
    unit = _naive if config.tc_model == "naive" else _power_law
    units = unit(traded, info, market=market, config=config)
    return {n: size * units[n] for n, size in traded.items()}


def _naive(traded: dict[Any, float], info: int, *, market: Market, config: BacktestConfig) -> dict[Any, float]:
    cap = market.seen("cap", info, NO_LIMIT)
    return {n: config.tc_bps[int(cap.get(n, 3)) - 1] / 1e4 for n in traded}


def _power_law(traded: dict[Any, float], info: int, *, market: Market, config: BacktestConfig) -> dict[Any, float]:
    beta, alpha = config.tc_power
    vol, adv = market.seen("vol", info, NO_LIMIT), market.seen("adv", info, NO_LIMIT)
    units = {
        n: beta * vol[n] * (config.gmv * size / adv[n]) ** alpha
        for n, size in traded.items()
        if n in vol and adv.get(n, 0) > 0
    }
    typical = median(units.values()) if units else UNKNOWN_COST
    return {n: units.get(n, max(UNKNOWN_COST, typical)) for n in traded}
