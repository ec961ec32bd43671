"""Which names the signal covers, and how fast it turns over."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.data.sort_kernels import sort_days
from poc.engine.blocks import over_blocks
from poc.engine.formation import candidates, rows_of
from poc.engine.placing import PlacedSignal
from poc.engine.result import BacktestResult
from poc.engine.slices import CAP_NAMES
from poc.stats.persistence import half_life
from poc.suite.measure import Measure
from poc.suite.shifted import correlate_shifted

LAGS = (1, 5, 21)
LEAST_NAMES = 20

Ints = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Names with a live signal among the names that could be traded, on the formation days behind the series.

    Attributes:
        monthly: `date` (first of the month), `names` (with a live signal, mean a day), `share` (of those that could be
            traded), then the share of each cap bucket under its name, where the snapshot has such names.
        groups: `slice` (`cap`, `sector`), `group`, `names` (mean a day), `share`: means over the days on which the
            group has a name that could be traded.
        rank_autocorrelation_1, rank_autocorrelation_5, rank_autocorrelation_21: mean over days of the rank correlation
            of the signal with itself that many trading days later, over names that are eligible on both days.
        half_life: trading days until the rank autocorrelation is one half.
    """

    monthly: pd.DataFrame
    groups: pd.DataFrame
    rank_autocorrelation_1: Measure
    rank_autocorrelation_5: Measure
    rank_autocorrelation_21: Measure
    half_life: Measure


def gather_coverage(result: BacktestResult, own: PlacedSignal, panel: Panel) -> Coverage:
    """Measure the coverage and the persistence of the base variant's signal."""
    days = result.books.days - result.books.shift
    could = candidates(panel, result.config)
    covered = could & ~np.isnan(own.values)
    every = np.zeros(len(could), np.int8)
    names, share = (counted[days, 0] for counted in _count(every, 1, could, covered, panel))
    caps, cap_share = (counted[days] for counted in _count(panel.cap, 4, could, covered, panel))
    order = (1, 2, 3, 0)
    cap_labels = (*CAP_NAMES, "unknown")
    by_day = {"date": panel.dates[days].astype("datetime64[s]"), "names": names, "share": share}
    by_day |= {label: cap_share[:, bucket] for label, bucket in zip(cap_labels, order, strict=True)}
    monthly = pd.DataFrame(by_day).resample("MS", on="date").mean().dropna(how="all").reset_index()
    sectors = _count(panel.sector + 1, len(panel.sector_ids) + 1, could, covered, panel)
    sector_names, sector_share = (np.roll(counted[days], -1, axis=1) for counted in sectors)
    groups = [
        _groups("cap", cap_labels, caps[:, order], cap_share[:, order]),
        _groups("sector", (*map(str, panel.sector_ids), "unknown"), sector_names, sector_share),
    ]
    again = _autocorrelations(own, covered, days, panel)
    return Coverage(
        monthly=monthly.dropna(axis="columns", how="all"),
        groups=pd.concat(groups if len(panel.sector_ids) else groups[:1], ignore_index=True),
        rank_autocorrelation_1=again[1],
        rank_autocorrelation_5=again[5],
        rank_autocorrelation_21=again[21],
        half_life=_half_life(again),
    )


def _count(code: Ints, n_groups: int, could: Ints, covered: Ints, panel: Panel) -> tuple[Ints, Ints]:
    """(T, groups) names with a signal, and their share of the names that could be traded; NaN where there are none."""
    counts = np.zeros((2, panel.n_days, n_groups))
    for t, (begin, end) in enumerate(pairwise(panel.offsets.tolist())):
        day = code[begin:end]
        for kind, flags in enumerate((covered, could)):
            counts[kind, t] = np.bincount(day[flags[begin:end]], minlength=n_groups)
    names, all_names = counts
    shape = names.shape
    share = np.divide(names, all_names, out=np.full(shape, np.nan), where=all_names > 0)
    return np.where(all_names > 0, names, np.nan), share


def _groups(slice_name: str, labels: tuple[str, ...], names: Ints, share: Ints) -> pd.DataFrame:
    """The groups that have a name on some day; means over the days on which they do."""
    there = ~np.isnan(share).all(axis=0)
    return pd.DataFrame(
        {
            "slice": slice_name,
            "group": np.array(labels, object)[there],
            "names": np.nanmean(names[:, there], axis=0),
            "share": np.nanmean(share[:, there], axis=0),
        }
    )


def _autocorrelations(own: PlacedSignal, covered: Ints, days: Ints, panel: Panel) -> dict[int, Measure]:
    """By lag."""

    def values(rows: slice) -> Ints:
        return np.where(covered[rows], own.values[rows], np.nan)

    def correlate(block: tuple[int, int]) -> Ints:
        rows, offsets = rows_of(panel, block)
        x = values(rows)
        return correlate_shifted((x, *sort_days(x, offsets)), values, block, LAGS, panel, least=LEAST_NAMES)

    by_day = np.concatenate(over_blocks(correlate, panel.offsets, threads=1), axis=1)[:, days]
    return {lag: _mean(daily[~np.isnan(daily)], lag) for lag, daily in zip(LAGS, by_day, strict=True)}


def _mean(daily: Ints, lag: int) -> Measure:
    if len(daily) == 0:
        return Measure.not_run(f"no day has {LEAST_NAMES} names that are eligible {lag} days later too")
    return Measure.of(daily.mean())


def _half_life(again: dict[int, Measure]) -> Measure:
    missing = next((measure for measure in again.values() if measure.value is None), None)
    if missing is not None:
        return missing
    days = half_life({lag: measure.value for lag, measure in again.items() if measure.value is not None})
    return Measure.of(days, otherwise="the ranks do not change within the longest lag")
