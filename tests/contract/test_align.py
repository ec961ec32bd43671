from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.contract.align import align_dates, default_carry_days, formation_days
from poc.errors import ContractError

MONDAY = date(2015, 6, 1)
CALENDAR = [MONDAY + timedelta(days=i) for i in (0, 1, 2, 3, 4, 7, 8, 9, 11)]  # Friday the 12th; the 11th is a holiday


@dataclass(frozen=True)
class Trade:
    from_open: bool = False
    lag: int = 0


def slow_formation_day(avail: date, hour: float | None, sig: date, calendar: list[date], cutoff: float) -> int:
    """The timeline word by word: the first trading day at or after `avail`, or the next one if the hour is too late."""
    trading_days = [i for i, day in enumerate(calendar) if day >= avail]
    if not trading_days:
        return len(calendar)
    first = trading_days[0]
    if hour is None:
        hour = 8 if avail > sig else 16
    if calendar[first] != avail:
        hour = 0
    return first if hour <= cutoff else first + 1


def fast_formation_days(
    rows: Iterable[tuple[date, float | None, date]], calendar: list[date], *, from_open: bool
) -> list[int]:
    avail, hour, sig = zip(*rows, strict=True)
    formed = formation_days(
        np.array(avail, dtype="datetime64[D]"),
        np.array([np.nan if h is None else h for h in hour]) if any(h is not None for h in hour) else None,
        np.array(sig, dtype="datetime64[D]"),
        np.array(calendar, dtype="datetime64[D]"),
        from_open=from_open,
        open_cutoff=8,
        close_cutoff=15,
    )
    found: list[int] = formed.day.tolist()
    assert formed.days.tolist() == sorted({*found} - {len(calendar)})
    return found


days = st.integers(-4, 16).map(lambda i: MONDAY + timedelta(days=i))
hours = st.none() | st.sampled_from([0.0, 7.99, 8.0, 8.01, 15.0, 15.01, 16.0, 24.0])


@given(
    st.lists(st.tuples(days, hours, days), min_size=1) | st.lists(st.tuples(days, st.none(), days), min_size=1),
    st.booleans(),
)
def test_formation_days_equal_the_obvious_loop(rows: list[tuple[date, float | None, date]], from_open: bool) -> None:
    slow = [slow_formation_day(*row, CALENDAR, 8 if from_open else 15) for row in rows]
    assert fast_formation_days(rows, CALENDAR, from_open=from_open) == slow


@pytest.mark.parametrize(
    ("avail", "hour", "sig", "at_close", "at_open"),
    [
        pytest.param(2, None, 1, 1, 1, id="known the next day: before the open"),
        pytest.param(1, None, 1, 1, 1, id="known the same day: after the close"),
        pytest.param(1, 15.0, 1, 0, 1, id="known by the close cutoff"),
        pytest.param(1, 15.5, 1, 1, 1, id="known after the close cutoff"),
        pytest.param(2, 8.0, 1, 1, 1, id="known by the open cutoff"),
        pytest.param(2, 8.5, 1, 1, 2, id="known after the open cutoff"),
        pytest.param(6, 23.0, 5, 5, 5, id="known on Saturday evening: Monday"),
        pytest.param(6, None, 6, 5, 5, id="describes and known on Saturday: Monday"),
        pytest.param(11, 20.0, 10, 8, 8, id="known on a holiday: the next trading day"),
        pytest.param(12, 16.0, 11, 9, 9, id="too late on the last day: beyond the calendar"),
        pytest.param(13, None, 12, 9, 9, id="after the last day: beyond the calendar"),
    ],
)
def test_formation_day_of_a_row(avail: int, hour: float | None, sig: int, at_close: int, at_open: int) -> None:
    row = (date(2015, 6, avail), hour, date(2015, 6, sig))
    assert fast_formation_days([row], CALENDAR, from_open=False) == [at_close]
    assert fast_formation_days([row], CALENDAR, from_open=True) == [at_open]


def test_a_missing_hour_on_the_same_day_is_after_the_close_whatever_the_cutoff() -> None:
    monday = np.array([MONDAY], dtype="datetime64[D]")
    calendar = np.array(CALENDAR, dtype="datetime64[D]")
    formed = formation_days(monday, None, monday, calendar, from_open=False, open_cutoff=9, close_cutoff=17.5)
    assert formed.day.tolist() == [1]


