"""The frames of old notebooks as a signal, as tables and as a panel. Numbers keep the precision of the frames."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from poc.contract.columns import convert_days, convert_ids, convert_numbers, get_column, names
from poc.data.checks import find_breaches
from poc.data.columns import to_date, to_float, to_id, to_whole
from poc.data.tables import KEYS, RET_NUMBERS, make_cap
from poc.errors import BacktestError, ContractError, SnapshotError

CODES = ("industry_id", "sector_id", "cap", "insample", "insample2")
SHOWN = 5

Tables = dict[str, pl.DataFrame]
Days = NDArray[np.datetime64]


def read_tables(
    retfile: pd.DataFrame,
    otherfile: pd.DataFrame,
    datefile: pd.DataFrame,
    *,
    columns: Sequence[str],
    factors: pl.DataFrame | None = None,
) -> Tables:
    """`ret`, `risk`, `trading_date` and, where given, `factors` as in a snapshot, each sorted.

    `risk` and `factors` may have days that are no trading days.

    Args:
        retfile: `security_id, date, ret` and what else the `ret` table may hold.
        otherfile: `security_id, date`, industry, sector, cap, size and volume where there are any, and `columns`.
        datefile: `date` and, where there are any, `insample, insample2`.
        columns: exposures and groups of `otherfile` that are needed.
        factors: as `read_factors` gives it.

    Raises:
        BacktestError: a column is missing, or holds what it may not.
    """
    returns = retfile.rename(columns={"close_adj": "close"})
    ret = read_frame("retfile", returns, [*KEYS, "ret"], RET_NUMBERS)
    risk = read_frame("otherfile", otherfile, [*KEYS, *columns], [*CODES, "mcap", "adv"])
    calendar = read_frame("datefile", datefile, ["date"], CODES).sort("date")
    if "cap" not in risk.columns:
        risk = risk.with_columns(make_cap(risk) if "mcap" in risk.columns else pl.lit(None, pl.Int8).alias("cap"))
    tables = {name: table.sort("date", "security_id") for name, table in (("ret", ret), ("risk", risk))}
    tables["trading_date"] = calendar
    if factors is not None:
        tables["factors"] = factors
    breaches = find_breaches(on_trading_days(tables), max_return=float("inf"))
    if breaches:
        raise BacktestError(
            "\n".join(["The frames cannot be used (ret: retfile, risk: otherfile, factors: ff_result):", *breaches])
        )
    return tables


def on_trading_days(tables: Tables) -> Tables:
    """The tables without rows on other days."""
    days = tables["trading_date"].select("date")
    return {name: table.join(days, on="date", how="semi", maintain_order="left") for name, table in tables.items()}


def read_factors(factors: pd.DataFrame | None, index: pd.DataFrame | None) -> pl.DataFrame | None:
    """The `factors` table: factor returns and, as `long_index`, that of an index, by day; None where neither is given.

    Args:
        factors: `date` and daily returns, under our names or those of published files, such as `Mkt-RF`.
        index: `date` and a daily return.
    """
    table = None if index is None else read_series("long_index", index).rename({"value": "long_index"})
    if factors is not None:
        named = factors.rename(columns=_factor_name)
        read = read_frame("ff_result", named, ["date"], list(named.columns)).select("date", cs.numeric())
        table = read if table is None else read.join(table, on="date", how="full", coalesce=True)
    return None if table is None else table.sort("date")


def _factor_name(published: str) -> str:
    name = published.lower().replace("-", "_")
    return {"mom": "umd", "mktrf": "mkt_rf"}.get(name, name)


def read_series(argument: str, frame: pd.DataFrame) -> pl.DataFrame:
    """`date, value` of a frame with `date` and one column more.

    Raises:
        BacktestError: the frame has other columns, or they hold what they may not.
    """
    others = [name for name in frame.columns if name != "date"]
    if len(others) != 1:
        raise BacktestError(f"{argument} needs 'date' and one column more. Found instead: {names(frame.columns)}.")
    return read_frame(argument, frame, ["date", *others], []).rename({others[0]: "value"}).drop_nulls()


def read_frame(argument: str, frame: pd.DataFrame, required: Sequence[str], optional: Sequence[str]) -> pl.DataFrame:
    """The columns of a frame, those that are optional where they are there.

    Raises:
        BacktestError: a column is missing, or holds what it may not.
    """
    missing = [name for name in required if name not in frame.columns]
    if missing:
        raise BacktestError(f"{argument} has no column {names(missing)}. Found instead: {names(frame.columns)}.")
    wanted = [*required, *(name for name in optional if name in frame.columns)]
    try:
        return pl.DataFrame([_convert(get_column(frame, name)) for name in dict.fromkeys(wanted)])
    except SnapshotError as error:
        raise BacktestError(f"{argument}: {error}") from None


def _convert(column: pl.Series) -> pl.Series:
    if column.name == "security_id":
        return to_id(column)
    if column.name == "date":
        return to_date(column)
    if column.name in CODES:
        return to_whole(column, pl.Int32)
    return to_float(column, pl.Float64) if column.dtype.is_numeric() else column


def read_signal(infile: pd.DataFrame, sigvar: str, calendar: Days, *, from_open: bool) -> pl.DataFrame:
    """`security_id, date_sig, date_form, signal`: the rows that can be traded, one a security and formation day.

    The formation day follows from the day of the first return: the trading day before `date_ret`, or `date_openret`
    itself. Rows without a signal, or without such a day in the calendar, are left out; of the rows of a security that
    are traded on the same day, the one with the latest `date_sig` stands.

    Raises:
        ContractError: a column is missing or holds what it may not; a row appears twice; a return is on no trading day,
            or can only be earned by trading before `date_avail`.
    """
    return_day = "date_openret" if from_open else "date_ret"
    rows = _read_infile(infile, return_day, sigvar).filter(pl.col("signal").is_not_null())
    _refuse(rows, pl.col("date_sig").is_null() | pl.col("date_avail").is_null(), "have no date_sig or no date_avail")
    rows = rows.filter(pl.all_horizontal(pl.col("day", "date_avail").is_between(calendar[0], calendar[-1])))
    place = np.searchsorted(calendar, rows["day"].to_numpy())
    on_calendar = pl.Series("on", calendar[place] == rows["day"].to_numpy())
    _refuse(rows, ~on_calendar, f"have a {return_day} that is no trading day of datefile")
    formation = place - (0 if from_open else 1)
    rows = rows.with_columns(date_form=pl.Series(calendar[np.maximum(formation, 0)])).filter(pl.Series(formation >= 0))
    _refuse(
        rows,
        pl.col("date_form") < pl.col("date_avail"),
        f"earn their first return on a {return_day} for which they had to be traded before date_avail",
    )
    rows = rows.sort("security_id", "date_form", "date_sig")
    repeats = pl.all_horizontal(
        pl.col(name) == pl.col(name).shift() for name in ("security_id", "date_form", "date_sig")
    )
    _refuse(rows, repeats, "repeat another's security_id, date_sig and day of the return")
    replaced = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in ("security_id", "date_form"))
    last = rows.filter(~replaced.fill_null(value=False))
    return last.select("security_id", "date_sig", "date_form", "signal")


def _read_infile(infile: pd.DataFrame, return_day: str, sigvar: str) -> pl.DataFrame:
    """`security_id, date_sig, date_avail, day, signal`, of the types that a signal has."""
    source = {"security_id": "security_id", "date_sig": "date_sig", "date_avail": "date_avail", "day": return_day}
    columns = []
    for name, given in (source | {"signal": sigvar}).items():
        if given not in infile.columns:
            raise ContractError(f"infile has no column {given!r}. Found instead: {names(infile.columns)}.")
        convert = {"security_id": convert_ids, "signal": convert_numbers}.get(name, convert_days)
        converted = convert(get_column(infile, given))
        if converted.bad.any():
            raise ContractError(
                f"The column {given!r} of infile must hold {converted.expected}; "
                f"{converted.bad.sum()} rows do not, the first: row {converted.bad.arg_max()}."
            )
        columns.append(converted.values.alias(name))
    return pl.DataFrame(columns)


def _refuse(rows: pl.DataFrame, wrong: pl.Expr | pl.Series, what: str) -> None:
    found = rows.filter(wrong)
    if found.height:
        first = "; ".join(f"{row[0]} of {row[1]}" for row in found.head(SHOWN).iter_rows())
        raise ContractError(f"{found.height} rows of infile {what}. The first (security_id of date_sig): {first}.")
