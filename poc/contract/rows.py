"""The row-by-row checks of the contract, in the order in which the ledger gives a row its one reason."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract import row_kernels
from poc.contract.arrays import Codes, Runs, day_numbers, find_keys, frozen, hours, numbers
from poc.contract.columns import KEY, TYPES, sort_rows
from poc.contract.findings import SHOWN, Finding, make_finding

BAD = "_bad"
"""Column with the bits of the columns (in the order of `TYPES`) that could not be converted in a row."""

_DATES = ("security_id", "date_sig", "date_avail")


@dataclass(frozen=True)
class RowCheck:
    """One check of each row. It is an error, or, with a `shortage`, a warning that drops the rows.

    Attributes:
        code: of the finding; also the reason in the ledger.
        what: the finding in words, to be followed by "in 3 of 10 rows".
        needs: the columns and arguments without which it cannot be done.
        shows: the columns shown in examples.
        shortage: code of the error that the warning turns into where no row passes.
    """

    code: str
    what: str
    needs: tuple[str, ...]
    shows: tuple[str, ...] = KEY
    shortage: str | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that it may report."""
        return (self.code, self.shortage) if self.shortage else (self.code,)


@dataclass(frozen=True)
class CheckedRows:
    """Rows and what is wrong with them.

    Attributes:
        frame: the rows that were given. In the order of the file, if there the rows of each security ascend by
            `date_sig`; else by security and date, by their values where these repeat, and with `row`, the row number.
        codes: of `security_id`.
        runs: of rows with the same dates and hour.
        faults: (n,) the bits of the checks (in the order of `row_checks`) that a row breaks.
        failing: (checks,) rows that break each check.
        first: (checks,) rows of which it is the first that they break.
        passing: (checks,) rows that pass it; counted only for checks with a shortage.
    """

    frame: pl.DataFrame
    codes: Codes
    runs: Runs
    faults: NDArray[np.uint16]
    failing: NDArray[np.int64]
    first: NDArray[np.int64]
    passing: NDArray[np.int64]

    def breaking(self, check: int) -> pl.DataFrame:
        """The rows that break a check, by security and dates, with `row`, the row number from 1."""
        frame = _numbered(self.frame).filter(pl.Series(self.faults >> check & 1 == 1))
        return frame.sort(_DATES, maintain_order=True)


def row_checks(calendar: NDArray[np.datetime64] | None) -> tuple[RowCheck, ...]:
    """Every check of a row, in order of precedence: check k is bit k of `row_kernels`."""
    span = "" if calendar is None else f" ({calendar[0]} to {calendar[-1]})"
    return (
        RowCheck("bad_type", "", ()),
        RowCheck("missing_key", "security_id, date_sig or date_avail is missing", (), _DATES),
        RowCheck("bad_hour", "avail_hour is not between 0 and 24", ("avail_hour",), (*KEY, "avail_hour")),
        RowCheck("avail_before_sig", "date_avail is before date_sig", ("date_sig", "date_avail"), _DATES),
        RowCheck("duplicate_key", "The same security_id and date_sig occur again", KEY),
        RowCheck("infinite_signal", "The signal is infinite", ("signal",), (*KEY, "signal")),
        RowCheck("missing_signal", "The signal is missing", ("signal",), shortage="all_signals_missing"),
        RowCheck(
            "unknown_security",
            "The snapshot does not know the security",
            ("security_id", "security_ids"),
            shortage="no_common_security",
        ),
        RowCheck(
            "outside_calendar",
            f"date_avail is outside the calendar of the snapshot{span}",
            ("date_avail", "calendar"),
            _DATES,
            shortage="no_row_in_calendar",
        ),
    )


def check_rows(
    frame: pl.DataFrame,
    checks: tuple[RowCheck, ...],
    calendar: NDArray[np.datetime64] | None,
    known: pl.Series | None,
    *,
    lacking: Collection[str],
) -> CheckedRows:
    """Do the checks that can be done.

    Args:
        frame: the converted columns, and `BAD` where something could not be converted.
        checks: as `row_checks` gives them.
        calendar: the trading days, sorted; at least one.
        known: the ids of the snapshot, Int64 or String.
        lacking: columns that the file does not have, and arguments that were not given.
    """
    done = sum(1 << bit for bit, check in enumerate(checks) if not any(need in lacking for need in check.needs))
    keys = sum(1 << bit for bit, name in enumerate(_DATES) if name not in lacking)
    checked, ascending = _find_faults(frame, done, keys, calendar, known)
    if not ascending:
        checked, ascending = _find_faults(sort_rows(_numbered(frame), *KEY), done, keys, calendar, known)
    if not ascending:  # a key occurs again, and the order of the file must play no part in which is the first
        checked, _ = _find_faults(_in_key_order(frame), done, keys, calendar, known)
    return checked


