import polars as pl
import pytest

from poc.data.limits import find_limits

Frames = dict[str, pl.DataFrame]


def limits(frames: Frames, **changes: pl.DataFrame) -> str:
    return "\n".join(find_limits(frames | changes, synthetic=False))


@pytest.fixture
def whole(source_frames: Frames) -> Frames:
    """Tables without a limit."""
    leaves = pl.col("date").rank("ordinal", descending=True).over("security_id") == 1
    early = pl.col("date") < pl.col("date").max()
    ret = source_frames["ret"].with_columns(
        openret=0.0, resret=0.0, delist_ret=pl.when(leaves & early).then(pl.lit(-0.5))
    )
    return {
        "ret": ret,
        "risk": source_frames["risk"],
        "trading_date": source_frames["trading_date"].with_columns(insample=1),
        "universe": source_frames["risk"].select("security_id", "date", universe_flag=pl.lit(1)),
    }


def test_whole_data_have_no_limit(whole: Frames) -> None:
    assert limits(whole) == ""


def test_a_synthetic_market_is_said_first(whole: Frames) -> None:
    assert find_limits(whole, synthetic=True)[0].startswith("The market is synthetic: nothing here is evidence")


def test_a_panel_of_survivors_is_said(whole: Frames) -> None:
    survivors = whole["ret"].filter(pl.col("security_id") < 4).drop("delist_ret")
    assert limits(whole, ret=survivors) == (
        "Survivorship: none of the 3 securities ends before the last 20 trading days, and there is no delisting return "
        "(`delist_ret`). The panel holds survivors only, so returns are overstated."
    )


def test_endings_without_a_delisting_return_are_said(whole: Frames) -> None:
    assert limits(whole, ret=whole["ret"].drop("delist_ret")).startswith(
        "There is no delisting return (`delist_ret`): 1 of 4 securities end before the last 20 trading days"
    )


def test_a_security_that_ends_within_the_last_20_days_has_not_ended(whole: Frames) -> None:
    days = whole["trading_date"]["date"]
    ret = whole["ret"].filter(pl.col("security_id") < 4).drop("delist_ret")
    ends_at = {row: ret.filter((pl.col("security_id") > 1) | (pl.col("date") <= days[row])) for row in (-21, -20)}
    assert "1 of 3 securities end" in limits(whole, ret=ends_at[-21])
    assert "none of the 3 securities ends" in limits(whole, ret=ends_at[-20])


def test_a_delisting_return_that_is_always_missing_is_none(whole: Frames) -> None:
    empty = whole["ret"].with_columns(delist_ret=pl.lit(None, dtype=pl.Float32))
    assert "There is no delisting return" in limits(whole, ret=empty)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("openret", "There is no `openret`: nothing can be traded at the open."),
        ("resret", "There is no `resret`: residual returns are not shown."),
        ("adv", "There is no `adv`: no volume weights, no market impact, no capacity."),
    ],
)
def test_a_missing_column_is_said(whole: Frames, column: str, words: str) -> None:
    assert limits(whole, ret=whole["ret"].drop(column)) == words


def test_adv_of_the_risk_table_is_enough(whole: Frames) -> None:
    assert limits(whole, ret=whole["ret"].drop("adv"), risk=whole["risk"].with_columns(adv=1e6)) == ""


def test_a_missing_universe_and_sample_are_said(whole: Frames) -> None:
    universe = whole.pop("universe")
    assert limits(whole) == "There is no universe table: every security with a row on a day counts as investable."
    calendar = whole["trading_date"].drop("insample")
    assert limits(whole, universe=universe, trading_date=calendar).startswith("There is no `insample`")


def test_missing_values_and_rows_are_counted(whole: Frames) -> None:
    first = pl.int_range(pl.len()) == 0
    ret = whole["ret"].with_columns(ret=pl.when(~first).then("ret"))
    risk = whole["risk"].filter(~first).with_columns(mcap=pl.when(~first).then("mcap"))
    days = whole["trading_date"]
    longer = pl.concat([days, days.tail(1).with_columns(date=pl.col("date").dt.offset_by("3d"))])
    found = limits(whole, ret=ret, risk=risk, trading_date=longer).splitlines()
    assert found == [
        "`ret` is missing in 1 of 94 rows (1.06%).",
        "`mcap` is missing in 1.1% of the `risk` rows: no size bucket, no value weight.",
        "1 of 94 `ret` rows (1.06%) have no `risk` row of the same day.",
        "1 of 31 trading days have no row in `ret`.",
    ]
