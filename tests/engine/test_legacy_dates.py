"""The two functions that say which return a row earns first, on days where it can be seen by eye."""

from datetime import time
from typing import Any

import pandas as pd
import pytest

from poc.engine.legacy_dates import gen_date_calender, gen_date_trading
from poc.errors import ConfigError, ContractError

CALENDAR = pd.DataFrame({"date": pd.bdate_range("2024-01-01", "2024-01-19").delete(10)})  # Monday the 15th is a holiday
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = pd.date_range("2024-01-08", periods=5)
NEXT_TUESDAY = pd.Timestamp("2024-01-16")
NEXT_WEDNESDAY = pd.Timestamp("2024-01-17")


def row(sig: pd.Timestamp, avail: pd.Timestamp) -> pd.DataFrame:
    return pd.DataFrame({"security_id": [1], "date_sig": [sig], "date_avail": [avail], "alpha": [0.5], "beta": [2.0]})


@pytest.mark.parametrize(
    ("sig", "avail", "avail_time", "date_ret", "date_openret"),
    [
        pytest.param(MONDAY, TUESDAY, 8, WEDNESDAY, TUESDAY, id="known before the open"),
        pytest.param(MONDAY, TUESDAY, 12, WEDNESDAY, WEDNESDAY, id="known during the day"),
        pytest.param(MONDAY, TUESDAY, 16, THURSDAY, WEDNESDAY, id="known after the close"),
        pytest.param(MONDAY, TUESDAY, None, WEDNESDAY, TUESDAY, id="hour not said, a later day"),
        pytest.param(MONDAY, MONDAY, None, WEDNESDAY, TUESDAY, id="hour not said, the same day"),
        pytest.param(FRIDAY, FRIDAY + pd.Timedelta(days=1), 18, NEXT_WEDNESDAY, NEXT_TUESDAY, id="at the weekend"),
    ],
)
def test_the_first_returns_follow_from_the_hour(
    sig: pd.Timestamp, avail: pd.Timestamp, avail_time: float | None, date_ret: pd.Timestamp, date_openret: pd.Timestamp
) -> None:
    out = gen_date_trading(row(sig, avail), CALENDAR, ["alpha"], avail_time)
    assert list(out.columns) == ["security_id", "date_sig", "date_avail", "date_ret", "date_openret", "alpha"]
    assert out["date_ret"].tolist() == [date_ret]
    assert out["date_openret"].tolist() == [date_openret]
    assert out["alpha"].tolist() == [0.5]


def test_a_buffer_waits_trading_days() -> None:
    out = gen_date_trading(row(THURSDAY, FRIDAY), CALENDAR, "alpha", 8, buffer=2)
    assert out[["date_ret", "date_openret"]].iloc[0].tolist() == [pd.Timestamp("2024-01-18"), NEXT_WEDNESDAY]
    assert out["date_avail"].tolist() == [FRIDAY]


def test_the_other_buffer_waits_calendar_days() -> None:
    out = gen_date_calender(row(THURSDAY, FRIDAY), CALENDAR, "alpha", 8, buffer=2)
    assert out["date_avail"].tolist() == [pd.Timestamp("2024-01-14")]
    assert out[["date_ret", "date_openret"]].iloc[0].tolist() == [NEXT_WEDNESDAY, NEXT_TUESDAY]


def test_without_a_buffer_both_are_the_same() -> None:
    rows = pd.concat([row(MONDAY, TUESDAY), row(FRIDAY, FRIDAY)])
    pd.testing.assert_frame_equal(
        gen_date_calender(rows, CALENDAR, ["beta", "alpha"], 12),
        gen_date_trading(rows, CALENDAR, ["beta", "alpha"], 12),
    )


def test_columns_can_have_other_names() -> None:
    rows = row(MONDAY, TUESDAY)
    renamed = rows.rename(columns={"date_sig": "asof", "date_avail": "published"})
    out = gen_date_trading(renamed, CALENDAR, "alpha", 8, "asof", "published")
    pd.testing.assert_frame_equal(out, gen_date_trading(rows, CALENDAR, "alpha", 8))


def test_without_a_day_of_availability_it_is_the_day_described() -> None:
    out = gen_date_trading(row(MONDAY, TUESDAY).drop(columns="date_avail"), CALENDAR, "alpha", 16)
    assert out["date_avail"].tolist() == [MONDAY]
    assert out["date_ret"].tolist() == [WEDNESDAY]


def test_beyond_the_calendar_there_is_no_return() -> None:
    last = CALENDAR["date"].iloc[-1]
    out = gen_date_trading(row(last, last), CALENDAR, "alpha", 12)
    assert out[["date_ret", "date_openret"]].isna().all(axis=None)


@pytest.mark.parametrize("avail_time", [16.5, "16:30", time(16, 30)])
def test_an_hour_can_be_written_in_three_ways(avail_time: Any) -> None:
    out = gen_date_trading(row(MONDAY, TUESDAY), CALENDAR, "alpha", avail_time)
    assert out["date_ret"].tolist() == [THURSDAY]


@pytest.mark.parametrize("avail_time", [-1, 25, "half past", float("nan")])
def test_an_hour_that_is_none_is_refused(avail_time: Any) -> None:
    with pytest.raises(ConfigError, match=r"avail_time=.*an hour from 0 to 24"):
        gen_date_trading(row(MONDAY, TUESDAY), CALENDAR, "alpha", avail_time)


@pytest.mark.parametrize("buffer", [-1, 1.5, True])
@pytest.mark.parametrize("function", [gen_date_trading, gen_date_calender])
def test_a_buffer_that_is_no_number_of_days_is_refused(function: Any, buffer: Any) -> None:
    with pytest.raises(ConfigError, match=f"buffer={buffer}"):
        function(row(MONDAY, TUESDAY), CALENDAR, "alpha", 8, buffer=buffer)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ContractError, match="infile has no column 'gamma'"):
        gen_date_trading(row(MONDAY, TUESDAY), CALENDAR, ["alpha", "gamma"], 8)
