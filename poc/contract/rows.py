"""The row-by-row checks of the contract, in the order in which the ledger gives a row its one reason."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract.columns import KEY, sort_rows
from poc.contract.findings import SHOWN, Finding, make_finding

BAD = "_bad"
"""Suffix of the column that marks what could not be converted."""

_DATES = ("security_id", "date_sig", "date_avail")


@dataclass(frozen=True)
class Shortage:
    """The error that a warning turns into where no row passes its check.

    Attributes:
        applies: the rows that the check can be done for.
        code: of the error.
        hint: added to its words.
    """

    applies: pl.Expr
    code: str
    hint: str = ""


@dataclass(frozen=True)
class RowCheck:
    """One check of each row. It is an error, or, with a `shortage`, a warning that drops the rows.

    Attributes:
        code: of the finding; also the reason in the ledger.
        what: the finding in words, to be followed by "in 3 of 10 rows".
        fails: the rows that break it; null counts as not broken.
        needs: the columns and arguments without which it cannot be done.
        shows: the columns shown in examples.
    """

    code: str
    what: str
    fails: pl.Expr
    needs: tuple[str, ...]
    shows: tuple[str, ...] = KEY
    shortage: Shortage | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that it may report."""
        return (self.code, self.shortage.code) if self.shortage else (self.code,)


def row_checks(
    frame: pl.DataFrame, calendar: NDArray[np.datetime64] | None, known: pl.Series | None, *, lacking: Collection[str]
) -> list[RowCheck]:
    """Every check of a row, in order of precedence.

    Args:
        frame: the converted columns in the order of `in_key_order`, each with a flag `_bad`, and `row`.
        calendar: the trading days, sorted; at least one.
        known: the ids of the snapshot, Int64 or String.
        lacking: columns of `frame` that the file does not have.
    """
    bad = pl.selectors.ends_with(BAD)
    keys = [pl.col(name).is_null() & ~pl.col(name + BAD) for name in _DATES if name not in lacking]
    return [
        RowCheck("bad_type", "", pl.any_horizontal(bad), ()),
        RowCheck(
            "missing_key",
            "security_id, date_sig or date_avail is missing",
            pl.any_horizontal(pl.lit(value=False), *keys),
            (),
            _DATES,
        ),
        RowCheck(
            "bad_hour",
            "avail_hour is not between 0 and 24",
            ~pl.col("avail_hour").is_between(0, 24),
            ("avail_hour",),
            (*KEY, "avail_hour"),
        ),
        RowCheck(
            "avail_before_sig",
            "date_avail is before date_sig",
            pl.col("date_avail") < pl.col("date_sig"),
            ("date_sig", "date_avail"),
            _DATES,
        ),
        RowCheck("duplicate_key", "The same security_id and date_sig occur again", _REPEATS, KEY),
        RowCheck(
            "infinite_signal", "The signal is infinite", pl.col("signal").is_infinite(), ("signal",), (*KEY, "signal")
        ),
        RowCheck(
            "missing_signal",
            "The signal is missing",
            pl.col("signal").is_null() & ~pl.col("signal" + BAD),
            ("signal",),
            shortage=Shortage(~pl.col("signal" + BAD), "all_signals_missing"),
        ),
        _known_check(frame, known),
        _calendar_check(calendar),
    ]


def in_key_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows by security and date, and by their values where keys repeat: the order of the file plays no part."""
    frame = sort_rows(frame, *KEY)
    if frame.select(_REPEATS.any()).item():
        frame = frame.sort(pl.exclude("row"))
    return frame


def flag_rows(frame: pl.DataFrame, checks: list[RowCheck]) -> pl.DataFrame:
    """A Boolean column a check: the rows that break it."""
    flags = frame.with_columns(check.fails.fill_null(value=False).alias("?" + check.code) for check in checks)
    return flags.select(pl.selectors.starts_with("?").name.map(lambda name: name[1:]))


def report_rows(frame: pl.DataFrame, flags: pl.DataFrame, checks: list[RowCheck]) -> Iterator[Finding]:
    """A finding a check that some row breaks (`bad_type` is reported by column, not here)."""
    for check in checks:
        count = int(flags[check.code].sum())
        if count and check.code != "bad_type":
            yield _report(frame, flags[check.code], check, count)


def _report(frame: pl.DataFrame, failing: pl.Series, check: RowCheck, count: int) -> Finding:
    what = f"{check.what} in {count:,} of {frame.height:,} rows"
    shortage = check.shortage
    if shortage is None:
        return make_finding(check.code, what, count, _error_examples(frame, failing, check))
    rows = frame.filter(failing)
    if check.code == "unknown_security":
        rows = rows.unique("security_id", keep="first", maintain_order=True)
    examples = [_show(row) for row in rows.head(SHOWN).select(check.shows).iter_rows()]
    if frame.select((shortage.applies & ~failing).any()).item():
        return make_finding(check.code, what + ", which are dropped", count, examples)
    return make_finding(shortage.code, f"No row is left.{shortage.hint} {what}", count, examples)


def _error_examples(frame: pl.DataFrame, failing: pl.Series, check: RowCheck) -> list[str]:
    if check.code == "duplicate_key":  # show every row that has the key
        groups = frame.filter(failing | failing.shift(-1)).group_by(KEY, maintain_order=True).agg("row").head(SHOWN)
        return [f"{_show(key)} in rows {', '.join(map(str, sorted(rows)))}" for *key, rows in groups.iter_rows()]
    rows = frame.filter(failing).bottom_k(SHOWN, by="row").sort("row").select("row", *check.shows)
    return [f"row {number} ({_show(row)})" for number, *row in rows.iter_rows()]


def _known_check(frame: pl.DataFrame, known: pl.Series | None) -> RowCheck:
    ids = frame["security_id"]
    fails, hint = pl.lit(value=False), ""
    if known is not None:
        column = pl.col("security_id")
        fails = ~column.is_in(known.implode()) if known.dtype == ids.dtype else column.is_not_null()
        hint = f" The file's ids are {_describe_ids(ids)}, the snapshot's {_describe_ids(known)}."
    return RowCheck(
        "unknown_security",
        "The snapshot does not know the security",
        fails,
        ("security_id", "security_ids"),
        shortage=Shortage(pl.col("security_id").is_not_null(), "no_common_security", hint),
    )


def _calendar_check(calendar: NDArray[np.datetime64] | None) -> RowCheck:
    fails, span = pl.lit(value=False), ""
    if calendar is not None:
        fails = ~pl.col("date_avail").is_between(pl.lit(calendar[0]), pl.lit(calendar[-1]))
        span = f" ({calendar[0]} to {calendar[-1]})"
    return RowCheck(
        "outside_calendar",
        f"date_avail is outside the calendar of the snapshot{span}",
        fails,
        ("date_avail", "calendar"),
        _DATES,
        Shortage(pl.col("date_avail").is_not_null(), "no_row_in_calendar"),
    )


def _describe_ids(ids: pl.Series) -> str:
    return f"{'text' if ids.dtype == pl.String else 'integers'} such as {ids.min()!r}"


def _show(values: tuple[object, ...] | list[object]) -> str:
    return ", ".join("missing" if value is None else str(value) for value in values)


_REPEATS = (pl.col("security_id") == pl.col("security_id").shift()) & (pl.col("date_sig") == pl.col("date_sig").shift())
