from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from poc.contract.findings import WARNINGS, Finding
from poc.contract.schema import validate_signal_df

CALENDAR = np.busday_offset("2015-01-01", np.arange(250), roll="forward")


def signal(every: int = 1, days: int = 20, names: int = 40) -> pd.DataFrame:
    """A signal on each nth trading day, known on the next one."""
    index = np.arange(0, days * every, every)
    return pd.DataFrame(
        {
            "security_id": np.tile(np.arange(1, names + 1), days),
            "date_sig": np.repeat(CALENDAR[index], names),
            "date_avail": np.repeat(CALENDAR[index + 1], names),
            "signal": np.random.default_rng(1).standard_normal(days * names),
        }
    )


def warnings(df: pd.DataFrame, **arguments: Any) -> tuple[Finding, ...]:
    result = validate_signal_df(df, **{"calendar": CALENDAR, **arguments})
    assert result.valid
    assert result.ledger.rows_used == len(df)
    assert all(WARNINGS[warning.code] in warning.message for warning in result.warnings)
    return result.warnings


def only(df: pd.DataFrame, **arguments: Any) -> Finding:
    (warning,) = warnings(df, **arguments)
    return warning


def on_days(df: pd.DataFrame, days: int) -> NDArray[np.bool_]:
    """Which rows are of the first days."""
    early: NDArray[np.bool_] = df["date_sig"].to_numpy() < CALENDAR[days]
    return early


def test_without_these_checks_all_else_is_the_same() -> None:
    df = signal()
    df.loc[on_days(df, 6), "signal"] = 1.0
    df.loc[500, "signal"] = np.nan
    whole, part = (validate_signal_df(df, calendar=CALENDAR, together=together) for together in (True, False))
    assert [finding.code for finding in whole.warnings] == ["missing_signal", "constant_day"]
    assert part.warnings == whole.warnings[:1]
    assert "constant_day: not asked for" in part.not_checked
    assert (part.errors, part.ledger) == (whole.errors, whole.ledger)
    assert_frame_equal(part.rows, whole.rows)


def test_constant_days() -> None:
    df = signal()
    df.loc[on_days(df, 6), "signal"] = 1.0
    warning = only(df)
    assert (warning.code, warning.count) == ("constant_day", 6)
    assert (
        "All names have the same signal on 6 of 20 days in date_sig: 2015-01-01 (40 names, values: 1); "
        in warning.message
    )
    assert warning.message.count("2015-01-") == len(warning.examples) == 5
    assert "; and more. What to do: Leave these days out" in warning.message


@pytest.mark.parametrize(("values", "tied"), [(19, True), (20, False)])
def test_heavy_ties_are_fewer_than_half_as_many_values_as_names(values: int, tied: bool) -> None:
    df = signal()
    df.loc[on_days(df, 2), "signal"] = df["security_id"] % values
    found = warnings(df)
    assert [warning.code for warning in found] == ["heavy_ties"] * tied
    for warning in found:
        assert "fewer than half as many values as names on 2 of 20 days in date_sig" in warning.message
        assert warning.examples == ("2015-01-01 (40 names, values: 19)", "2015-01-02 (40 names, values: 19)")


def test_a_day_with_one_name_is_neither_constant_nor_tied() -> None:
    assert warnings(signal(names=1), mincos=0) == ()


def test_extreme_values() -> None:
    df = signal()
    df.loc[[3, 44], "signal"] = [-1000.0, 1e6]
    warning = only(df)
    assert (warning.code, warning.count) == ("extreme_values", 2)
    assert "further than 20 interquartile ranges from the median of the file" in warning.message
    assert warning.examples == ("4, 2015-01-01, -1000", "5, 2015-01-02, 1e+06")


