from datetime import date, timedelta

import polars as pl
import pytest

from poc.data.checks import find_breaches

Frames = dict[str, pl.DataFrame]
FIRST_ROW = pl.int_range(pl.len()) == 0


@pytest.fixture
def frames(source_frames: Frames) -> Frames:
    """Tables that hold every column with a rule."""
    ret = source_frames["ret"].with_columns(openret=0.0, delist_ret=-1.0, vol=0.01, close=10.0)
    risk = source_frames["risk"].with_columns(cap=1, adv=1e6)
    calendar = source_frames["trading_date"].with_columns(n=pl.int_range(1, 31), insample=1, insample2=0)
    universe = source_frames["risk"].select("security_id", "date", universe_flag=pl.lit(1))
    return {"ret": ret, "risk": risk, "trading_date": calendar, "universe": universe}


def breaches(frames: Frames, max_return: float = 10.0) -> list[str]:
    return find_breaches(frames, max_return=max_return)


def spoil(frames: Frames, table: str, column: str, value: object) -> Frames:
    """The tables with another value in the first row of a column."""
    spoilt = pl.when(FIRST_ROW).then(pl.lit(value)).otherwise(column).alias(column)
    return frames | {table: frames[table].with_columns(spoilt)}


def test_good_tables_have_no_breach(frames: Frames) -> None:
    assert breaches(frames) == []


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        ("ret", "ret", -1.01, "ret: `ret` is below -1, a loss of more than everything, in 1 rows; the first: "),
        ("ret", "openret", -2.0, "`openret` is below -1"),
        ("ret", "delist_ret", -1.5, "`delist_ret` is below -1"),
        ("ret", "ret", 10.5, "security_id 1 date 2020-01-06 ret 10.5. Returns are fractions, not percent; if "),
        ("ret", "delist_ret", 11.0, "`delist_ret` is above 10 (+1000%) in one day in 1 rows"),
        ("ret", "adv", -1.0, "ret: `adv` is negative in 1 rows"),
        ("ret", "vol", -0.1, "ret: `vol` is negative"),
        ("ret", "close", -5.0, "ret: `close` is negative"),
        ("risk", "mcap", -1e9, "risk: `mcap` is negative"),
        ("risk", "adv", -1e6, "risk: `adv` is negative"),
        ("risk", "cap", 0, "risk: `cap` is none of 1, 2, 3 in 1 rows"),
        ("risk", "cap", 4, "risk: `cap` is none of 1, 2, 3"),
        ("universe", "universe_flag", 2, "universe: `universe_flag` is none of 0, 1"),
        ("trading_date", "insample", -1, "`insample` is none of 0, 1 in 1 rows; the first: date 2020-01-06 insample"),
        ("trading_date", "insample2", None, "trading_date: `insample2` is none of 0, 1"),
        ("trading_date", "n", 2, "trading_date: `n` does not count 1, 2, 3 ... without a gap"),
        ("trading_date", "n", None, "trading_date: `n` does not count 1, 2, 3 ... without a gap"),
        ("ret", "date", None, "ret: `date` is missing in 1 rows. Every row needs its keys."),
        ("risk", "security_id", None, "risk: `security_id` is missing in 1 rows"),
        ("trading_date", "date", None, "trading_date: `date` is missing in 1 rows"),
    ],
    ids=lambda value: str(value)[:25],
)  # fmt: skip
def test_an_impossible_value_is_named(frames: Frames, table: str, column: str, value: object, words: str) -> None:
    found = breaches(spoil(frames, table, column, value))
    assert any(words in breach for breach in found), found


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("ret", "ret", -1.0),
        ("ret", "ret", 10.0),
        ("ret", "adv", 0.0),
        ("ret", "ret", None),
        ("risk", "mcap", None),
        ("risk", "cap", None),
        ("universe", "universe_flag", None),
    ],
    ids=str,
)
def test_a_value_at_the_edge_is_allowed(frames: Frames, table: str, column: str, value: object) -> None:
    assert breaches(spoil(frames, table, column, value)) == []


def test_a_residual_return_may_lie_below_minus_one(frames: Frames) -> None:
    assert breaches(frames | {"ret": frames["ret"].with_columns(resret=-1.05)}) == []


def test_a_larger_max_return_lets_a_jump_pass(frames: Frames) -> None:
    assert breaches(spoil(frames, "ret", "ret", 12.0), max_return=15) == []


def test_duplicate_keys_are_counted_and_the_first_five_shown(frames: Frames) -> None:
    doubled = pl.concat([frames["ret"], frames["ret"].head(7)]).sort("date", "security_id")
    (found,) = breaches(frames | {"ret": doubled})
    assert found.startswith("ret: 7 rows repeat a (security_id, date); the first: security_id 1 date 2020-01-06; ")
    assert found.count("security_id 1 ") + found.count("security_id 2 ") == 3
    assert found.count(";") == 5


def test_an_unsorted_calendar_is_named(frames: Frames) -> None:
    calendar = frames["trading_date"].drop("n").reverse()
    (found,) = breaches(frames | {"trading_date": calendar})
    assert found.startswith("trading_date: 29 times a day is before the day above it; the first: 2020-02-13, ")


def test_a_day_that_stands_twice_is_named(frames: Frames) -> None:
    days = frames["trading_date"].drop("n")
    (found,) = breaches(frames | {"trading_date": pl.concat([days.head(1), days])})
    assert found == "trading_date: 1 times a day stands twice; the first: 2020-01-06. Sort the days."


@pytest.mark.parametrize("table", ["ret", "risk", "universe"])
def test_rows_outside_the_calendar_are_named(frames: Frames, table: str) -> None:
    later = frames[table].with_columns(date=pl.col("date") + timedelta(days=14))
    (found,) = breaches(frames | {table: later})
    assert found.startswith(
        f"{table}: 30 rows are dated on no trading day of the calendar (2020-01-06 to 2020-02-14); "
    )
    assert "the first: security_id 1 date 2020-02-17;" in found


def test_a_row_on_a_weekend_is_outside_the_calendar(frames: Frames) -> None:
    (found,) = breaches(spoil(frames, "risk", "date", date(2020, 1, 11)))
    assert found.startswith("risk: 1 rows are dated on no trading day")


def test_ids_of_another_type_are_named(frames: Frames) -> None:
    (found,) = breaches(frames | {"risk": frames["risk"].cast({"security_id": pl.String})})
    assert found == (
        "`security_id` is not of one type in all tables: Int64 in ret, String in risk, Int64 in universe. "
        "Save it in one type."
    )


@pytest.mark.parametrize("table", ["ret", "risk", "trading_date", "universe"])
def test_an_empty_table_is_named(frames: Frames, table: str) -> None:
    assert f"{table}: the table has no rows." in breaches(frames | {table: frames[table].clear()})


def test_all_breaches_are_named_at_once(frames: Frames) -> None:
    spoilt = spoil(spoil(spoil(frames, "ret", "ret", -2.0), "risk", "cap", 9), "universe", "universe_flag", 5)
    assert len(breaches(spoilt)) == 3


def test_columns_that_could_not_be_read_are_passed_over(frames: Frames) -> None:
    assert breaches({name: frame.select() for name, frame in frames.items()}) == [
        f"{name}: the table has no rows." for name in frames
    ]
