"""gen_date_trading and gen_date_calender: the timing rule behind the two functions that old notebooks call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta

import pandas as pd

from poc.contract.align import align_dates
from poc.contract.columns import names
from poc.errors import ConfigError, ContractError


@dataclass(frozen=True, kw_only=True)
class _Timing:
    from_open: bool
    lag: int


def gen_date_trading(  # noqa: PLR0913  # the arguments and their order are those that notebooks give
    infile: pd.DataFrame,
    datefile: pd.DataFrame,
    varlist: str | Sequence[str],
    avail_time: float | str | time | None,
    date_signal: str | None = None,
    date_available: str | None = None,
    buffer: int = 0,
) -> pd.DataFrame:
    """Say which returns each row of a signal earns first.

    Args:
        infile: `security_id`, the day that a row describes, the day on which it can be known, and the signals.
        datefile: the trading days, in the column `date`.
        varlist: columns of `infile` to keep, the signals.
        avail_time: local hour at which a row can be known, as a number (16.5), as "16:30" or as a time; None: before
            the open where it can be known on a later day than it describes, else after the close.
        date_signal: column with the day that a row describes; None: `date_sig`.
        date_available: column with the day on which it can be known; None: `date_avail` where there is one, else the
            day that it describes.
        buffer: trading days by which to wait longer.

    Returns:
        `security_id, date_sig, date_avail, date_ret, date_openret`, then `varlist`; a row a row of `infile`. `date_ret`
        is the day of the first close to close return, `date_openret` of the first open to open return, by the rule of
        `align_dates`; missing where they lie beyond the calendar.

    Raises:
        ConfigError: `avail_time` or `buffer` is not allowed.
        ContractError: a column is missing, or holds something that is not a day.
    """
    _check_buffer(buffer)
    signal_day = date_signal or "date_sig"
    default = "date_avail" if "date_avail" in infile.columns else signal_day
    kept = [varlist] if isinstance(varlist, str) else list(varlist)
    _check_columns(infile, ["security_id", signal_day, date_available or default, *kept])
    frame = pd.DataFrame(
        {
            "security_id": infile["security_id"].to_numpy(),
            "date_sig": infile[signal_day].to_numpy(),
            "date_avail": infile[date_available or default].to_numpy(),
        }
    )
    timed = frame if avail_time is None else frame.assign(avail_hour=_as_hour(avail_time))
    closes = align_dates(timed, datefile, _Timing(from_open=False, lag=buffer))
    opens = align_dates(timed, datefile, _Timing(from_open=True, lag=buffer))
    frame = frame.assign(date_ret=closes["date_ret"], date_openret=opens["date_openret"])
    return frame.assign(**{name: infile[name].to_numpy() for name in kept})


def gen_date_calender(  # noqa: PLR0913  # the arguments and their order are those that notebooks give
    infile: pd.DataFrame,
    datefile: pd.DataFrame,
    varlist: str | Sequence[str],
    avail_time: float | str | time | None,
    date_signal: str | None = None,
    date_available: str | None = None,
    buffer: int = 0,
) -> pd.DataFrame:
    """As `gen_date_trading`, with a `buffer` in calendar days: a row can be known that many days later.

    Raises:
        ConfigError: `avail_time` or `buffer` is not allowed.
        ContractError: a column is missing, or holds something that is not a day.
    """
    _check_buffer(buffer)
    aligned = gen_date_trading(infile, datefile, varlist, avail_time, date_signal, date_available)
    aligned["date_avail"] = pd.to_datetime(aligned["date_avail"]) + timedelta(days=buffer)
    return gen_date_trading(aligned, datefile, varlist, avail_time)


def _check_buffer(buffer: int) -> None:
    if type(buffer) is not int or buffer < 0:
        raise ConfigError(f"buffer={buffer!r} is not allowed; allowed: a whole number of days, 0 or more.")


def _check_columns(infile: pd.DataFrame, needed: list[str]) -> None:
    missing = [name for name in dict.fromkeys(needed) if name not in infile.columns]
    if missing:
        raise ContractError(f"infile has no column {names(missing)}. Found instead: {names(infile.columns)}.")


def _as_hour(avail_time: float | str | time) -> float:
    try:
        moment = time.fromisoformat(avail_time) if isinstance(avail_time, str) else avail_time
        hour = moment.hour + moment.minute / 60 + moment.second / 3600 if isinstance(moment, time) else float(moment)
    except (TypeError, ValueError):
        hour = -1.0
    if not 0 <= hour <= 24:
        raise ConfigError(
            f"avail_time={avail_time!r} is not allowed; allowed: an hour from 0 to 24, a text such as '16:30', a time, "
            "or None."
        )
    return hour
