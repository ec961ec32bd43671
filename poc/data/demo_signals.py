"""Signals on the synthetic market, each with the truth that was planted and the verdict that it deserves."""

import math
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.data.demo_market import HALF_LIFE, DemoMarket, Floats, simulate_market, slow_noise

COVERAGE = 0.9
"""Share of the securities that a signal says anything about."""
BEFORE_CLOSE = 15.0
"""Hour at which a signal can still trade at that day's close."""
Color = Literal["green", "yellow", "red"]
PLANTED: dict[str, tuple[str, Color]] = {
    "real_alpha": (
        "A real, slow alpha: a noisy view of a hidden characteristic that is paid in names of every size.",
        "green",
    ),
    "fast_decay": (
        "A real alpha that is paid on the next day and gone after it: one day late, nothing is left.",
        "red",
    ),
    "noise": ("Random numbers, unrelated to any return.", "red"),
    "reversal_clone": ("The five-day reversal baseline with a little noise on top: nothing new.", "red"),
    "small_cap_only": ("A real, slow alpha that is paid in small caps only.", "yellow"),
    "future_leak": ("The return of the next day, which nobody can know, under noise.", "red"),
}
"""What is planted in each signal, and the verdict that it should get."""


class DemoSignal(NamedTuple):
    """A contract frame, what was planted in it, and the verdict that it should get."""

    frame: pd.DataFrame
    truth: str
    expected: Color


def demo_signals(market: DemoMarket | None = None) -> dict[str, DemoSignal]:
    """All planted signals by name, `real_alpha` first.

    Args:
        market: the market that they are about; None: the one that `simulate_market` makes by default.
    """
    market = market or simulate_market()
    rng = np.random.Generator(np.random.PCG64([market.seed, 1]))
    shape = market.ret.shape
    covered = market.listed & (rng.random(shape[1]) < COVERAGE)

    def observed(truth: Floats, correlation: float, noise: Floats) -> Floats:
        return correlation * truth + math.sqrt(1 - correlation**2) * noise

    def daily_noise() -> Floats:
        return rng.standard_normal(shape)

    quality = observed(market.quality, 0.8, slow_noise(rng, shape, HALF_LIFE))
    news = observed(market.news, 0.9, daily_noise())
    neglect = observed(market.neglect, 0.9, slow_noise(rng, shape, HALF_LIFE))
    reversal = observed(_scale(-_past_return(market, 5)), 0.98, daily_noise())
    tomorrow = np.vstack([market.ret[1:], np.full((1, shape[1]), np.nan)])
    leak = observed(_scale(tomorrow), 0.4, daily_noise())
    frames = {
        "real_alpha": _next_day_frame(market, quality, covered),
        "fast_decay": _same_day_frame(market, news, covered),
        "noise": _next_day_frame(market, slow_noise(rng, shape, 20), covered),
        "reversal_clone": _next_day_frame(market, reversal, covered),
        "small_cap_only": _next_day_frame(market, neglect, covered),
        "future_leak": _same_day_frame(market, leak, covered),
    }
    return {name: DemoSignal(frame, *PLANTED[name]) for name, frame in frames.items()}


def _past_return(market: DemoMarket, days: int) -> Floats:
    """Compounded return of the past `days` days; NaN where the name was not listed before them."""
    past = np.full(market.close.shape, np.nan)
    past[days:] = market.close[days:] / market.close[:-days] - 1
    past[days:][~market.listed[:-days]] = np.nan
    return past


def _scale(values: Floats) -> Floats:
    """Standardize over all days and names at once."""
    scaled: Floats = (values - np.nanmean(values)) / np.nanstd(values)
    return scaled


def _next_day_frame(market: DemoMarket, signal: Floats, covered: NDArray[np.bool_]) -> pd.DataFrame:
    """Known on the next trading day, before its open."""
    day, name = np.nonzero(covered[:-1] & np.isfinite(signal[:-1]))
    return pd.DataFrame(
        {
            "security_id": market.security_id[name],
            "date_sig": market.dates[day],
            "date_avail": market.dates[day + 1],
            "signal": signal[day, name],
        }
    )


def _same_day_frame(market: DemoMarket, signal: Floats, covered: NDArray[np.bool_]) -> pd.DataFrame:
    """Known, so it says, on the same day, in time for its close."""
    frame = _next_day_frame(market, signal, covered)
    return frame.assign(date_avail=frame["date_sig"], avail_hour=BEFORE_CLOSE)
