"""What the signal adds to the baselines: what is left of its ranking, and how much better its Sharpe ratio is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel, side_by_side
from poc.data.sort_kernels import distinct_ranks, order_by_day, sort_days
from poc.engine.blocks import over_blocks, read_only
from poc.engine.config import BacktestConfig
from poc.engine.cross_section_kernels import average_ranks, daily_rank_correlation
from poc.engine.formation import IC_LEAST_NAMES, candidates, return_name, rows_of
from poc.engine.placing import PlacedSignal
from poc.engine.result import BacktestResult
from poc.engine.signal_kernels import residualize
from poc.stats.newey_west import newey_west_t
from poc.stats.sharpe_difference import SharpeDifference
from poc.suite.measure import Measure

Floats = NDArray[np.float64]


LEAST_NAMES = 20


class Overlap(NamedTuple):
    """Rank correlations of each of the T days.

    Attributes:
        baselines: (T,) of the signal with each baseline, over names eligible in the run with live values of both.
        rest: (T,) of what the baselines leave of its ranking with the return of the first holding day.
    """

    baselines: dict[str, Floats]
    rest: Floats


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


def find_overlap(
    own: PlacedSignal, baselines: Mapping[str, PlacedSignal], panel: Panel, config: BacktestConfig, *, threads: int
) -> Overlap:
    """Correlate a signal with baselines, and take them out of it by a regression of ranks a day.

    Args:
        own: the signal.
        baselines: those that were placed.
        panel: the data.
        config: the base variant.
        threads: blocks of days in work at once; no number depends on it.
    """
    candidate, next_rank = candidates(panel, config), panel.next_return_ranks(return_name(panel, config))

    def correlate(days: tuple[int, int]) -> list[Floats]:
        rows, offsets = rows_of(panel, days)
        signal = np.where(candidate[rows], own.values[rows], np.nan)
        order, tied = sort_days(signal, offsets)
        found, ranks = [], [average_ranks(signal, order, offsets)]
        for other in baselines.values():
            values = np.where(np.isnan(signal), np.nan, other.values[rows])
            other_order = order_by_day(values, offsets)
            other_ranks = distinct_ranks(values, other_order, offsets)
            found.append(daily_rank_correlation(signal, order, tied, other_ranks, offsets, LEAST_NAMES))
            ranks.append(average_ranks(values, other_order, offsets))
        rest = rank_residuals(ranks, offsets)
        return [
            *found,
            daily_rank_correlation(rest, *sort_days(rest, offsets), next_rank[rows], offsets, IC_LEAST_NAMES),
        ]

    *found, rest = map(np.concatenate, zip(*over_blocks(correlate, panel.offsets, threads=threads), strict=True))
    return Overlap(dict(zip(baselines, found, strict=True)), rest)


def rank_residuals(ranks: Sequence[Floats], offsets: NDArray[Any]) -> Floats:
    """Residual of each day's least squares of the ranks of a signal on an intercept and the ranks of others.

    Args:
        ranks: (R,) each, of the signal, then of the others, NaN where missing: then it counts as the mean rank. One
            that more than half of the names lack is left out that day, as is one that depends on those before it.
        offsets: (T + 1,) rows of day t are `offsets[t]:offsets[t + 1]`.

    Returns:
        (R,) rounded to 1e-10 of the day's standard deviation of the ranks, NaN where the signal is.
    """
    own, *others = ranks
    styles = read_only(side_by_side([rank.astype(np.float32) for rank in (*others, own)], len(own)))  # which is exact
    one_group = read_only(np.zeros(len(own), np.int16))
    residual: Floats = residualize(own, offsets, one_group, 1, styles, len(others), 0)
    return residual


def measure_incremental(
    overlap: Overlap | None, names: Collection[str], result: BacktestResult | None, panel: Panel
) -> Incremental:
    """The information coefficient of what the baselines leave, from that of each day.

    Args:
        overlap: None where the base variant failed.
        names: of all baselines, those too that were skipped.
        result: of the base variant, None where it failed.
        panel: the data.
    """
    if overlap is None or result is None:
        return _missing(Measure.not_run())
    skipped = [name for name in names if name not in overlap.baselines]
    if skipped:
        return _missing(Measure.not_run(f"these baselines were not run: {', '.join(skipped)}"))
    if not names:
        return _missing(Measure.not_run("no baseline was run"))
    days = np.searchsorted(panel.dates, result.ic_series["date"].to_numpy().astype("datetime64[D]")) - 1
    ic = overlap.rest[days][~np.isnan(overlap.rest[days])]
    if not len(ic):
        return _missing(Measure.not_applicable("the baselines leave nothing of the ranking"))
    return Incremental(ic=Measure.of(ic.mean()), ic_t=Measure.of(newey_west_t(ic)))


def _missing(measure: Measure) -> Incremental:
    return Incremental(ic=measure, ic_t=measure)