def test_a_missing_hour_on_a_later_day_makes_the_open_whatever_the_cutoff() -> None:
    avail, sig = np.array(["2015-06-02"], dtype="datetime64[D]"), np.array(["2015-06-01"], dtype="datetime64[D]")
    calendar = np.array(CALENDAR, dtype="datetime64[D]")
    formed = formation_days(avail, None, sig, calendar, from_open=True, open_cutoff=7.5, close_cutoff=15)
    assert formed.day.tolist() == [1]


@pytest.mark.parametrize(
    ("days", "carry"),
    [
        pytest.param([], 1, id="no row"),
        pytest.param([7], 1, id="one day"),
        pytest.param(list(range(100)), 1, id="daily"),
        pytest.param(list(range(0, 100, 5)), 8, id="weekly: 7.5 rounded up"),
        pytest.param(list(range(0, 500, 21)), 32, id="monthly: 31.5 rounded up"),
        pytest.param([0, 1, 3], 3, id="median gap 1.5: 2.25 rounded up"),
        pytest.param([0, 1, 2, 50], 1, id="one long gap in a daily file"),
    ],
)
def test_default_carry_days(days: list[int], carry: int) -> None:
    assert default_carry_days(np.array(days, np.int64)) == carry


def signal() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "security_id": [1, 2, 3],
            "date_sig": ["2015-06-04", "2015-06-05", "2015-06-11"],
            "date_avail": ["2015-06-05", "2015-06-05", "2015-06-12"],
        },
        index=[7, 8, 9],
    )


def column(frame: pd.DataFrame | pl.DataFrame, name: str) -> list[str | None]:
    return [None if pd.isna(value) else str(value)[:10] for value in frame[name]]


def test_align_dates_at_the_close() -> None:
    in_pandas = align_dates(signal(), CALENDAR, Trade())
    in_polars = align_dates(pl.from_pandas(signal()), CALENDAR, Trade())
    assert isinstance(in_pandas, pd.DataFrame)
    assert isinstance(in_polars, pl.DataFrame)
    for aligned in (in_pandas, in_polars):
        assert list(aligned.columns) == [*signal().columns, "date_form", "date_ret", "date_openret"]
        assert column(aligned, "date_form") == ["2015-06-05", "2015-06-08", "2015-06-12"]
        assert column(aligned, "date_ret") == ["2015-06-08", "2015-06-09", None]
        assert column(aligned, "date_openret") == [None, None, None]


def test_align_dates_at_the_open_with_a_lag() -> None:
    calendar = pd.DataFrame({"date": pd.to_datetime(CALENDAR), "n": range(9)})
    aligned = align_dates(signal(), calendar, Trade(from_open=True, lag=1))
    assert aligned.index.tolist() == [7, 8, 9]
    assert column(aligned, "date_form") == ["2015-06-05", "2015-06-08", "2015-06-12"]
    assert column(aligned, "date_openret") == ["2015-06-08", "2015-06-09", None]
    assert column(aligned, "date_ret") == [None, None, None]


def test_align_dates_uses_the_hour_and_the_cutoff() -> None:
    df = signal().assign(avail_hour=[10, 15.5, np.nan])
    assert column(align_dates(df, CALENDAR, Trade()), "date_form")[:2] == ["2015-06-05", "2015-06-08"]
    late = align_dates(df, CALENDAR, Trade(), close_cutoff=16)
    assert column(late, "date_form")[:2] == ["2015-06-05", "2015-06-05"]
    early = align_dates(df, CALENDAR, Trade(from_open=True), open_cutoff=9.5)
    assert column(early, "date_openret")[:2] == ["2015-06-08", "2015-06-08"]


@pytest.mark.parametrize(
    ("df", "calendar", "words"),
    [
        (signal().drop(columns="date_sig"), CALENDAR, "column date_sig is missing.*'security_id', 'date_avail'"),
        (signal().assign(date_avail="soon"), CALENDAR, "date_avail must hold days"),
        (signal().assign(date_sig=None), CALENDAR, "date_sig must hold days"),
        (signal(), pd.DataFrame({"day": CALENDAR}), "no column 'date'.*'day'"),
        (signal(), ["2015-06-01", "June"], "calendar holds something that is not a day"),
        (signal(), [], "calendar is empty"),
    ],
)
def test_align_dates_says_what_is_wrong(df: pd.DataFrame, calendar: object, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        align_dates(df, calendar, Trade())  # type: ignore[arg-type]  # bad input on purpose
