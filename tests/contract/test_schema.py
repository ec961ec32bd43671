import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from poc.contract.files import read_signal_file
from poc.contract.findings import ERRORS, WARNINGS
from poc.contract.schema import ValidationResult, validate_signal_df
from poc.errors import ContractError

DOCUMENT = Path(__file__).parents[2] / "docs" / "signal-contract.md"
CALENDAR = np.busday_offset("2015-01-01", np.arange(250), roll="forward")
IDS = np.arange(1, 41)


def signal(days: int = 20) -> pd.DataFrame:
    """A daily signal of 40 names without fault, each row known on the next trading day."""
    return pd.DataFrame(
        {
            "security_id": np.tile(IDS, days),
            "date_sig": np.repeat(CALENDAR[:days], 40),
            "date_avail": np.repeat(CALENDAR[1 : days + 1], 40),
            "signal": np.random.default_rng(1).standard_normal(days * 40),
        }
    )


def changed(column: str, values: dict[int, Any]) -> pd.DataFrame:
    """The faultless signal with some values replaced, by row from 0."""
    new = list(signal()[column])
    for row, value in values.items():
        new[row] = value
    return signal().assign(**{column: new})


def later(df: pd.DataFrame, days: int) -> pd.DataFrame:
    return df.assign(date_sig=df["date_sig"] + timedelta(days), date_avail=df["date_avail"] + timedelta(days))


def validate(df: pd.DataFrame | pl.DataFrame, **arguments: Any) -> ValidationResult:
    result = validate_signal_df(df, **{"calendar": CALENDAR, "security_ids": IDS, **arguments})
    ledger = result.ledger
    assert ledger.rows_in == len(df) == ledger.rows_used + sum(ledger.dropped.values())
    assert ledger.rows_used == result.clean.height
    assert all(rows > 0 for rows in ledger.dropped.values())
    assert result.valid == (not result.errors) == (ledger.rows_used > 0)
    return result


def test_a_faultless_signal_passes_whole() -> None:
    result = validate(signal())
    assert (result.errors, result.warnings, result.not_checked) == ((), (), ())
    assert (result.ledger.rows_used, result.ledger.dropped) == (800, {})
    expected = (
        pl.from_pandas(signal()).sort("security_id", "date_sig").cast({"date_sig": pl.Date, "date_avail": pl.Date})
    )
    assert_frame_equal(result.clean, expected)
    assert isinstance(result.frame, pd.DataFrame)
    assert result.frame["signal"].tolist() == expected["signal"].to_list()