@pytest.mark.parametrize(("value", "found"), [(41.0, 0), (41.1, 1), (-39.0, 0), (-39.1, 1)])
def test_extreme_means_beyond_twenty_interquartile_ranges(value: float, found: int) -> None:
    df = signal(days=4, names=50).assign(signal=np.repeat([0.0, 1.0, 2.0], [70, 60, 70]))
    df.loc[0, "signal"] = value  # the quartiles stay 0 and 2, the median 1
    codes = [warning.code for warning in warnings(df)]
    assert codes.count("extreme_values") == found


def test_thin_days() -> None:
    df = signal()
    df = df[~on_days(df, 3) | (df["security_id"] <= 29)]
    warning = only(df)
    assert (warning.code, warning.count) == ("thin_day", 3)
    assert "Fewer than 30 names (3 x mincos) have a signal on 3 of 20 days: " in warning.message
    assert warning.examples == ("2015-01-02 (29)", "2015-01-05 (29)", "2015-01-06 (29)")  # the days of the book
    assert warnings(df, mincos=9) == ()
    assert only(df, calendar=None).examples == ("2015-01-01 (29)", "2015-01-02 (29)", "2015-01-05 (29)")


def test_live_names_are_counted_with_the_rows_that_are_carried() -> None:
    """Half of the names on even days, half on odd ones: only carried for two days do they make a full book."""
    df = signal(days=21)
    df = df[(df["security_id"] % 2 == 0) == (np.repeat(np.arange(21), 40) % 2 == 0)]
    thin = next(warning for warning in warnings(df, carry_days=1) if warning.code == "thin_day")
    assert thin.count == 21
    assert "on 21 of 21 days: 2015-01-02 (20); 2015-01-05 (20);" in thin.message
    assert only(df, carry_days=2).examples == ("2015-01-02 (20)",)  # before the odd half begins


@pytest.mark.parametrize("every", [1, 5, 21])
def test_a_regular_file_has_no_gap_longer_than_its_default_carry(every: int) -> None:
    assert warnings(signal(every=every, days=10)) == ()


def test_gaps_longer_than_carry_days() -> None:
    df = signal(every=5, days=10)
    found = warnings(df, carry_days=4)
    assert [warning.code for warning in found] == ["gap_exceeds_carry", "thin_day"]
    gap, thin = found
    assert gap.count == 40
    assert (
        "The median gap between the rows of a security is longer than carry_days=4 trading days for 40 of 40 "
        "securities, which have no signal in between: 1 (median gap 5); 2 (median gap 5);"
    ) in gap.message
    assert thin.count == 9  # the one day before each but the first book
    assert warnings(df, carry_days=5) == ()


def test_gaps_are_counted_by_security() -> None:
    df = signal(days=21)
    df = df[(df["security_id"] <= 38) | (np.repeat(np.arange(21), 40) % 10 == 0)]
    warning = only(df)
    assert (warning.code, warning.count) == ("gap_exceeds_carry", 2)
    assert warning.examples == ("39 (median gap 10)", "40 (median gap 10)")


def test_rows_that_become_known_late_or_out_of_order_are_placed_where_they_form() -> None:
    df = signal(names=39)
    df.loc[df["security_id"] == 1, "date_avail"] = CALENDAR[20]  # every row of one name at once, on the last day
    warning = only(df, mincos=13)
    assert (warning.code, warning.count) == ("thin_day", 19)
    assert warning.examples[0] == "2015-01-02 (38)"


def test_no_row_formed_in_the_calendar_leaves_the_timeline_undone() -> None:
    df = signal(days=1).assign(date_avail=CALENDAR[-1], avail_hour=20)
    result = validate_signal_df(df, calendar=CALENDAR)
    assert result.warnings == ()
    assert "gap_exceeds_carry: no row is formed inside the calendar" in result.not_checked
    assert "thin_day: no row is formed inside the calendar" in result.not_checked


def test_rows_too_late_for_the_last_day_are_left_out_of_the_timeline() -> None:
    df = pd.concat(
        [signal(), signal(days=1).assign(date_sig=CALENDAR[-1] - timedelta(1), date_avail=CALENDAR[-1], avail_hour=20)]
    )
    assert warnings(df) == ()
