"""What the signal adds to the baselines: what is left of its ranking, and how much better its Sharpe ratio is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.data.sort_kernels import order_by_day
from poc.engine.config import BacktestConfig
from poc.engine.cross_section_kernels import daily_rank_correlation
from poc.engine.formation import IC_LEAST_NAMES, return_name
from poc.engine.result import BacktestResult
from poc.engine.spanning_kernels import rank_residuals
from poc.stats.newey_west import newey_west_t
from poc.stats.sharpe_difference import SharpeDifference
from poc.suite.measure import Measure

Floats = NDArray[np.float64]


class Ranked(NamedTuple):
    """Values of the panel's rows, NaN where missing, and the rows of each day in their ascending order."""

    values: Floats
    order: NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class AgainstBaseline:
    """The net Sharpe ratio of the signal less that of a baseline, on their common days.

    Attributes:
        name: of the baseline.
        difference: annual.
        low, high: 95% interval.
        p_value: two-sided, that the true difference is 0.
    """

    name: str
    difference: Measure
    low: Measure
    high: Measure
    p_value: Measure

    @classmethod
    def of(cls, name: str, found: SharpeDifference) -> "AgainstBaseline":
        """What the bootstrap found."""
        why = "the common days are too few, or the two returns are the same up to scale"
        numbers = (found.difference, found.low, found.high, found.p_value)
        difference, low, high, p_value = (Measure.of(value, otherwise=why) for value in numbers)
        return cls(name=name, difference=difference, low=low, high=high, p_value=p_value)

    @classmethod
    def not_run(cls, name: str, reason: str) -> "AgainstBaseline":
        """No difference, and why."""
        missing = Measure.not_run(reason)
        return cls(name=name, difference=missing, low=missing, high=missing, p_value=missing)


@dataclass(frozen=True, kw_only=True)
class Incremental:
    """The information coefficient of what the ranks of the baselines leave of the ranks of the signal.

    Attributes:
        ic: mean over the days that have an IC of the first holding day.
        ic_t: its Newey-West t.
    """

    ic: Measure
    ic_t: Measure


def ranked(values: Floats, panel: Panel) -> Ranked:
    """Sort the values of each day."""
    return Ranked(values, order_by_day(values, panel.offsets))


def measure_incremental(
    own: Ranked | None, baselines: Mapping[str, Ranked | None], result: BacktestResult | None, panel: Panel,
    config: BacktestConfig,
) -> Incremental:  # fmt: skip
    """Rank, take the baselines out by a regression a day, and correlate with the return of the first holding day.

    Args:
        own: the eligible values of the signal; None where the base variant failed.
        baselines: the placed values of each, None where it was skipped.
        result: of the base variant, None where it failed.
        panel: the data.
        config: the base variant.
    """
    there = [baseline for baseline in baselines.values() if baseline is not None]
    if own is None or result is None:
        return _missing(Measure.not_run())
    if len(there) < len(baselines):
        skipped = [name for name, baseline in baselines.items() if baseline is None]
        return _missing(Measure.not_run(f"these baselines were not run: {', '.join(skipped)}"))
    if not there:
        return _missing(Measure.not_run("no baseline was run"))
    others = np.array([baseline.values for baseline in there])
    rest = rank_residuals(*own, others, np.array([baseline.order for baseline in there]), panel.offsets)
    next_rank = panel.next_return_ranks(return_name(panel, config))
    ic = daily_rank_correlation(*ranked(rest, panel), next_rank, panel.offsets, IC_LEAST_NAMES)
    days = np.searchsorted(panel.dates, result.ic_series["date"].to_numpy().astype("datetime64[D]")) - 1
    ic = ic[days][~np.isnan(ic[days])]
    if not len(ic):
        return _missing(Measure.not_applicable("the baselines leave nothing of the ranking"))
    return Incremental(ic=Measure.of(ic.mean()), ic_t=Measure.of(newey_west_t(ic)))


def _missing(measure: Measure) -> Incremental:
    return Incremental(ic=measure, ic_t=measure)
