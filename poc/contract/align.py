"""The one timing rule: from the day a signal can be known to the day it is traded and the first return it earns."""

from collections.abc import Iterable
from math import ceil
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from poc.contract.arrays import day_numbers, frozen, numbers
from poc.contract.columns import as_calendar, convert_column, get_column, names
from poc.errors import ContractError

OPEN_CUTOFF = 8.0
CLOSE_CUTOFF = 15.0

Frame = TypeVar("Frame", pd.DataFrame, pl.DataFrame)


class Timing(Protocol):
    """What the timing rule needs of a configuration."""

    @property
    def from_open(self) -> bool:
        """Trade at the open, else at the close."""

    @property
    def lag(self) -> int:
        """Trading days by which the whole book is delayed."""


class Formed(NamedTuple):
    """When the rows of a signal enter a book, as indices into the calendar.

    Attributes:
        day: (n,) int32, the formation day of each row; `len(calendar)` where it lies beyond the end. Read-only.
        days: those on which any row is formed, within the calendar, ascending.
    """

    day: NDArray[np.int32]
    days: NDArray[np.integer[Any]]


def formation_days(  # noqa: PLR0913  # the timing rule has seven inputs
    date_avail: NDArray[np.datetime64] | pl.Series,
    avail_hour: NDArray[np.float64] | pl.Series | None,
    date_sig: NDArray[np.datetime64] | pl.Series,
    calendar: NDArray[np.datetime64],
    *,
    from_open: bool,
    open_cutoff: float,
    close_cutoff: float,
) -> Formed:
    """The trading day on which each row first enters a book.

    A row is formed on its day of availability if it is known by the cutoff hour of that day, else on the next trading
    day. On a day without trading it is formed on the next trading day, at whatever hour it became known. A missing
    hour means the open cutoff where the row became known on a later day than it describes, else after the close.

    Args:
        date_avail: days (datetime64[D] or Date), a value a row, none missing.
        avail_hour: hours 0 to 24 of the exchange's local day, NaN where missing; None where the file has none.
        date_sig: days, a value a row, none missing.
        calendar: the trading days, datetime64[D], ascending, distinct.
        from_open: trade at the open, with `open_cutoff`; else at the close, with `close_cutoff`.
        open_cutoff: the last hour at which a row still makes the open.
        close_cutoff: the last hour at which a row still makes the close.
    """
    # A table over all days from the first to past the last trading day: looking up is faster than searching.
    days = np.arange(calendar[0], calendar[-1] + 2)
    on_time, too_late = (np.searchsorted(calendar, days, side=side).astype(np.int32) for side in ("left", "right"))
    available, first_day = day_numbers(date_avail), day_numbers(calendar[:1])[0]
    day = np.clip(available, first_day, first_day + len(days) - 1) - first_day
    at = np.where(available > day_numbers(date_sig), open_cutoff, close_cutoff + 1)
    if avail_hour is not None:
        hour = numbers(avail_hour) if isinstance(avail_hour, pl.Series) else avail_hour
        at = np.where(np.isnan(hour), at, hour)
    is_late = (at > (open_cutoff if from_open else close_cutoff)) & (available >= first_day)
    formation = np.where(is_late, too_late.take(day), on_time.take(day))
    occurs = np.zeros(len(calendar) + 1, np.bool_)
    occurs[formation] = True
    return Formed(frozen(formation), np.flatnonzero(occurs[:-1]))


def default_carry_days(days: NDArray[np.integer[Any]]) -> int:
    """Trading days for which a row stays live where none are given: from the file's own frequency.

    With g the median gap between consecutive formation days: 1 if g is 1, else 1.5 g, rounded up.

    Args:
        days: those on which any row is formed, as indices into the calendar: ascending, distinct.
    """
    if len(days) < 2:
        return 1
    gap = float(np.median(np.diff(days)))
    return 1 if gap <= 1 else ceil(1.5 * gap)


def align_dates(
    df: Frame,
    datefile: Iterable[Any] | pd.DataFrame | pl.DataFrame,
    config: Timing,
    *,
    open_cutoff: float = OPEN_CUTOFF,
    close_cutoff: float = CLOSE_CUTOFF,
) -> Frame:
    """Say for each row of a signal when it is traded and which return it earns first.

    Args:
        df: pandas or Polars, with `date_sig`, `date_avail` and, optionally, `avail_hour`.
        datefile: the trading days, or a table with the column `date`.
        config: anything with `from_open` and `lag`, such as a BacktestConfig.
        open_cutoff: the last hour at which a row still makes the open.
        close_cutoff: the last hour at which a row still makes the close.

    Returns:
        `df` with three more columns of days, missing where they lie beyond the calendar: `date_form`, the formation
        day; and the day of the first return at the lag of `config`: `date_ret` (close to close) where it trades at
        the close, `date_openret` (open to open) where it trades at the open. The other one of the two is missing.

    Raises:
        ContractError: a column is missing, or holds something that is not a day (an hour).
    """
    calendar = as_calendar(datefile)
    has_hour = "avail_hour" in df.columns
    formation = formation_days(
        _values(df, "date_avail"),
        _values(df, "avail_hour") if has_hour else None,
        _values(df, "date_sig"),
        calendar,
        from_open=config.from_open,
        open_cutoff=open_cutoff,
        close_cutoff=close_cutoff,
    ).day
    beyond = np.full_like(formation, len(calendar))
    traded = formation + config.lag
    days = {
        "date_form": _days_at(calendar, formation),
        "date_ret": _days_at(calendar, beyond if config.from_open else traded + 1),
        "date_openret": _days_at(calendar, traded if config.from_open else beyond),
    }
    if isinstance(df, pl.DataFrame):
        return df.with_columns(pl.Series(name, values, dtype=pl.Date) for name, values in days.items())
    return df.assign(**days)


def _values(df: pd.DataFrame | pl.DataFrame, name: str) -> NDArray[Any]:
    if name not in df.columns:
        raise ContractError(f"The column {name} is missing. Found instead: {names(df.columns)}.")
    column = convert_column(name, get_column(df, name))
    if column.bad.any() or (name != "avail_hour" and column.values.null_count()):
        raise ContractError(f"The column {name} must hold {column.expected}. Run validate_signal_df to see which rows.")
    return column.values.to_numpy()


def _days_at(calendar: NDArray[np.datetime64], index: NDArray[np.int32]) -> NDArray[np.datetime64]:
    """The days at these places of the calendar, NaT beyond its end."""
    return np.append(calendar, np.datetime64("NaT"))[np.minimum(index, len(calendar))]
