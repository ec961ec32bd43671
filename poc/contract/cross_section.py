"""Warnings about the usable rows of a signal taken together: gaps, thin, constant and tied days, extreme values."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract import row_kernels
from poc.contract.align import CLOSE_CUTOFF, OPEN_CUTOFF, default_carry_days, formation_days
from poc.contract.arrays import Codes, encode, frozen
from poc.contract.columns import KEY
from poc.contract.findings import SHOWN, Finding, make_finding

FAR = 20
"""A value is extreme if it is further than this many interquartile ranges from the median of the file."""


@dataclass(frozen=True)
class Together:
    """What was found, and the checks that could not be done, as "code: reason"."""

    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...]


def check_together(
    usable: pl.DataFrame,
    codes: Codes,
    calendar: NDArray[np.datetime64] | None,
    *,
    carry_days: int | None,
    mincos: int,
) -> Together:
    """Every check of the usable rows taken together.

    Args:
        usable: `security_id, date_sig, date_avail, signal, avail_hour` (null where missing), `date_avail` within the
            calendar, in any order in which each security's rows ascend by `date_sig`.
        codes: of `security_id`.
        calendar: the trading days, sorted, or None.
        carry_days: trading days for which a row stays live; None: the default for the file.
        mincos: a day should have three times as many names.
    """
    if usable.is_empty():
        not_done = ("constant_day", "heavy_ties", "extreme_values", "thin_day", "gap_exceeds_carry")
        return Together((), tuple(f"{code}: no usable row" for code in not_done))
    days = _days(usable["date_sig"])
    with ThreadPoolExecutor(1) as background:
        of_values = background.submit(lambda: [*_check_days(usable["signal"], days), *_check_extremes(usable)])
        of_time = _check_timeline(usable, codes, days, calendar, carry_days=carry_days, mincos=mincos)
    return Together((*of_values.result(), *of_time.findings), of_time.not_checked)


def _check_timeline(  # the same arguments as above
    usable: pl.DataFrame,
    codes: Codes,
    days: "_Days",
    calendar: NDArray[np.datetime64] | None,
    *,
    carry_days: int | None,
    mincos: int,
) -> Together:
    """Days with few names, and gaps between the rows of a security."""
    if calendar is None:  # no row can be carried forward without a calendar
        thin = _thin(days.date, np.diff(days.start), mincos)
        return Together(tuple(thin), ("gap_exceeds_carry: no calendar was given",))
    formation = formation_days(
        usable["date_avail"],
        usable["avail_hour"],
        usable["date_sig"],
        calendar,
        from_open=False,
        open_cutoff=OPEN_CUTOFF,
        close_cutoff=CLOSE_CUTOFF,
    )
    days_formed = np.flatnonzero(row_kernels.which_occur(formation, len(calendar)))
    if not len(days_formed):
        why = "no row is formed inside the calendar"
        return Together((), (f"thin_day: {why}", f"gap_exceeds_carry: {why}"))
    carry = carry_days or default_carry_days(formation, len(calendar))
    timeline = _follow(codes.code, formation, carry, len(calendar), len(codes.values))
    span = slice(days_formed[0], days_formed[-1] + 1)
    gaps = _check_gaps(timeline, codes, formation, carry)
    return Together((*gaps, *_thin(calendar[span], np.cumsum(timeline.change)[span], mincos)), ())


class _Days(NamedTuple):
    """Rows by `date_sig`: those of `date[d]` are `order[start[d]:start[d + 1]]`, `order` empty if it is the file's."""

    date: NDArray[np.datetime64]
    start: NDArray[np.int64]
    order: NDArray[np.int32]


def _days(date_sig: pl.Series) -> _Days:
    codes = encode(date_sig.to_physical())
    in_order = date_sig.is_sorted()
    order = np.empty(0 if in_order else len(date_sig), np.int32)
    start = row_kernels.rows_by_group(codes.code, len(codes.values), order)
    there = np.flatnonzero(np.diff(start))
    return _Days(codes.values.cast(pl.Date).to_numpy()[there], np.append(start[there], start[-1]), frozen(order))


def _check_days(signal: pl.Series, days: _Days) -> Iterator[Finding]:
    """Days (`date_sig`) on which the signal cannot tell names apart. A day with one name is not judged."""
    names = np.diff(days.start)
    values = row_kernels.count_values(_bits(signal), days.order, days.start)
    constant = (values == 1) & (names > 1)
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
    low, middle, high = _quartiles(usable["signal"])
    reach = FAR * (high - low)
    furthest = max(abs(float(value) - middle) for value in (usable["signal"].min(), usable["signal"].max()))  # type: ignore[arg-type]  # a column of numbers
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


def _quartiles(signal: pl.Series) -> list[float]:
    """The quartiles, linear between order statistics. Only the values near them are sorted."""
    bits = _bits(signal)
    counts = row_kernels.count_bins(bits)
    above = np.cumsum(counts)
    places = [(len(signal) - 1) * share for share in (0.25, 0.5, 0.75)]
    ranks = np.array([[int(place), min(int(place) + 1, len(signal) - 1)] for place in places])
    bins = np.searchsorted(above, ranks, side="right")
    wanted = np.zeros(len(counts), np.bool_)
    wanted[bins] = True
    near = np.sort(row_kernels.take_bins(signal.to_numpy(), bits, wanted))
    left_out = np.cumsum(np.where(wanted, 0, counts))[bins]  # values in the bins below that were not taken
    return [
        float(a + (b - a) * (place - int(place))) for (a, b), place in zip(near[ranks - left_out], places, strict=True)
    ]


def _bits(signal: pl.Series) -> NDArray[np.int64]:
    return frozen(signal.to_numpy()).view(np.int64)


class _Timeline(NamedTuple):
    """What `row_kernels.follow_rows` found: gaps by security, of them the long ones, and the change of names by day."""

    gaps: NDArray[np.int64]
    long_gaps: NDArray[np.int64]
    change: NDArray[np.int64]
    last: NDArray[np.int32]


def _follow(
    code: NDArray[np.int32], formation: NDArray[np.int32], carry_days: int, n_days: int, n_codes: int
) -> _Timeline:
    last = np.full(n_codes, -1, np.int32)
    gaps, change, ascending = row_kernels.follow_rows(code, formation, carry_days, n_days, last)
    if ascending:
        return _Timeline(gaps[0], gaps[1], change, last)
    order = np.lexsort((formation, code))  # rows that became known late come after the ones that were known before
    return _follow(frozen(code[order]), frozen(formation[order]), carry_days, n_days, n_codes)


def _check_gaps(timeline: _Timeline, codes: Codes, formation: NDArray[np.int32], carry_days: int) -> Iterator[Finding]:
    """Securities whose rows come too seldom for `carry_days`. Where the median gap is long, half of all gaps are."""
    suspect = (timeline.gaps > 0) & (2 * timeline.long_gaps >= timeline.gaps)
    n_days = len(timeline.change) - 1
    rows = np.flatnonzero(suspect[codes.code] & (formation < n_days)) if suspect.any() else np.empty(0, np.int64)
    formed = pl.DataFrame({"code": codes.code[rows], "formed": formation[rows]}).sort("code", "formed")
    gaps = formed.group_by("code", maintain_order=True).agg(gap=pl.col("formed").diff().median())
    gaps = gaps.filter(pl.col("gap") > carry_days)
    if gaps.height:
        n_securities = np.count_nonzero(timeline.last >= 0)
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
