"""Warnings about the usable rows of a signal taken together: gaps, thin, constant and tied days, extreme values."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract import row_kernels
from poc.contract.align import CLOSE_CUTOFF, OPEN_CUTOFF, default_carry_days, formation_days
from poc.contract.arrays import Codes, Runs, day_numbers, encode, frozen, group_rows
from poc.contract.columns import KEY
from poc.contract.findings import SHOWN, Finding, make_finding

FAR = 20
"""A value is extreme if it is further than this many interquartile ranges from the median of the file."""

_QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Together:
    """What was found, and the checks that could not be done, as "code: reason"."""

    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...]


def _none_done(why: str) -> Together:
    codes = ("constant_day", "heavy_ties", "extreme_values", "thin_day", "gap_exceeds_carry")
    return Together((), tuple(f"{code}: {why}" for code in codes))


NOT_ASKED = _none_done("not asked for")


def check_together(
    usable: pl.DataFrame,
    codes: Codes,
    runs: Runs,
    calendar: NDArray[np.datetime64] | None,
    *,
    carry_days: int | None,
    mincos: int,
) -> Together:
    """Every check of the usable rows taken together.

    Args:
        usable: `security_id, date_sig, date_avail, signal` and, optionally, `avail_hour`, `date_avail` within the
            calendar, in any order in which each security's rows ascend by `date_sig`.
        codes: of `security_id`.
        runs: of rows with the same dates and hour.
        calendar: the trading days, sorted, or None.
        carry_days: trading days for which a row stays live; None: the default for the file.
        mincos: a day should have three times as many names.
    """
    if usable.is_empty():
        return _none_done("no usable row")
    with ThreadPoolExecutor(2) as background:
        of_days = background.submit(lambda: [*_check_days(usable["signal"], runs)])
        extremes = background.submit(lambda: [*_check_extremes(usable)])
        of_time = _check_timeline(codes, runs, calendar, carry_days=carry_days, mincos=mincos)
    return Together((*of_days.result(), *extremes.result(), *of_time.findings), of_time.not_checked)


def _check_timeline(  # the same arguments as above
    codes: Codes,
    runs: Runs,
    calendar: NDArray[np.datetime64] | None,
    *,
    carry_days: int | None,
    mincos: int,
) -> Together:
    """Days with few names, and gaps between the rows of a security."""
    if calendar is None:  # no row can be carried forward without a calendar
        days = _days(runs)
        thin = _thin(days.date, np.diff(days.start), mincos)
        return Together(tuple(thin), ("gap_exceeds_carry: no calendar was given",))
    formed = formation_days(
        runs.first["date_avail"],
        runs.first.get_column("avail_hour", default=None),
        runs.first["date_sig"],
        calendar,
        from_open=False,
        open_cutoff=OPEN_CUTOFF,
        close_cutoff=CLOSE_CUTOFF,
    )
    if not len(formed.days):
        why = "no row is formed inside the calendar"
        return Together((), (f"thin_day: {why}", f"gap_exceeds_carry: {why}"))
    carry = carry_days or default_carry_days(formed.days)
    timeline = _follow(codes, runs.start, formed.day, carry, len(calendar))
    span = slice(formed.days[0], formed.days[-1] + 1)
    gaps = _check_gaps(timeline, codes, runs, formed.day, carry)
    return Together((*gaps, *_thin(calendar[span], np.cumsum(timeline.change)[span], mincos)), ())


class _Days(NamedTuple):
    """Rows by `date_sig`: those of `date[d]` are `order[start[d]:start[d + 1]]`, `order` empty if it is the file's."""

    date: NDArray[np.datetime64]
    start: NDArray[np.int64]
    order: NDArray[np.int32]


def _days(runs: Runs) -> _Days:
    date_sig = runs.first["date_sig"]
    if date_sig.is_sorted():
        date = date_sig.unique().sort()
        run = np.searchsorted(day_numbers(date_sig), day_numbers(date))
        return _Days(date.to_numpy(), runs.start[np.append(run, len(date_sig))], frozen(np.empty(0, np.int32)))
    codes = encode(date_sig.to_physical())
    start, order = group_rows(frozen(runs.by_row(codes.code)), len(codes.values))
    there = np.flatnonzero(np.diff(start))
    return _Days(codes.values.cast(pl.Date).to_numpy()[there], np.append(start[there], start[-1]), order)


def _check_days(signal: pl.Series, runs: Runs) -> Iterator[Finding]:
    """Days (`date_sig`) on which the signal cannot tell names apart. A day with one name is not judged."""
    days = _days(runs)
    names = np.diff(days.start)
    values = np.zeros(len(names), np.int64)  # of the days that are to be looked at
    varied = row_kernels.surely_varied(_bits(signal), days.order, days.start)
    for d in np.flatnonzero(~varied & (names > 1)):
        rows = slice(days.start[d], days.start[d + 1])
        values[d] = len(np.unique(signal.to_numpy()[days.order[rows] if len(days.order) else rows]))
    constant = values == 1
    tied = (values > 1) & (2 * values < names)
    for code, found, what in (
        ("constant_day", np.flatnonzero(constant), "All names have the same signal"),
        ("heavy_ties", np.flatnonzero(tied), "The signal has fewer than half as many values as names"),
    ):
        if len(found):
            yield make_finding(
                code,
                f"{what} on {len(found):,} of {len(names):,} days in date_sig",
                len(found),
                [f"{days.date[d]} ({names[d]} names, values: {values[d]})" for d in found[:SHOWN]],
            )


