"""The row-by-row checks of the contract, in the order in which the ledger gives a row its one reason."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract import row_kernels
from poc.contract.arrays import Codes, Runs, day_numbers, find_keys, frozen, numbers
from poc.contract.columns import KEY, TYPES, sort_rows
from poc.contract.findings import SHOWN, Finding, make_finding

BAD = "_bad"
"""Column with the bits of the columns (in the order of `TYPES`) that could not be converted in a row."""
REPEATS, KNOWN = "_repeats", "_known"
"""Columns of flags: a row has the key of one before it, and the snapshot knows its security."""

_DATES = ("security_id", "date_sig", "date_avail")


@dataclass(frozen=True)
class RowCheck:
    """One check of each row. It is an error, or, with a `shortage`, a warning that drops the rows.

    Attributes:
        code: of the finding; also the reason in the ledger.
        breaks: whether a row breaks it, of the columns of the contract and of `BAD`, `REPEATS` and `KNOWN`.
        what: the finding in words, to be followed by "in 3 of 10 rows".
        needs: the columns and arguments without which it cannot be done.
        shows: the columns shown in examples.
        shortage: code of the error that the warning turns into where no row passes.
    """

    code: str
    breaks: pl.Expr
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
        faulty: (f,) the rows that break a check, from 0, ascending.
        faults: (f,) the bits of the checks (in the order of `row_checks`) that each of them breaks.
        passing: (checks,) rows that pass it; counted only for checks with a shortage.
    """

    frame: pl.DataFrame
    codes: Codes
    runs: Runs
    faulty: NDArray[np.integer[Any]]
    faults: NDArray[np.uint16]
    passing: list[int]

    def failing(self, check: int) -> int:
        """Rows that break a check."""
        return int(np.count_nonzero(self.faults & (1 << check)))

    def failing_first(self, check: int) -> int:
        """Rows of which it is the first that they break."""
        return int(np.count_nonzero(self.faults & ((2 << check) - 1) == 1 << check))

    def breaking(self, check: int) -> NDArray[np.integer[Any]]:
        """The rows that break a check, from 0."""
        rows: NDArray[np.integer[Any]] = self.faulty[self.faults & (1 << check) != 0]
        return rows


def row_checks(calendar: NDArray[np.datetime64] | None, lacking: Collection[str]) -> tuple[RowCheck, ...]:
    """Every check of a row, in order of precedence.

    Args:
        calendar: the trading days, sorted; at least one.
        lacking: columns that the file does not have, and arguments that were not given.
    """
    span = "" if calendar is None else f" ({calendar[0]} to {calendar[-1]})"
    first, last = (None, None) if calendar is None else calendar[[0, -1]].tolist()
    sig, avail, hour, signal = (pl.col(name) for name in ("date_sig", "date_avail", "avail_hour", "signal"))

    def lacks(name: str) -> pl.Expr:
        """It is empty in the file too: not because it could not be converted."""
        return pl.col(name).is_null() & (pl.col(BAD) & (1 << list(TYPES).index(name)) == 0)

    return (
        RowCheck("bad_type", pl.col(BAD) != 0, "", ()),
        RowCheck(
            "missing_key",
            pl.any_horizontal(False, *(lacks(name) for name in _DATES if name not in lacking)),
            "security_id, date_sig or date_avail is missing",
            (),
            _DATES,
        ),
        RowCheck(
            "bad_hour",
            ~hour.is_between(0, 24),
            "avail_hour is not between 0 and 24",
            ("avail_hour",),
            (*KEY, "avail_hour"),
        ),
        RowCheck("avail_before_sig", avail < sig, "date_avail is before date_sig", ("date_sig", "date_avail"), _DATES),
        RowCheck("duplicate_key", pl.col(REPEATS), "The same security_id and date_sig occur again", KEY),
        RowCheck("infinite_signal", signal.is_infinite(), "The signal is infinite", ("signal",), (*KEY, "signal")),
        RowCheck(
            "missing_signal", lacks("signal"), "The signal is missing", ("signal",), shortage="all_signals_missing"
        ),
        RowCheck(
            "unknown_security",
            pl.col("security_id").is_not_null() & ~pl.col(KNOWN),
            "The snapshot does not know the security",
            ("security_id", "security_ids"),
            shortage="no_common_security",
        ),
        RowCheck(
            "outside_calendar",
            ~avail.is_between(first, last),
            f"date_avail is outside the calendar of the snapshot{span}",
            ("date_avail", "calendar"),
            _DATES,
            shortage="no_row_in_calendar",
        ),
    )


def check_rows(
    frame: pl.DataFrame,
    keys: tuple[Codes, Runs],
    checks: tuple[RowCheck, ...],
    known: pl.Series | None,
    *,
    lacking: Collection[str],
) -> CheckedRows:
    """Do the checks that can be done.

    Args:
        frame: the converted columns, and `BAD` where something could not be converted.
        keys: of the frame, as `find_keys` gives them.
        checks: as `row_checks` gives them.
        known: the ids of the snapshot, Int64 or String.
        lacking: columns that the file does not have, and arguments that were not given.
    """
    done = {check.code: check.breaks for check in checks if not any(need in lacking for need in check.needs)}
    checked, ascending = _find_faults(frame, keys, checks, done, known)
    if not ascending:
        ordered = sort_rows(_numbered(frame), *KEY)
        checked, ascending = _find_faults(ordered, find_keys(ordered), checks, done, known)
    if not ascending:  # a key occurs again, and the order of the file must play no part in which is the first
        ordered = _in_key_order(frame)
        checked, _ = _find_faults(ordered, find_keys(ordered), checks, done, known)
    return checked


