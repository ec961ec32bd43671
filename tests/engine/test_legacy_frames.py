"""What the frames of old notebooks may hold, and which rows of a signal are traded when."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poc.engine.legacy_frames import read_signal, read_tables
from poc.errors import BacktestError, ContractError

CALENDAR = pd.bdate_range("2024-01-01", "2024-01-19")
DAYS = CALENDAR.to_numpy().astype("datetime64[D]")
MONDAY, TUESDAY, WEDNESDAY = pd.date_range("2024-01-08", periods=3)


def row(**changes: Any) -> pd.DataFrame:
    usual = {
        "security_id": 1,
        "date_sig": MONDAY,
        "date_avail": TUESDAY,
        "date_ret": WEDNESDAY,
        "date_openret": TUESDAY,
        "alpha": 0.5,
    }
    return pd.DataFrame([usual | changes])


def read(*rows: pd.DataFrame, from_open: bool = False) -> list[tuple[Any, ...]]:
    """`security_id, date_sig, date_form, signal` of the rows that are traded."""
    return read_signal(pd.concat(rows), "alpha", DAYS, from_open=from_open).rows()


@pytest.mark.parametrize("from_open", [False, True])
def test_the_formation_day_follows_from_the_first_return(from_open: bool) -> None:
    assert read(row(), from_open=from_open) == [(1, MONDAY.date(), TUESDAY.date(), 0.5)]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"alpha": np.nan}, id="no signal"),
        pytest.param({"date_ret": pd.NaT}, id="no return in the calendar"),
        pytest.param({"date_ret": pd.Timestamp("2024-03-01")}, id="a return after the calendar"),
        pytest.param({"date_avail": pd.Timestamp("2023-12-01"), "date_ret": DAYS[0]}, id="a return on the first day"),
    ],
)
def test_a_row_that_cannot_be_traded_is_left_out(changes: dict[str, Any]) -> None:
    assert read(row(**changes), row(security_id=2)) == [(2, MONDAY.date(), TUESDAY.date(), 0.5)]


def test_the_latest_of_two_rows_that_are_traded_together_stands() -> None:
    rows = [row(alpha=2.0), row(date_sig=MONDAY - pd.Timedelta(days=3)), row(date_sig=TUESDAY, alpha=np.nan)]
    assert read(*rows) == [(1, MONDAY.date(), TUESDAY.date(), 2.0)]


def test_a_row_can_be_traded_on_many_days() -> None:
    days = pd.bdate_range(WEDNESDAY, periods=4)
    assert len(read(*(row(date_ret=day) for day in days))) == 4


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([row(date_ret=pd.Timestamp("2024-01-13"))], "1 rows of infile have a date_ret that is no trading day"),
        ([row(date_ret=TUESDAY)], "for which they had to be traded before date_avail"),
        ([row(date_sig=pd.NaT)], "have no date_sig or no date_avail"),
        ([row(), row(alpha=1.0)], "1 rows of infile repeat another's security_id.*1 of 2024-01-08"),
        ([row().drop(columns="date_ret")], "infile has no column 'date_ret'"),
        ([row().drop(columns="alpha")], "infile has no column 'alpha'"),
        ([row(date_sig="last Monday")], "The column 'date_sig' of infile must hold days.*1 rows do not.*row 0"),
        ([row(), row(alpha="high")], "The column 'alpha' of infile must hold numbers"),
    ],
)
def test_a_row_that_says_what_cannot_be_is_refused(rows: list[pd.DataFrame], what: str) -> None:
    with pytest.raises(ContractError, match=what):
        read(*rows)


def frames(ret: dict[str, Any] | None = None, other: dict[str, Any] | None = None) -> dict[str, Any]:
    """Two names on two days, with what is changed."""
    keys = pd.DataFrame([(s, d) for d in CALENDAR[:2] for s in (2, 1)], columns=["security_id", "date"])
    return {
        "retfile": keys.assign(ret=0.1, close_adj=3.0).assign(**(ret or {})),
        "otherfile": keys.assign(mcap=[4.0, 1.0] * 2, size=1.0).assign(**(other or {})),
        "datefile": pd.DataFrame({"date": CALENDAR[::-1]}),
        "columns": ["size"],
    }


def test_tables_are_as_in_a_snapshot() -> None:
    tables = read_tables(**frames(other={"industry_id": 3.0}))
    assert tables["ret"].columns == ["security_id", "date", "ret", "close"]
    assert tables["ret"]["security_id"].to_list() == [1, 2, 1, 2]
    assert tables["ret"].schema["ret"] == pl.Float64
    assert tables["risk"]["cap"].to_list() == [2, 1, 2, 1]
    assert tables["risk"].schema["industry_id"] == pl.Int32
    assert tables["trading_date"]["date"].is_sorted()


def test_without_sizes_there_are_no_caps() -> None:
    changed = frames()
    changed["otherfile"] = changed["otherfile"].drop(columns="mcap")
    assert read_tables(**changed)["risk"]["cap"].null_count() == 4


@pytest.mark.parametrize(
    ("ret", "other", "what"),
    [
        ({"security_id": 1}, {}, "ret: 2 rows repeat a"),
        ({"date": "2024-01-01"}, {}, "retfile: `date` is"),
        ({"ret": np.inf}, {}, "retfile: `ret`: 4 values are infinite"),
        ({"ret": -2.0}, {}, "ret: `ret` is below -1"),
        ({"security_id": ["1", "2"] * 2}, {}, "`security_id` is not of one type"),
        ({}, {"cap": 4}, "risk: `cap` is none of 1, 2, 3"),
        ({}, {"industry_id": 1.5}, "otherfile: `industry_id`: 4 values are not whole numbers"),
    ],
)
def test_what_a_table_may_not_hold_is_named(ret: dict[str, Any], other: dict[str, Any], what: str) -> None:
    with pytest.raises(BacktestError, match=what):
        read_tables(**frames(ret, other))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(BacktestError, match="otherfile has no column 'value'"):
        read_tables(**(frames() | {"columns": ["value"]}))
