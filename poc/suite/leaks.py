"""Whether the signal knows what it could not know: probes for a look at the future, and for a choice of survivors."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from joblib import Parallel, delayed
from numpy.typing import NDArray

from poc.contract.arrays import day_numbers, find_keys, frozen, numbers
from poc.data.limits import RECENT_DAYS
from poc.data.panel import Panel
from poc.data.sort_kernels import distinct_ranks, order_by_day, sort_days
from poc.engine import leak_kernels
from poc.engine.config import BacktestConfig
from poc.engine.cross_section_kernels import daily_rank_correlation
from poc.engine.formation import IC_LEAST_NAMES, candidates, return_name, rows_of
from poc.engine.leak_kernels import window_returns
from poc.engine.placing import PlacedSignal, formation_of, group_by_formation
from poc.engine.result import BacktestResult
from poc.engine.slices import index_by_code
from poc.stats.log_rank import FEW_EVENTS, log_rank
from poc.stats.newey_west import newey_west_t
from poc.suite.measure import Measure
from poc.suite.shifted import correlate_shifted

LEADS, HORIZONS = range(-5, 1), range(1, 22)
EVERY_DAY = range(LEADS.start, HORIZONS.stop)
LONGEST_WINDOW = 3
WATCHED_DAYS = 252
PROOF = 0.001
"""Few leavers can show a choice of survivors by a p-value below this, and never that there is none."""
CHUNKS = 32

Floats = NDArray[np.float64]
Ints = NDArray[Any]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class HorizonIC:
    """The information coefficient with the return of one day.

    Attributes:
        day: from 1 on, the holding day; 0, the last return complete at entry; -j, the one j days before.
        mean, t: over the days that have an IC of the first holding day, t after Newey and West; None where undefined.
        days: on which it is defined.
    """

    day: int
    mean: float | None
    t: float | None
    days: int


@dataclass(frozen=True, kw_only=True)
class Leaks:
    """Probes for look-ahead.

    Attributes:
        pre_entry_ic: mean rank correlation with the returns between `date_sig` and entry.
        survivorship_p: log-rank p-value that covered and uncovered names leave the panel at the same rate.
        survivorship_rate: the rate at which covered names leave, as a share of that of uncovered names.
        same_day_share: share of the signal's rows whose `date_avail` is their `date_sig`.
        horizons: information coefficients by day, the leads first.
    """

    pre_entry_ic: Measure
    survivorship_p: Measure
    survivorship_rate: Measure
    same_day_share: Measure
    horizons: tuple[HorizonIC, ...] = ()

    @classmethod
    def not_run(cls, reason: str) -> "Leaks":
        """No probe, and why."""
        missing = Measure.not_run(reason)
        return cls(pre_entry_ic=missing, survivorship_p=missing, survivorship_rate=missing, same_day_share=missing)


def measure_leaks(
    rows: pl.DataFrame, own: PlacedSignal, result: BacktestResult | None, panel: Panel, config: BacktestConfig,
    *, n_jobs: int,
) -> Leaks:  # fmt: skip
    """Probe the base variant.

    Args:
        rows: of the checked signal, in any order.
        own: the same on the panel's rows.
        result: of the base variant, None where it failed.
        panel: the data.
        config: the base variant.
        n_jobs: threads; the result is the same for any number.
    """
    same_day = Measure.of(np.mean((rows["date_avail"] == rows["date_sig"]).to_numpy()))
    if result is None or result.ic_series.empty:
        reason = "the base variant failed" if result is None else "the IC is not defined on any day"
        return replace(Leaks.not_run(reason), same_day_share=same_day)
    candidate, ret = candidates(panel, config), panel.returns[return_name(panel, config)]
    covered = candidate & ~np.isnan(own.values)
    window = entry_windows(rows, own, panel, config)
    days = np.searchsorted(panel.dates, result.ic_series["date"].to_numpy().astype("datetime64[D]")) - 1
    chunks = np.array_split(days, min(CHUNKS, len(days)))
    found = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_correlate)(own, covered, window, ret, panel, chunk) for chunk in chunks
    )
    by_day, pre_entry = (np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
    p_value, rate = _survivorship(covered, candidate, days, panel)
    return Leaks(
        pre_entry_ic=_pre_entry_ic(pre_entry, some_enter=bool((covered & (window > 0)).any())),
        survivorship_p=p_value,
        survivorship_rate=rate,
        same_day_share=same_day,
        horizons=tuple(_horizon(day, ic) for day, ic in zip(EVERY_DAY, by_day, strict=True)),
    )


def _correlate(
    own: PlacedSignal, covered: Flags, window: Ints, ret: Floats, panel: Panel, days: Ints
) -> tuple[Floats, Floats]:
    """Information coefficients of D days: (K, D) by horizon, and (D,) with the returns before entry."""
    block = first, _ = int(days[0]), int(days[-1]) + 1
    rows, offsets = rows_of(panel, block)
    values = np.where(covered[rows], own.values[rows], np.nan)
    order, tied = sort_days(values, offsets)
    by_day = correlate_shifted((values, order, tied), ret.__getitem__, block, EVERY_DAY, panel, least=IC_LEAST_NAMES)
    before = _returns_before_entry(window, ret, panel, block)
    ranks = distinct_ranks(before, order_by_day(before, offsets), offsets)
    pre_entry = daily_rank_correlation(values, order, tied, ranks, offsets, IC_LEAST_NAMES)
    return by_day[:, days - first], pre_entry[days - first]


def _returns_before_entry(window: Ints, ret: Floats, panel: Panel, days: tuple[int, int]) -> Floats:
    """Compounded return of each row's window, NaN where it has none, for the rows of a block of days."""
    first, end = days
    rows, offsets = rows_of(panel, (max(first - LONGEST_WINDOW, 0), end))  # the windows of the first day begin there
    window, ret = window[rows], frozen(ret[rows].astype(np.float64))
    if window.max(initial=0) > 1:
        ret = window_returns(window, ret, panel.security[rows], offsets, len(panel.securities))
    before: Floats = np.where(window > 0, ret, np.nan)[panel.offsets[first] - rows.start :]
    return before


