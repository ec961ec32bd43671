from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poc.data.tables import find_source_file, make_cap, read_table
from poc.errors import SnapshotError

Frames = dict[str, pl.DataFrame]
SaveSource = Callable[[Mapping[str, pl.DataFrame]], Path]
DAY = date(2020, 1, 6)


def read(frame: pl.DataFrame, name: str, folder: Path) -> pl.DataFrame:
    frame.write_parquet(folder / f"{name}.parquet")
    table = read_table(folder / f"{name}.parquet", name)
    assert table.problems == ()
    return table.frame


def test_rows_are_sorted_by_date_and_security_and_keys_come_first(source_frames: Frames, tmp_path: Path) -> None:
    shuffled = source_frames["ret"].sample(fraction=1, shuffle=True, seed=1).select("ret", "date", "adv", "security_id")
    found = read(shuffled, "ret", tmp_path)
    assert found.columns == ["security_id", "date", "ret", "adv"]
    assert found.equals(source_frames["ret"].cast({"ret": pl.Float32, "adv": pl.Float32}))


def test_aliases_get_the_name_of_the_contract(source_frames: Frames, tmp_path: Path) -> None:
    ret = source_frames["ret"].rename({"date": "as_of_date"}).with_columns(close_adj=pl.lit(5.0))
    assert read(ret, "ret", tmp_path).columns == ["security_id", "date", "ret", "adv", "close"]


def test_a_column_under_two_names_is_refused(source_frames: Frames, tmp_path: Path) -> None:
    ret = source_frames["ret"].with_columns(close_adj=pl.lit(5.0), close=pl.lit(5.0))
    with pytest.raises(SnapshotError, match="holds both `close_adj` and `close`, two names of one column"):
        read(ret, "ret", tmp_path)


def test_the_calendar_is_numbered_and_keeps_its_order(tmp_path: Path) -> None:
    days = pl.DataFrame({"date": [date(2020, 1, 7), DAY]})
    assert read(days, "trading_date", tmp_path).to_dict(as_series=False) == {
        "date": [date(2020, 1, 7), DAY],
        "n": [1, 2],
    }


def test_a_given_n_is_kept(tmp_path: Path) -> None:
    days = pl.DataFrame({"n": [7, 8], "date": [DAY, date(2020, 1, 7)]})
    assert read(days, "trading_date", tmp_path)["n"].to_list() == [7, 8]


def test_cap_is_made_only_where_it_is_absent(source_frames: Frames, tmp_path: Path) -> None:
    assert read(source_frames["risk"], "risk", tmp_path)["cap"].to_list()[:4] == [3, 2, 1, 1]
    given = source_frames["risk"].with_columns(cap=pl.lit(2))
    assert set(read(given, "risk", tmp_path)["cap"]) == {2}


def test_columns_without_a_use_are_left_out_and_named(source_frames: Frames, tmp_path: Path) -> None:
    risk = source_frames["risk"].with_columns(listed=pl.lit(date(1990, 1, 2)), vol=pl.lit(0.1), own_style=pl.lit(7))
    risk.write_parquet(tmp_path / "risk.parquet")
    table = read_table(tmp_path / "risk.parquet", "risk")
    assert table.left_out == ("listed", "vol")
    assert table.frame.schema["own_style"] == pl.Float32


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_text_beside_the_exposures_is_kept(dtype: type[pl.DataType], source_frames: Frames, tmp_path: Path) -> None:
    country = source_frames["risk"].with_columns(country=pl.lit("AU", dtype=dtype))
    assert read(country, "risk", tmp_path)["country"].to_list() == ["AU"] * len(country)


def test_an_index_that_pandas_wrote_is_no_exposure(source_frames: Frames, tmp_path: Path) -> None:
    risk = source_frames["risk"].to_pandas()
    risk.index = pd.Index(np.arange(len(risk)) + 5)
    risk.to_parquet(tmp_path / "risk.parquet")
    table = read_table(tmp_path / "risk.parquet", "risk")
    assert table.frame.columns == ["security_id", "date", "industry_id", "mcap", "size", "cap"]
    assert table.left_out == ()


def test_every_missing_column_and_every_wrong_type_is_named_at_once(tmp_path: Path) -> None:
    pl.DataFrame({"security_id": [1.5], "industry_id": ["Energy"]}).write_parquet(tmp_path / "risk.parquet")
    problems = "\n".join(read_table(tmp_path / "risk.parquet", "risk").problems)
    for words in ("`date` is missing", "`mcap` is missing", "`security_id` is Float64", "`industry_id` is String"):
        assert f"risk.parquet: {words}" in problems.replace("the column ", "")


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ret.parquet").write_text("no")
    with pytest.raises(SnapshotError, match=r"ret\.parquet cannot be read"):
        read_table(tmp_path / "ret.parquet", "ret")


