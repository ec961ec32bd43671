"""Statistics of daily series. Arrays in, numbers out; simple returns on fixed notional, as docs/methodology.md says."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def drawdown(returns: Floats) -> Floats:
    """(T,) cumulative sum less its running maximum, which starts at 0; a fraction of notional, 0 or less."""
    cumulative = np.cumsum(returns)
    return cumulative - np.maximum.accumulate(np.maximum(cumulative, 0.0))


def skewness(returns: Floats) -> float:
    """Third central moment over the cubed standard deviation (population)."""
    centred = returns - returns.mean()
    squares = centred * centred
    variance = np.mean(squares)
    return float(np.mean(squares * centred) / variance**1.5) if variance > 1e-30 else np.nan


def beta(returns: Floats, market: Floats) -> float:
    """Least-squares slope of the returns on the market's."""
    centred = market - market.mean()
    variance = np.sum(centred**2)
    return float(np.sum(centred * returns) / variance) if variance > 1e-30 else np.nan


def month_sums(returns: Floats, dates: NDArray[np.datetime64]) -> tuple[NDArray[Any], Floats]:
    """The calendar months of the dates (ascending) and the sum of the returns of each."""
    month = dates.astype("datetime64[M]")
    begins = np.flatnonzero(np.append(True, month[1:] != month[:-1])) if len(month) else np.empty(0, np.int64)
    return month[begins], np.add.reduceat(returns, begins) if len(month) else np.empty(0)