def entry_windows(rows: pl.DataFrame, own: PlacedSignal, panel: Panel, config: BacktestConfig) -> Ints:
    """(R,) trading days after `date_sig` up to the information day, where a row is formed on that very day.

    For closes these are the days up to the entry day, for opens up to the day before. 0 where no row is formed, and
    where the window is empty or longer than `LONGEST_WINDOW` days.
    """
    first, last = day_numbers(panel.dates[[0, -1]])
    codes, runs = find_keys(rows)
    windows: Ints = leak_kernels.entry_windows(
        *group_by_formation(runs, formation_of(runs.first, panel, config).day, panel.n_days),
        day_numbers(rows["date_sig"]),
        numbers(rows["signal"]),
        codes.number,
        codes.lowest,
        frozen(index_by_code(codes, panel.securities)),
        1 if config.from_open else 0,
        first,
        np.searchsorted(day_numbers(panel.dates), np.arange(first, last + 1), side="right"),
        LONGEST_WINDOW,
        own.values,
        panel.security,
        panel.offsets,
        len(panel.securities),
    )
    return windows


def _horizon(day: int, ic: Floats) -> HorizonIC:
    ic = ic[~np.isnan(ic)]
    if len(ic) < 2:
        return HorizonIC(day=day, mean=None, t=None, days=len(ic))
    t = newey_west_t(ic, horizon=max(day, 1))
    return HorizonIC(day=day, mean=float(ic.mean()), t=t if np.isfinite(t) else None, days=len(ic))


def _pre_entry_ic(ic: Floats, *, some_enter: bool) -> Measure:
    if not some_enter:
        return Measure.not_applicable(
            f"no row that is traded has 1 to {LONGEST_WINDOW} trading days between date_sig and its entry"
        )
    defined = ic[~np.isnan(ic)]
    if not len(defined):
        return Measure.not_run(f"no day has {IC_LEAST_NAMES} names that enter, with their returns before entry")
    return Measure.of(defined.mean())


def _survivorship(covered: Flags, candidate: Flags, days: Ints, panel: Panel) -> tuple[Measure, Measure]:
    """p-value and ratio of the rates at which covered and uncovered names leave the panel.

    Names that can be traded are looked at every `WATCHED_DAYS` days and then watched for as long, so that no day of a
    name counts twice; they are compared within a look and a size bucket.
    """
    rows, start = _looked_at(covered, candidate, days, panel)
    name, covered = panel.security[rows], covered[rows]
    last = np.full(len(panel.securities), -1)
    for day, (begin, end) in enumerate(pairwise(panel.offsets.tolist())):
        last[panel.security[begin:end][panel.traded[begin:end]]] = day
    has_ended = last < panel.n_days - RECENT_DAYS
    until = np.where(has_ended[name], last[name] + 1, panel.n_days - 1) - start
    ended = has_ended[name] & (until <= WATCHED_DAYS)
    watched = np.minimum(until, WATCHED_DAYS)
    if not has_ended.any():
        return _inapplicable("no name leaves the panel, which holds survivors only: a choice of survivors cannot show")
    if covered.all():
        return _inapplicable("every name that can be traded has a signal")
    is_watched = watched > 0
    stratum = start * 4 + panel.cap[rows]
    found = log_rank(watched[is_watched], ended[is_watched], covered[is_watched], stratum[is_watched])
    fewest = min(found.expected, found.expected_of_others)
    if fewest < FEW_EVENTS and not found.p_value < PROOF:
        return _inapplicable(
            "too few names leave the panel to compare those with a signal to those without: if both left alike, "
            f"{fewest:.1f} of one kind would be expected, and {FEW_EVENTS} are needed"
        )
    return Measure.of(found.p_value), Measure.of(found.rate, otherwise="only names with a signal leave the panel")


def _looked_at(covered: Flags, candidate: Flags, days: Ints, panel: Panel) -> tuple[Ints, Ints]:
    """Rows of the names that can be traded, and the day of each, on days with a signal `WATCHED_DAYS` apart."""
    starts: list[int] = []
    for day in days.tolist():
        if not starts or day >= starts[-1] + WATCHED_DAYS:
            starts += [day] if covered[panel.offsets[day] : panel.offsets[day + 1]].any() else []
    rows = [panel.offsets[t] + np.flatnonzero(candidate[panel.offsets[t] : panel.offsets[t + 1]]) for t in starts]
    return np.concatenate(rows), np.repeat(starts, [len(chunk) for chunk in rows])


def _inapplicable(reason: str) -> tuple[Measure, Measure]:
    measure = Measure.not_applicable(reason)
    return measure, measure
