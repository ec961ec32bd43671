"""The signal contract: every breach of a signal named at once, every row accounted for."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from poc.contract.arrays import Codes, Runs, find_keys, find_runs, frozen
from poc.contract.columns import (
    KEY,
    OPTIONAL,
    REQUIRED,
    TYPES,
    Converted,
    as_calendar,
    as_ids,
    convert_column,
    get_column,
    names,
    sort_rows,
)
from poc.contract.cross_section import NOT_ASKED, check_together
from poc.contract.findings import ERRORS, SHOWN, Finding, make_finding
from poc.contract.rows import BAD, CheckedRows, RowCheck, check_rows, report_rows, row_checks
from poc.errors import ContractError


@dataclass(frozen=True)
class Ledger:
    """Every input row, counted once: `rows_in == rows_used + sum(dropped.values())`.

    Attributes:
        dropped: rows by the code of the first thing that is wrong with them, in a fixed order of precedence;
            `file_refused` are the rows of a refused file that break nothing themselves.
    """

    rows_in: int
    rows_used: int
    dropped: dict[str, int]


@dataclass(frozen=True)
class ValidationResult:
    """What the contract says about a signal file.

    Attributes:
        valid: False if there is any error: the file is refused, and no row is used.
        errors: what the file is refused for.
        warnings: what is worth knowing about a file that is used.
        not_checked: an entry a check that could not be done, as "code: reason".
        ledger: what became of every row.
        rows: the rows that can be used: `security_id` Int64 or String, `date_sig` and `date_avail` Date, `signal`
            Float64, none of them missing; then, if the file has it, `avail_hour` Float64, null where missing. In the
            order of the file, if there each security's rows ascend, else by security.
        keys: the codes of their securities, and the runs of rows with the same dates and hour.
    """

    valid: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    not_checked: tuple[str, ...]
    ledger: Ledger
    rows: pl.DataFrame = field(repr=False)
    keys: tuple[Codes, Runs] = field(repr=False)

    @cached_property
    def clean(self) -> pl.DataFrame:
        """`rows`, sorted by (security_id, date_sig)."""
        return sort_rows(self.rows, *KEY)

    @property
    def frame(self) -> pd.DataFrame:
        """`clean` as pandas."""
        return self.clean.to_pandas()


def validate_signal_df(
    df: pd.DataFrame | pl.DataFrame,
    *,
    calendar: Iterable[Any] | None = None,
    security_ids: Iterable[Any] | None = None,
    carry_days: int | None = None,
    mincos: int = 10,
    together: bool = True,
) -> ValidationResult:
    """Check a signal against the contract (docs/signal-contract.md) and clean it.

    Args:
        df: pandas or Polars, with `security_id, date_sig, date_avail, signal` and, optionally, `avail_hour`.
        calendar: the trading days of the snapshot, or a table with them in the column `date`.
        security_ids: the ids that the snapshot knows.
        carry_days: trading days for which a row stays live; None: the default for the file.
        mincos: fewest names on a side of the book; a day should have three times as many.
        together: whether to check the usable rows taken together too, for gaps, thin, constant and tied days, and
            extreme values. What that finds are warnings.

    Returns:
        All breaches at once. Checks for which a column or an argument is lacking are listed as not done.

    Raises:
        ContractError: `df` is not a frame, or `calendar` holds something that is not a day.
    """
    if not isinstance(df, pd.DataFrame | pl.DataFrame):
        raise ContractError(f"A signal is a pandas or Polars DataFrame, not {type(df).__name__}.")
    days = None if calendar is None else as_calendar(calendar)
    known = None if security_ids is None else as_ids(security_ids)

    frame, keys, lacking, findings = _read_columns(df)
    if days is None:
        lacking["calendar"] = "no calendar was given"
    if known is None:
        lacking["security_ids"] = "no security_ids were given"
    checks = row_checks(days, lacking)
    checked = check_rows(frame, keys, checks, known, lacking=lacking)
    findings += report_rows(checked, checks, known)
    usable, keys = _usable(checked)
    found = NOT_ASKED
    if together:
        found = check_together(usable, *keys, days, carry_days=carry_days, mincos=mincos)
    return _conclude(
        usable,
        keys,
        [*findings, *found.findings],
        (*_not_done(checks, lacking), *found.not_checked),
        {check.code: checked.failing_first(bit) for bit, check in enumerate(checks)},
        rows_in=frame.height,
    )


def _usable(checked: CheckedRows) -> tuple[pl.DataFrame, tuple[Codes, Runs]]:
    """The rows that break no check and lack nothing, the codes of their securities, and their runs."""
    frame, codes = checked.frame.drop("row", BAD, strict=False), checked.codes
    if not len(checked.faulty) and not any(frame[name].null_count() for name in REQUIRED):
        return frame, (codes, checked.runs)
    kept = checked.frame.select(pl.all_horizontal(pl.col(REQUIRED).is_not_null())).to_series().to_numpy()
    kept[checked.faulty] = False
    usable = frame.filter(pl.Series(kept))
    return usable, (replace(codes, number=frozen(codes.number[kept])), find_runs(usable))


def _read_columns(
    df: pd.DataFrame | pl.DataFrame,
) -> tuple[pl.DataFrame, tuple[Codes, Runs], dict[str, str], list[Finding]]:
    """The contract's columns, converted.

    Returns:
        The frame, with nulls for a column that is lacking, without `avail_hour` if the file has none, and with `BAD`
        if anything could not be converted; its keys; column to reason, for those lacking; what was found.
    """
    given = list(df.columns)
    findings = _check_names(df, given)
    lacking = {}
    columns, bad = [], np.zeros(len(df), np.uint8)
    with ThreadPoolExecutor(1) as background:  # the signal is converted while the keys are found
        signal = background.submit(_read_column, df, "signal")
        of_keys = {name: _read_column(df, name) for name in TYPES if name in (*REQUIRED, *given) and name != "signal"}
        keys = find_keys(pl.DataFrame([column.values.alias(name) for name, (column, _) in of_keys.items()]))
    read = of_keys | {"signal": signal.result()}
    for bit, name in enumerate(TYPES):
        if name not in read:
            continue
        column, of_type = read[name]
        findings += of_type
        if given.count(name) != 1:
            lacking[name] = f"{name} is {'there more than once' if name in given else 'missing'}"
        elif len(df) and column.bad.all():
            lacking[name] = f"{name} has no usable value"
        columns.append(column.values.alias(name))
        if column.bad.any():
            bad |= column.bad.to_numpy().astype(np.uint8) << bit
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.Series(BAD, bad)) if bad.any() else frame, keys, lacking, findings


def _read_column(df: pd.DataFrame | pl.DataFrame, name: str) -> tuple[Converted, list[Finding]]:
    """A column in the contract's type, nothing but nulls unless there is one of the name; and what was found."""
    if list(df.columns).count(name) == 1:
        raw = get_column(df, name)
    else:
        raw = pl.Series([None], dtype=TYPES[name]).new_from_index(0, len(df))
    column = convert_column(name, raw)
    return column, _check_type(raw, column)