def _check_extremes(usable: pl.DataFrame) -> Iterator[Finding]:
    """Values far from the rest of the file; not judged where the middle half of the values is one value."""
    signal = usable["signal"]
    counts = row_kernels.count_bins(_bits(signal))
    if _surely_near(counts):
        return
    low, middle, high = _quartiles(signal, counts)
    reach = FAR * (high - low)
    furthest = max(abs(float(value) - middle) for value in (signal.min(), signal.max()))  # type: ignore[arg-type]  # a column of numbers
    if not reach or furthest <= reach:
        return
    found = usable.filter((pl.col("signal") - middle).abs() > reach)
    yield make_finding(
        "extreme_values",
        f"The signal is further than {FAR} interquartile ranges from the median of the file "
        f"({middle:.6g} +- {reach:.6g}) in {found.height:,} of {usable.height:,} rows",
        found.height,
        [
            f"{i}, {day}, {x:.6g}"
            for i, day, x in found.sort(KEY)["security_id", "date_sig", "signal"].head(SHOWN).iter_rows()
        ],
    )


def _surely_near(counts: NDArray[np.int64]) -> bool:
    """Whether the bins of the values (`row_kernels.count_bins`) are enough to tell that none is extreme."""
    n = int(counts.sum())
    ranks = np.array([0, *_quartile_ranks(n).ravel(), n - 1])
    bins = np.searchsorted(np.cumsum(counts), ranks, side="right")
    at_least, at_most = _lowest_of_bins(bins).tolist(), _lowest_of_bins(bins + 1).tolist()
    reach = FAR * (at_least[5] - at_most[2])
    return bool(max(at_most[4] - at_least[0], at_most[-1] - at_least[3]) <= reach)


def _lowest_of_bins(bins: NDArray[np.int64]) -> NDArray[np.float64]:
    """The lowest number of each bin."""
    key = bins.astype(np.uint64) << np.uint64(48)
    sign = np.uint64(1 << 63)
    return np.where(key < sign, ~key, key ^ sign).view(np.float64)


def _quartile_ranks(n: int) -> NDArray[np.int64]:
    """(3, 2) ranks, from 0, of the two of n values around each quartile."""
    ranks = [int((n - 1) * share) for share in _QUARTERS]
    return np.array([[rank, min(rank + 1, n - 1)] for rank in ranks])


def _quartiles(signal: pl.Series, counts: NDArray[np.int64]) -> list[float]:
    """The quartiles, linear between order statistics. Only the values near them are sorted."""
    ranks = _quartile_ranks(len(signal))
    bins = np.searchsorted(np.cumsum(counts), ranks, side="right")
    wanted = np.zeros(len(counts), np.bool_)
    wanted[bins] = True
    near = np.sort(row_kernels.take_bins(signal.to_numpy(), _bits(signal), wanted))
    left_out = np.cumsum(np.where(wanted, 0, counts))[bins]  # values in the bins below that were not taken
    return [
        float(a + (b - a) * ((len(signal) - 1) * share % 1))
        for (a, b), share in zip(near[ranks - left_out], _QUARTERS, strict=True)
    ]


def _bits(signal: pl.Series) -> NDArray[np.int64]:
    return frozen(signal.to_numpy()).view(np.int64)


class _Timeline(NamedTuple):
    """What `row_kernels.follow_rows` found: rows and long gaps by security, the change of names by day."""

    rows: NDArray[np.int32]
    long_gaps: NDArray[np.int32]
    change: NDArray[np.int64]


def _follow(
    codes: Codes, start: NDArray[np.int64], formation: NDArray[np.int32], carry_days: int, n_days: int
) -> _Timeline:
    last = np.full(len(codes.values), row_kernels.MISSING)
    *found, in_order = row_kernels.follow_rows(codes.number, codes.lowest, start, formation, carry_days, n_days, last)
    if in_order:
        return _Timeline(*found)
    formation = np.repeat(formation, np.diff(start))
    order = np.lexsort((formation, codes.number))  # rows that became known late come after those known before
    codes = replace(codes, number=frozen(codes.number[order]))
    return _follow(codes, frozen(np.arange(len(order) + 1)), frozen(formation[order]), carry_days, n_days)


def _check_gaps(
    timeline: _Timeline, codes: Codes, runs: Runs, formation: NDArray[np.int32], carry_days: int
) -> Iterator[Finding]:
    """Securities whose rows come too seldom for `carry_days`. Where the median gap is long, half of all gaps are."""
    suspect = (timeline.long_gaps > 0) & (2 * timeline.long_gaps >= timeline.rows - 1)
    if not suspect.any():
        return
    n_days, formation = len(timeline.change) - 1, runs.by_row(formation)
    rows = np.flatnonzero(suspect[codes.code] & (formation < n_days))
    formed = pl.DataFrame({"code": codes.code[rows], "formed": formation[rows]}).sort("code", "formed")
    gaps = formed.group_by("code", maintain_order=True).agg(gap=pl.col("formed").diff().median())
    gaps = gaps.filter(pl.col("gap") > carry_days)
    if gaps.height:
        n_securities = np.count_nonzero(timeline.rows)
        yield make_finding(
            "gap_exceeds_carry",
            f"The median gap between the rows of a security is longer than carry_days={carry_days} trading days for "
            f"{gaps.height:,} of {n_securities:,} securities, which have no signal in between",
            gaps.height,
            [f"{codes.values[code]} (median gap {gap:g})" for code, gap in gaps.head(SHOWN).iter_rows()],
        )


def _thin(days: NDArray[np.datetime64], live: NDArray[np.int64], mincos: int) -> Iterator[Finding]:
    """Days with fewer than 3 * mincos names."""
    thin = np.flatnonzero(live < 3 * mincos)
    if len(thin):
        yield make_finding(
            "thin_day",
            f"Fewer than {3 * mincos} names (3 x mincos) have a signal on {len(thin):,} of {len(days):,} days",
            len(thin),
            [f"{days[i]} ({live[i]})" for i in thin[:SHOWN]],
        )
