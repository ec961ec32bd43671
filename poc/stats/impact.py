"""Cost of a book under a power law of market impact, as a function of the size of the book."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ImpactCost:
    """Daily cost of a book at a reference size, in the parts that its size moves differently. T days.

    The unit cost of a trade is `beta * vol * (gmv * trade / adv) ** alpha`, after Almgren, Thum, Hauptmann and Li
    (2005), "Direct estimation of equity market impact", Risk 18. The trades do not depend on `gmv`, so the cost of a
    book of c times the coefficient and g times the size is that of the reference times `c * g ** alpha`: one number,
    the scale. Only the names without `vol` or `adv` break this, because the least that they pay is fixed.

    Attributes:
        known: (T,) cost of the trades whose `vol` and `adv` are known, at scale 1, a fraction of notional.
        unknown: (T,) what is traded of the other names, a fraction of notional.
        median: (T,) median unit cost of the known trades of the day at scale 1; 0 where there are none.
        least: least unit cost of an unknown name.
    """

    known: Floats
    unknown: Floats
    median: Floats
    least: float

    def at(self, scale: float) -> Floats:
        """(T,) cost a day at a scale, a fraction of notional."""
        return scale * self.known + self.unknown * np.maximum(self.least, scale * self.median)


def impact_cost(day: NDArray[np.integer], trade: Floats, unit_cost: Floats, *, n_days: int, least: float) -> ImpactCost:
    """Take the trades of a book apart.

    Args:
        day: (trades,) day of each trade, 0 to `n_days - 1`, ascending.
        trade: (trades,) its size, a positive fraction of notional.
        unit_cost: (trades,) its cost per unit at the reference size; NaN where `vol` or `adv` is unknown.
        n_days: T.
        least: least unit cost of an unknown name.
    """
    is_known = ~np.isnan(unit_cost)
    known = np.bincount(day[is_known], weights=(trade * unit_cost)[is_known], minlength=n_days).astype(np.float64)
    unknown = np.bincount(day[~is_known], weights=trade[~is_known], minlength=n_days).astype(np.float64)
    median = np.zeros(n_days)
    start = np.searchsorted(day, np.arange(n_days + 1))
    for t in np.flatnonzero(unknown):
        costs = unit_cost[start[t] : start[t + 1]]
        costs = costs[~np.isnan(costs)]
        median[t] = np.median(costs) if len(costs) else 0.0
    return ImpactCost(known=known, unknown=unknown, median=median, least=least)


def scale_at(cost: ImpactCost, mean_cost: float) -> float:
    """The scale at which the mean daily cost is the given one; NaN where no scale does that.

    The cost rises with the scale, from what the unknown names pay at least, in steps of a straight line: bisection
    finds the scale to the last digit.
    """
    slope = cost.known.mean()
    if slope <= 0 or mean_cost < cost.at(0.0).mean():
        return float("nan")
    low, high = 0.0, float(mean_cost / slope)
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if cost.at(middle).mean() <= mean_cost else (low, middle)
    return low