ERROR_CASES = [
    (
        "missing_column",
        signal().drop(columns=["date_avail", "signal"]),
        2,
        (
            "The columns found are 'security_id', 'date_sig'. Required columns are missing: date_avail; signal. "
            "What to do: Add the column"
        ),
    ),
    (
        "repeated_column",
        pd.concat([signal(), signal()["signal"]], axis=1),
        1,
        "There is more than one column of the same name: signal. What to do: Keep one",
    ),
    (
        "bad_type",
        changed("signal", {2: "high", 700: "low"}),
        2,
        (
            "signal must hold numbers. Its type is String, and it cannot be converted without loss in 2 of 800 rows: "
            "row 3 ('high'); row 701 ('low'). What to do: Correct these values"
        ),
    ),
    (
        "missing_key",
        changed("date_avail", {1: None}),
        1,
        (
            "security_id, date_sig or date_avail is missing in 1 of 800 rows: row 2 (2, 2015-01-01, missing). "
            "What to do: Fill in"
        ),
    ),
    (
        "bad_hour",
        signal().assign(avail_hour=[24, 25, -0.5, np.nan, *[8] * 796]),
        2,
        (
            "avail_hour is not between 0 and 24 in 2 of 800 rows: row 2 (2, 2015-01-01, 25.0); "
            "row 3 (3, 2015-01-01, -0.5). What to do: Give the local hour"
        ),
    ),
    (
        "avail_before_sig",
        changed("date_avail", {45: pd.Timestamp("2015-01-01")}),
        1,
        (
            "date_avail is before date_sig in 1 of 800 rows: row 46 (6, 2015-01-02, 2015-01-01). "
            "What to do: Correct date_avail"
        ),
    ),
    (
        "duplicate_key",
        pd.concat([signal(), signal().iloc[[3, 4, 3]].assign(signal=9.5)]),
        3,
        (
            "The same security_id and date_sig occur again in 3 of 803 rows: 4, 2015-01-01 in rows 4, 801, 803; "
            "5, 2015-01-01 in rows 5, 802. What to do: Keep one row"
        ),
    ),
    (
        "infinite_signal",
        changed("signal", {5: np.inf, 0: -np.inf}),
        2,
        (
            "The signal is infinite in 2 of 800 rows: row 1 (1, 2015-01-01, -inf); row 6 (6, 2015-01-01, inf). "
            "What to do: Replace infinite values"
        ),
    ),
    (
        "all_signals_missing",
        signal().assign(signal=np.nan),
        800,
        (
            "No row is left. The signal is missing in 800 of 800 rows: 1, 2015-01-01; 1, 2015-01-02; 1, 2015-01-05; "
            "1, 2015-01-06; 1, 2015-01-07; and more. What to do: Check the step"
        ),
    ),
    (
        "no_common_security",
        signal().assign(security_id=signal()["security_id"] + 1000),
        800,
        (
            "No row is left. The file's ids are integers such as 1001, the snapshot's integers such as 1. The snapshot "
            "does not know the security in 800 of 800 rows: 1001, 2015-01-01; 1002, 2015-01-01; 1003, 2015-01-01; "
            "1004, 2015-01-01; 1005, 2015-01-01; and more. What to do: Use the ids of the snapshot"
        ),
    ),
    (
        "no_row_in_calendar",
        later(signal(), 7000),
        800,
        (
            "No row is left. date_avail is outside the calendar of the snapshot (2015-01-01 to 2015-12-16) in 800 of "
            "800 rows: 1, 2034-03-02, 2034-03-03; "
        ),
    ),
    (
        "no_usable_row",
        pd.concat([signal(10).assign(signal=None), later(signal(10), 7000)]),
        800,
        "No row is left of 800: missing_signal 400; outside_calendar 400. What to do: Look at the reasons",
    ),
]


@pytest.mark.parametrize(("code", "df", "count", "words"), ERROR_CASES, ids=[case[0] for case in ERROR_CASES])
def test_an_error_says_what_how_many_where_and_what_to_do(code: str, df: pd.DataFrame, count: int, words: str) -> None:
    result = validate(df)
    (error,) = result.errors
    assert (error.code, error.count) == (code, count)
    assert words in error.message
    assert ERRORS[code] in error.message
    assert len(error.examples) == min(count, 5) or code in ("duplicate_key", "no_usable_row")
    assert all(example in error.message for example in error.examples)


WARNING_CASES = [
    (
        "missing_signal",
        changed("signal", {5: None, 0: np.nan}),
        2,
        "The signal is missing in 2 of 800 rows, which are dropped: 1, 2015-01-01; 6, 2015-01-01. What to do: Nothing",
        2,
    ),
    (
        "unknown_security",
        changed("security_id", {5: 77, 45: 77, 46: 78}),
        3,
        (
            "The snapshot does not know the security in 3 of 800 rows, which are dropped: 77, 2015-01-01; "
            "78, 2015-01-02. What to do: Nothing"
        ),
        3,
    ),
    (
        "outside_calendar",
        pd.concat([signal(), later(signal(1), -30), later(signal(1), 400)]),
        80,
        (
            "date_avail is outside the calendar of the snapshot (2015-01-01 to 2015-12-16) in 80 of 880 rows, which "
            "are dropped: 1, 2014-12-02, 2014-12-03; 1, 2016-02-05, 2016-02-06; 2, "
        ),
        80,
    ),
    (
        "ignored_column",
        signal().assign(hour=8, close=1.0, version="1"),
        2,
        "Columns that the contract does not know are ignored: close; hour. What to do: Nothing, unless",
        0,
    ),
]