def _find_faults(
    frame: pl.DataFrame, done: int, keys: int, calendar: NDArray[np.datetime64] | None, known: pl.Series | None
) -> tuple[CheckedRows, bool]:
    """The rows checked as they stand, and whether those of each security ascend."""
    codes, runs = find_keys(frame)
    is_known = np.zeros(len(codes.values), np.bool_)
    if known is not None and known.dtype == codes.values.dtype:
        is_known = codes.values.is_in(known.implode()).to_numpy()
    signal, date_sig = numbers(frame["signal"]), day_numbers(runs.first["date_sig"])
    bad = frozen(frame[BAD].to_numpy() if BAD in frame.columns else np.empty(0, np.uint8))
    span = np.zeros(2, np.int32) if calendar is None else day_numbers(calendar[[0, -1]])
    faults = np.zeros(frame.height, np.uint16)

    def find(part: slice) -> tuple[NDArray[np.int64], bool]:
        found: tuple[NDArray[np.int64], bool] = row_kernels.find_faults(
            codes.number,
            codes.lowest,
            signal,
            bad,
            runs.start[part.start : part.stop + 1],
            date_sig[part],
            day_numbers(runs.first["date_avail"])[part],
            hours(runs.first.get_column("avail_hour", default=None))[part],
            keys,
            frozen(is_known),
            frozen(span),
            done,
            np.full(len(codes.values), row_kernels.MISSING),
            faults,
        )
        return found

    with ThreadPoolExecutor(2) as pool:
        counts, ascending = zip(*pool.map(find, _halves(runs, date_sig)), strict=True)
    return CheckedRows(frame, codes, runs, faults, *sum(counts)), all(ascending)


def _halves(runs: Runs, date_sig: NDArray[np.int32]) -> tuple[slice, slice]:
    """The runs in two parts of different days, where they are by date: no row repeats one of the other part."""
    cut = n_runs = len(date_sig)
    if n_runs and pl.Series(date_sig).is_sorted():
        middle = np.searchsorted(runs.start, runs.start[-1] // 2, side="right") - 1
        cut = int(np.searchsorted(date_sig, date_sig[middle]))
    return slice(0, cut), slice(cut, n_runs)


def _in_key_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows by security and date, and by their values where keys repeat."""
    by = []
    for bit, name in enumerate(TYPES):
        by += [pl.col(name)] if name in frame.columns else []
        by += [pl.col(BAD) & (1 << bit)] if BAD in frame.columns else []
    return _numbered(frame).sort(by)


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame if "row" in frame.columns else frame.with_row_index("row", offset=1)


def report_rows(checked: CheckedRows, checks: tuple[RowCheck, ...], known: pl.Series | None) -> Iterator[Finding]:
    """A finding a check that some row breaks (`bad_type` is reported by column, not here)."""
    for bit, check in enumerate(checks):
        if checked.failing[bit] and check.code != "bad_type":
            yield _report(checked, bit, check, known)


def _report(checked: CheckedRows, bit: int, check: RowCheck, known: pl.Series | None) -> Finding:
    count = int(checked.failing[bit])
    what = f"{check.what} in {count:,} of {checked.frame.height:,} rows"
    if check.code == "duplicate_key":
        return make_finding(check.code, what, count, _repeated_keys(checked, bit))
    rows = checked.breaking(bit)
    if check.shortage is None:
        numbered = rows.bottom_k(SHOWN, by="row").sort("row").select("row", *check.shows)
        return make_finding(check.code, what, count, [f"row {n} ({_show(row)})" for n, *row in numbered.iter_rows()])
    if check.code == "unknown_security":
        rows = rows.unique("security_id", keep="first", maintain_order=True)
    examples = [_show(row) for row in rows.head(SHOWN).select(check.shows).iter_rows()]
    if checked.passing[bit]:
        return make_finding(check.code, what + ", which are dropped", count, examples)
    hint = ""
    if known is not None and check.code == "unknown_security":
        ids = checked.frame["security_id"]
        hint = f" The file's ids are {_describe(ids)}, the snapshot's {_describe(known)}."
    return make_finding(check.shortage, f"No row is left.{hint} {what}", count, examples)


def _repeated_keys(checked: CheckedRows, bit: int) -> list[str]:
    """Every row that has the key, not only those that repeat it."""
    failing = pl.Series(checked.faults >> bit & 1 == 1)
    rows = _numbered(checked.frame).filter(failing | failing.shift(-1, fill_value=False))
    groups = rows.group_by(KEY, maintain_order=True).agg("row").head(SHOWN)
    return [f"{_show(key)} in rows {', '.join(map(str, sorted(numbers)))}" for *key, numbers in groups.iter_rows()]


def _describe(ids: pl.Series) -> str:
    return f"{'text' if ids.dtype == pl.String else 'integers'} such as {ids.min()!r}"


def _show(values: tuple[object, ...] | list[object]) -> str:
    return ", ".join("missing" if value is None else str(value) for value in values)