def test_a_file_with_a_damaged_page_is_refused(source_frames: Frames, tmp_path: Path) -> None:
    path = tmp_path / "ret.parquet"
    source_frames["ret"].write_parquet(path)
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    with pytest.raises(SnapshotError, match=r"ret\.parquet cannot be read"):
        read_table(path, "ret")


def test_parquet_goes_before_pickle_and_descriptor_or_universe_is_found(tmp_path: Path) -> None:
    assert find_source_file(tmp_path, "universe") is None
    for name in ("ret.pkl", "ret.parquet", "trading_date.pkl", "universe.parquet"):
        (tmp_path / name).touch()
    assert find_source_file(tmp_path, "ret") == tmp_path / "ret.parquet"
    assert find_source_file(tmp_path, "trading_date") == tmp_path / "trading_date.pkl"
    assert find_source_file(tmp_path, "universe") == tmp_path / "universe.parquet"


def test_two_universe_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "descriptor.parquet").touch()
    (tmp_path / "universe.parquet").touch()
    with pytest.raises(SnapshotError, match=r"holds both descriptor\.parquet and universe\.parquet"):
        find_source_file(tmp_path, "universe")


def test_a_pickle_is_not_opened_unless_it_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "trading_date.pkl").write_bytes(b"would fail if it were opened")
    with pytest.raises(SnapshotError, match=r"can run any code.*trading_date\.parquet, or say trust_pickle=True"):
        read_table(tmp_path / "trading_date.pkl", "trading_date")


def test_a_broken_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trading_date.pkl").write_bytes(b"no pickle")
    with pytest.warns(UserWarning, match="can run code"), pytest.raises(SnapshotError, match="cannot be read"):
        read_table(tmp_path / "trading_date.pkl", "trading_date", trust_pickle=True)


def test_a_pickle_of_something_else_is_refused(tmp_path: Path) -> None:
    pd.Series([1, 2]).to_pickle(tmp_path / "trading_date.pkl")
    with pytest.warns(UserWarning, match="can run code"), pytest.raises(SnapshotError, match="holds a Series; allowed"):
        read_table(tmp_path / "trading_date.pkl", "trading_date", trust_pickle=True)


def test_the_index_of_a_trusted_pickle_is_a_column_where_it_has_a_name(source_frames: Frames, tmp_path: Path) -> None:
    ret = source_frames["ret"].to_pandas()
    ret.set_index(["date", "security_id"]).to_pickle(tmp_path / "ret.pkl")
    with pytest.warns(UserWarning, match=r"Reading the pickle .*ret\.pkl, which can run code"):
        found = read_table(tmp_path / "ret.pkl", "ret", trust_pickle=True).frame
    assert found.equals(read(source_frames["ret"], "ret", tmp_path))


def slow_cap(mcap: Mapping[int, float | None]) -> dict[int, int | None]:
    """The definition of `cap` for one day, name by name."""
    known = sorted((-value, name) for name, value in mcap.items() if value is not None)
    total = sum(-value for value, _ in known)
    before = 0.0
    cap: dict[int, int | None] = dict.fromkeys(mcap)
    for value, name in known:
        cap[name] = 1 if before < 0.7 * total else 2 if before < 0.9 * total else 3
        before -= value
    return cap


def test_cap_follows_the_share_of_capitalisation_before_the_name() -> None:
    rng = np.random.default_rng(3)
    days = [date(2020, 1, day) for day in range(6, 16)]
    risk = pl.DataFrame(
        {"security_id": [i for _ in days for i in range(40)], "date": [day for day in days for _ in range(40)]}
    ).with_columns(mcap=pl.Series(np.round(rng.lognormal(0, 1.5, 400), 1), dtype=pl.Float32))
    risk = risk.with_columns(mcap=pl.when(pl.col("security_id") % 7 > 0).then("mcap"))
    found = risk.with_columns(make_cap(risk))
    for _, one_day in found.group_by("date"):
        expected = slow_cap(dict(zip(one_day["security_id"], one_day["mcap"], strict=True)))
        assert dict(zip(one_day["security_id"], one_day["cap"], strict=True)) == expected


def test_equal_capitalisations_are_ranked_by_security() -> None:
    risk = pl.DataFrame({"security_id": [4, 3, 2, 1], "date": [DAY] * 4, "mcap": [25.0] * 4})
    assert make_cap(risk).to_list() == [2, 1, 1, 1]


def test_a_missing_capitalisation_has_no_bucket() -> None:
    risk = pl.DataFrame({"security_id": [1, 2], "date": [DAY] * 2, "mcap": [None, 1.0]})
    assert make_cap(risk).to_list() == [None, 1]


def test_real_buckets_are_the_same_as_those_made_from_mcap(real_data: Path) -> None:
    risk = read_table(real_data / "risk.parquet", "risk").frame
    assert make_cap(risk).equals(risk["cap"])