@pytest.mark.parametrize(("code", "df", "count", "words", "dropped"), WARNING_CASES, ids=[c[0] for c in WARNING_CASES])
def test_a_warning_says_what_was_dropped(code: str, df: pd.DataFrame, count: int, words: str, dropped: int) -> None:
    result = validate(df)
    (warning,) = result.warnings
    assert (warning.code, warning.count) == (code, count)
    assert words in warning.message
    assert WARNINGS[code] in warning.message
    assert sum(result.ledger.dropped.values()) == dropped
    assert set(result.ledger.dropped) == ({code} if dropped else set())


def test_every_breach_is_named_at_once_and_a_row_has_one_reason() -> None:
    df = signal().astype({"signal": object})
    df.loc[0, "signal"] = "x"
    df.loc[1, "date_sig"] = pd.NaT
    df.loc[[2, 3], "date_avail"] = pd.Timestamp("2014-12-31")
    df.loc[[3, 4], "signal"] = np.inf
    df.loc[[4, 5], "security_id"] = 1  # as row 0, and so is row 4, which is infinite besides
    df.loc[[6, 7], "signal"] = None
    df.loc[[7, 8], "security_id"] = [99, 98]
    result = validate(df)
    assert [error.code for error in result.errors] == [
        "bad_type",
        "missing_key",
        "avail_before_sig",
        "duplicate_key",
        "infinite_signal",
    ]
    assert [error.count for error in result.errors] == [1, 1, 2, 2, 2]
    assert {warning.code: warning.count for warning in result.warnings} == {
        "missing_signal": 2,
        "unknown_security": 2,
        "outside_calendar": 2,
    }
    assert result.ledger.dropped == {
        "bad_type": 1,
        "missing_key": 1,
        "avail_before_sig": 2,
        "duplicate_key": 2,
        "missing_signal": 2,
        "unknown_security": 1,
        "file_refused": 791,
    }


def test_a_missing_column_does_not_hide_the_other_breaches() -> None:
    df = pd.concat([changed("signal", {5: np.inf}), signal().iloc[[9]]]).drop(columns="date_avail")
    result = validate(df)
    assert [error.code for error in result.errors] == ["missing_column", "duplicate_key", "infinite_signal"]
    assert result.ledger.dropped == {"duplicate_key": 1, "infinite_signal": 1, "file_refused": 799}
    assert "avail_before_sig: date_avail is missing" in result.not_checked
    assert "outside_calendar: date_avail is missing" in result.not_checked


def test_a_missing_column_that_is_in_the_index_is_pointed_out() -> None:
    (error,) = validate(signal().set_index(["security_id", "date_sig"])).errors
    assert error.examples == ("security_id", "date_sig")
    assert "The index holds 'security_id', 'date_sig': call reset_index() first." in error.message


def test_a_column_without_a_usable_value_leaves_its_checks_undone() -> None:
    result = validate(signal().assign(date_avail=signal()["date_avail"].dt.tz_localize("UTC")))
    (error,) = result.errors
    assert (error.code, error.count) == ("bad_type", 800)
    assert "avail_before_sig: date_avail has no usable value" in result.not_checked
    assert "thin_day: no usable row" in result.not_checked


def test_checks_without_their_input_are_listed_as_not_done() -> None:
    result = validate_signal_df(signal())
    assert result.valid
    assert result.not_checked == (
        "unknown_security: no security_ids were given",
        "no_common_security: no security_ids were given",
        "outside_calendar: no calendar was given",
        "no_row_in_calendar: no calendar was given",
        "gap_exceeds_carry: no calendar was given",
    )


@pytest.mark.parametrize("df", [signal(0), pl.from_pandas(signal(0))], ids=["pandas", "polars"])
def test_a_file_without_rows_is_refused(df: pd.DataFrame | pl.DataFrame) -> None:
    result = validate(df)
    assert [error.code for error in result.errors] == ["no_usable_row"]
    assert "No row is left of 0: no rows" in result.errors[0].message