def _find_faults(
    frame: pl.DataFrame,
    keys: tuple[Codes, Runs],
    checks: tuple[RowCheck, ...],
    done: dict[str, pl.Expr],
    known: pl.Series | None,
) -> tuple[CheckedRows, bool]:
    """The rows checked as they stand, and whether those of each security ascend."""
    codes, runs = keys
    is_known = np.zeros(len(codes.values) + 1, np.bool_)  # the last one for what is missing, with the code -1
    if known is None:
        is_known[:-1] = True
    elif known.dtype == codes.values.dtype:
        is_known[:-1] = codes.values.is_in(known.implode()).to_numpy()
    signal, date_sig = numbers(frame["signal"]), day_numbers(runs.first["date_sig"])
    unusual, repeats = np.zeros((2, frame.height), np.bool_)
    usual_dates = frozen(_usual_dates(frame, runs, done))

    def find(part: slice) -> bool:
        ascending: bool = row_kernels.find_unusual(
            codes.number,
            codes.lowest,
            signal,
            runs.start[part.start : part.stop + 1],
            date_sig[part],
            usual_dates[part],
            frozen(is_known),
            np.full(len(codes.values), row_kernels.MISSING),
            unusual,
            repeats,
        )
        return ascending

    with ThreadPoolExecutor(2) as pool:
        ascending = all(list(pool.map(find, _halves(runs, date_sig))))
    rows = np.flatnonzero(unusual)
    if not len(rows):
        return CheckedRows(frame, codes, runs, rows, np.zeros(0, np.uint16), [frame.height] * len(checks)), ascending
    looked_at = _with_all(frame[rows]).with_columns(
        pl.Series(REPEATS, repeats[rows]), pl.Series(KNOWN, is_known[codes.number[rows] - codes.lowest])
    )
    faults = np.zeros(len(rows), np.uint16)
    passing = [frame.height - len(rows)] * len(checks)
    found = looked_at.select(breaks.fill_null(value=False).alias(code) for code, breaks in done.items())
    for bit, check in enumerate(checks):
        if check.code in done:
            broken = found[check.code]
            faults |= broken.to_numpy().astype(np.uint16) << bit
            if check.shortage is not None:
                passing[bit] += len((looked_at[check.needs[0]].is_not_null() & ~broken).arg_true())
    faulty = faults != 0
    return CheckedRows(frame, codes, runs, rows[faulty], faults[faulty], passing), ascending


def _usual_dates(frame: pl.DataFrame, runs: Runs, done: dict[str, pl.Expr]) -> NDArray[np.bool_]:
    """(runs,) whether a row breaks no check of its dates and hour, and lacks no `date_avail`."""
    if BAD in frame.columns:
        return np.zeros(runs.first.height, np.bool_)
    of_dates = [done[code] for code in ("bad_hour", "avail_before_sig", "outside_calendar") if code in done]
    wrong = pl.any_horizontal(pl.col("date_avail").is_null(), *(breaks.fill_null(value=False) for breaks in of_dates))
    return _with_all(runs.first).select(~wrong).to_series().to_numpy()


def _with_all(rows: pl.DataFrame) -> pl.DataFrame:
    """With the columns of which there are some."""
    optional = {BAD: pl.lit(0, pl.UInt8), "avail_hour": pl.lit(None, pl.Float64)}
    return rows.with_columns(**{name: value for name, value in optional.items() if name not in rows.columns})


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
        if checked.failing(bit) and check.code != "bad_type":
            yield _report(checked, bit, check, known)


def _report(checked: CheckedRows, bit: int, check: RowCheck, known: pl.Series | None) -> Finding:
    count, breaking, frame = checked.failing(bit), checked.breaking(bit), _numbered(checked.frame)
    what = f"{check.what} in {count:,} of {frame.height:,} rows"
    if check.code == "duplicate_key":
        return make_finding(check.code, what, count, _repeated_keys(frame[np.union1d(breaking - 1, breaking)]))
    rows = frame[breaking].sort(_DATES, maintain_order=True)
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


def _repeated_keys(rows: pl.DataFrame) -> list[str]:
    """The keys of rows, and in which rows of the file they are."""
    groups = rows.group_by(KEY, maintain_order=True).agg("row").head(SHOWN)
    return [f"{_show(key)} in rows {', '.join(map(str, sorted(numbers)))}" for *key, numbers in groups.iter_rows()]


def _describe(ids: pl.Series) -> str:
    return f"{'text' if ids.dtype == pl.String else 'integers'} such as {ids.min()!r}"


def _show(values: tuple[object, ...] | list[object]) -> str:
    return ", ".join("missing" if value is None else str(value) for value in values)
