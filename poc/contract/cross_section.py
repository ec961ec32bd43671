"""Warnings about the usable rows of a signal taken together: gaps, thin, constant and tied days, extreme values."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract.align import CLOSE_CUTOFF, OPEN_CUTOFF, default_carry_days, formation_days
from poc.contract.columns import sort_rows
from poc.contract.findings import SHOWN, Finding, make_finding

FAR = 20
"""A value is extreme if it is further than this many interquartile ranges from the median of the file."""


@dataclass(frozen=True)
class Together:
    """What was found, and the checks that could not be done, as "code: reason"."""

    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...]


def check_together(
    usable: pl.DataFrame, calendar: NDArray[np.datetime64] | None, *, carry_days: int | None, mincos: int
) -> Together:
    """Every check of the usable rows taken together.

    Args:
        usable: `security_id, date_sig, date_avail, signal, avail_hour` (null where missing), sorted by security and
            date, `date_avail` within the calendar.
        calendar: the trading days, sorted, or None.
        carry_days: trading days for which a row stays live; None: the default for the file.
        mincos: a day should have three times as many names.
    """
    if usable.is_empty():
        codes = ("constant_day", "heavy_ties", "extreme_values", "thin_day", "gap_exceeds_carry")
        return Together((), tuple(f"{code}: no usable row" for code in codes))
    findings = [*_check_days(usable), *_check_extremes(usable)]
    if calendar is None:
        days = usable.group_by("date_sig").len().sort("date_sig")  # no row can be carried forward without a calendar
        findings += _thin(days["date_sig"].to_numpy(), days["len"].to_numpy(), mincos)
        return Together(tuple(findings), ("gap_exceeds_carry: no calendar was given",))
    rows = _formed_rows(usable, calendar)
    if rows.is_empty():
        why = "no row is formed inside the calendar"
        return Together(tuple(findings), (f"thin_day: {why}", f"gap_exceeds_carry: {why}"))
    carry = carry_days or default_carry_days(rows["formed"].to_numpy())
    findings += [*_gaps(rows, carry), *_thin(*_live_names(rows, carry, calendar), mincos)]
    return Together(tuple(findings), ())


def _check_days(usable: pl.DataFrame) -> Iterator[Finding]:
    """Days (`date_sig`) on which the signal cannot tell names apart. A day with one name is not judged."""
    days = (
        usable.group_by("date_sig")
        .agg(names=pl.len(), values=pl.col("signal").n_unique())
        .filter(pl.col("names") > 1)
        .sort("date_sig")
    )
    constant = days.filter(pl.col("values") == 1)
    tied = days.filter(pl.col("values") > 1, 2 * pl.col("values") < pl.col("names"))
    for code, found, what in (
        ("constant_day", constant, "All names have the same signal"),
        ("heavy_ties", tied, "The signal has fewer than half as many values as names"),
    ):
        if found.height:
            yield make_finding(
                code,
                f"{what} on {found.height:,} of {usable['date_sig'].n_unique():,} days in date_sig",
                found.height,
                [f"{day} ({n} names, values: {k})" for day, n, k in found.head(SHOWN).iter_rows()],
            )


def _check_extremes(usable: pl.DataFrame) -> Iterator[Finding]:
    """Values far from the rest of the file; not judged where the middle half of the values is one value."""
    signal = usable["signal"]
    low, middle, high = (signal.quantile(q, "linear") or 0.0 for q in (0.25, 0.5, 0.75))
    reach = FAR * (high - low)
    found = usable.filter((pl.col("signal") - middle).abs() > reach) if reach > 0 else usable.clear()
    if found.height:
        yield make_finding(
            "extreme_values",
            f"The signal is further than {FAR} interquartile ranges from the median of the file "
            f"({middle:.6g} +- {reach:.6g}) in {found.height:,} of {usable.height:,} rows",
            found.height,
            [
                f"{i}, {day}, {x:.6g}"
                for i, day, x in found["security_id", "date_sig", "signal"].head(SHOWN).iter_rows()
            ],
        )


def _formed_rows(usable: pl.DataFrame, calendar: NDArray[np.datetime64]) -> pl.DataFrame:
    """`security_id, formed, next`: the formation day of a row, trading at the close, and of the security's next row.

    Both are indices into the calendar; rows formed beyond its end are left out.
    """
    formation = formation_days(
        usable["date_avail"].to_numpy(),
        usable["avail_hour"].to_numpy(),
        usable["date_sig"].to_numpy(),
        calendar,
        from_open=False,
        open_cutoff=OPEN_CUTOFF,
        close_cutoff=CLOSE_CUTOFF,
    )
    rows = usable.select("security_id", formed=pl.Series(formation)).filter(pl.col("formed") < len(calendar))
    same = pl.col("security_id") == pl.col("security_id").shift(-1)
    return sort_rows(rows, "security_id", "formed").with_columns(next=pl.when(same).then(pl.col("formed").shift(-1)))


def _gaps(rows: pl.DataFrame, carry: int) -> Iterator[Finding]:
    """Securities whose rows come too seldom for `carry`."""
    gaps = (
        rows.group_by("security_id")
        .agg(gap=(pl.col("next") - pl.col("formed")).median())
        .filter(pl.col("gap") > carry)
        .sort("security_id")
    )
    if gaps.height:
        yield make_finding(
            "gap_exceeds_carry",
            f"The median gap between the rows of a security is longer than carry_days={carry} trading days for "
            f"{gaps.height:,} of {rows['security_id'].n_unique():,} securities, which have no signal in between",
            gaps.height,
            [f"{i} (median gap {gap:g})" for i, gap in gaps.head(SHOWN).iter_rows()],
        )


def _live_names(
    rows: pl.DataFrame, carry: int, calendar: NDArray[np.datetime64]
) -> tuple[NDArray[np.datetime64], NDArray[np.int64]]:
    """The trading days from the first formation day to the last, and the number of live names on each.

    A security is live on a trading day if one of its rows was formed on that day or fewer than `carry` days before.
    """
    formed = rows["formed"].to_numpy()
    until = rows.select(pl.min_horizontal(pl.col("formed") + carry, "next"))["formed"].to_numpy()
    size = max(len(calendar), int(until.max()) + 1)
    live = np.cumsum(np.bincount(formed, minlength=size) - np.bincount(until, minlength=size))
    span = slice(int(formed.min()), int(formed.max()) + 1)
    return calendar[span], live[span]


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