@pytest.mark.parametrize(
    ("ids", "known", "words"),
    [
        pytest.param(str, IDS, "file's ids are text such as '1', the snapshot's integers such as 1", id="text"),
        pytest.param(
            lambda i: i,
            [str(i) for i in IDS],
            "ids are integers such as 1, the snapshot's text such as '1'",
            id="integers",
        ),
    ],
)
def test_ids_of_the_other_type_are_an_error_with_a_hint(ids: Any, known: Any, words: str) -> None:
    df = signal().assign(security_id=signal()["security_id"].map(ids))
    (error,) = validate(df, security_ids=known).errors
    assert error.code == "no_common_security"
    assert words in error.message
    assert "save text ids as parquet" in error.message


def test_the_calendar_and_the_ids_can_come_in_any_shape() -> None:
    expected = validate(signal()).clean
    days = pd.DatetimeIndex(CALENDAR)
    calendars = [list(CALENDAR), pd.Series(days), days, pl.Series(CALENDAR), [d.date() for d in days], set(days)]
    calendars += [pd.DataFrame({"date": days}), pl.DataFrame({"date": CALENDAR[::-1]})]
    for calendar in calendars:
        assert_frame_equal(validate(signal(), calendar=calendar).clean, expected)
    for ids in (list(IDS), set(IDS.tolist()), pd.Series(IDS), pl.Series(IDS), IDS.astype("int32"), pd.Index(IDS)):
        assert_frame_equal(validate(signal(), security_ids=ids).clean, expected)


@pytest.mark.parametrize(
    ("df", "arguments", "words"),
    [
        ([1, 2], {}, "a pandas or Polars DataFrame, not list"),
        (signal(), {"calendar": ["today"]}, "calendar holds something that is not a day"),
        (signal(), {"security_ids": [1, "a"]}, "security ids of the snapshot must be whole numbers, or text"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused(df: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        validate_signal_df(df, **arguments)


def test_the_hour_is_kept_where_the_file_has_it() -> None:
    clean = validate(signal().assign(avail_hour=[np.nan, *[7] * 799])).clean
    assert clean.columns == ["security_id", "date_sig", "date_avail", "signal", "avail_hour"]
    assert clean.schema["avail_hour"] == pl.Float64
    assert clean["avail_hour"].null_count() == 1


def test_pandas_and_polars_give_the_same() -> None:
    for df in (signal(), changed("signal", {3: None}), changed("date_sig", {3: None})):
        one, two = validate(df), validate(pl.from_pandas(df))
        assert (one.errors, one.warnings, one.ledger) == (two.errors, two.warnings, two.ledger)
        assert_frame_equal(one.clean, two.clean)


def test_every_code_has_a_test_and_a_row_in_the_document() -> None:
    errors, warnings = DOCUMENT.read_text().split("## Errors\n")[1].split("## Warnings\n")
    assert re.findall(r"^\| `(\w+)` \|", errors, re.M) == list(ERRORS)
    assert re.findall(r"^\| `(\w+)` \|", warnings.split("\n## ")[0], re.M) == list(WARNINGS)
    assert {case[0] for case in ERROR_CASES} == set(ERRORS)


def test_the_broken_real_files_are_refused_with_every_breach_named(real_data: Path) -> None:
    days = pd.read_parquet(real_data / "trading_date.parquet")
    ids = pl.read_csv(real_data / "securities.csv")["security_id"]
    bad = validate(read_signal_file(real_data / "signals" / "bad_signal.csv"), calendar=days, security_ids=ids)
    assert {finding.code: finding.count for finding in bad.errors} == {
        "avail_before_sig": 4,
        "duplicate_key": 5,
        "infinite_signal": 3,
    }
    assert {finding.code: finding.count for finding in bad.warnings} == {"missing_signal": 6, "unknown_security": 7}
    lacking = validate(
        read_signal_file(real_data / "signals" / "bad_missing_column.csv"), calendar=days, security_ids=ids
    )
    (error,) = lacking.errors
    assert error.examples == ("date_avail",)
    assert "columns found are 'security_id', 'date_sig', 'signal'" in error.message