def _check_names(df: pd.DataFrame | pl.DataFrame, given: list[Any]) -> list[Finding]:
    missing = [name for name in REQUIRED if name not in given]
    repeated = [name for name in TYPES if given.count(name) > 1]
    ignored = sorted(str(name) for name in given if name not in (*REQUIRED, *OPTIONAL))
    index = [name for name in df.index.names if name] if isinstance(df, pd.DataFrame) else []
    in_index = f" The index holds {names(index)}: call reset_index() first." if index else ""
    wording = (
        ("missing_column", missing, f"The columns found are {names(given)}.{in_index} Required columns are missing"),
        ("repeated_column", repeated, "There is more than one column of the same name"),
        ("ignored_column", ignored, "Columns that the contract does not know are ignored"),
    )
    return [make_finding(code, what, len(found), found) for code, found, what in wording if found]


def _check_type(raw: pl.Series, column: Converted) -> list[Finding]:
    count = int(column.bad.sum())
    if not count:
        return []
    what = (
        f"{raw.name} must hold {column.expected}. Its type is {raw.dtype}, and it cannot be converted without loss in "
        f"{count:,} of {len(raw):,} rows"
    )
    rows = column.bad.arg_true().head(SHOWN).to_list()
    return [make_finding("bad_type", what, count, [f"row {row + 1} ({_text(raw[row])})" for row in rows])]


def _text(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _not_done(checks: tuple[RowCheck, ...], lacking: dict[str, str]) -> tuple[str, ...]:
    """An entry a code that cannot be reported for want of a column or an argument."""
    entries = []
    for check in checks:
        reasons = [lacking[need] for need in check.needs if need in lacking]
        entries += [f"{code}: {reasons[0]}" for code in check.codes if reasons]
    return tuple(entries)


def _conclude(
    usable: pl.DataFrame,
    keys: tuple[Codes, Runs],
    findings: list[Finding],
    not_checked: tuple[str, ...],
    dropped: dict[str, int],
    *,
    rows_in: int,
) -> ValidationResult:
    errors = tuple(finding for finding in findings if finding.code in ERRORS)
    if not errors and usable.is_empty():
        reasons = [f"{code} {count:,}" for code, count in dropped.items() if count]
        errors = (make_finding("no_usable_row", f"No row is left of {rows_in:,}", rows_in, reasons or ["no rows"]),)
    if errors:
        dropped = {**dropped, "file_refused": rows_in - sum(dropped.values())}
        usable = usable.clear()
        keys = find_keys(usable)
    return ValidationResult(
        valid=not errors,
        errors=errors,
        warnings=tuple(finding for finding in findings if finding.code not in ERRORS),
        not_checked=not_checked,
        ledger=Ledger(rows_in, usable.height, {code: count for code, count in dropped.items() if count}),
        rows=usable,
        keys=keys,
    )
