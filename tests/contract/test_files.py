import pickle
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from poc.contract.files import convert_pickle, read_signal_file, signal_hash
from poc.contract.schema import validate_signal_df
from poc.errors import ContractError

HEAD = "security_id,date_sig,date_avail,signal\n"


def signal(ids: list[Any] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "security_id": ids or [3, 1, 2],
            "date_sig": [date(2015, 1, 5), date(2015, 1, 5), date(2015, 1, 6)],
            "date_avail": [date(2015, 1, 6), date(2015, 1, 6), date(2015, 1, 7)],
            "signal": [0.1, -2.5, 1e-9],
        }
    )


def write(text: str, path: Path) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".feather", ".arrow", ".ipc", ".PARQUET"])
def test_every_kind_of_file_gives_the_same_frame(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"signal{suffix}"
    match suffix.lower():
        case ".csv":
            signal().write_csv(path)
        case ".parquet":
            signal().write_parquet(path)
        case _:
            signal().write_ipc(path)
    assert_frame_equal(read_signal_file(path), signal())
    assert_frame_equal(read_signal_file(str(path)), signal())


def test_files_written_by_pandas_are_read(tmp_path: Path) -> None:
    df = signal().to_pandas()
    df.to_parquet(tmp_path / "a.parquet")
    df.to_feather(tmp_path / "a.feather")
    df.to_csv(tmp_path / "a.csv", index=False)
    expected = validate_signal_df(df).clean
    for name in ("a.parquet", "a.feather", "a.csv"):
        assert_frame_equal(validate_signal_df(read_signal_file(tmp_path / name)).clean, expected)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param(["1", "-20", "0"], [1, -20, 0], id="integers"),
        pytest.param(["1", "", "3"], [1, None, 3], id="integers, one missing"),
        pytest.param(["00123", "7", "8"], ["00123", "7", "8"], id="a leading zero: text"),
        pytest.param(["1", "B2", "3"], ["1", "B2", "3"], id="letters: text"),
        pytest.param(["1.0", "2.0", "3.0"], ["1.0", "2.0", "3.0"], id="points: text"),
        pytest.param(["1", "2", "99999999999999999999"], ["1", "2", "99999999999999999999"], id="too long: text"),
    ],
)
def test_csv_ids_are_integers_or_text_as_written(ids: list[str], expected: list[Any], tmp_path: Path) -> None:
    path = write(HEAD + "".join(f"{i},2015-01-05,2015-01-06,1\n" for i in ids), tmp_path / "a.csv")
    assert read_signal_file(path)["security_id"].to_list() == expected


def test_csv_columns_get_their_types_where_every_value_has_it(tmp_path: Path) -> None:
    text = (
        "﻿security_id,date_sig,date_avail,signal,avail_hour,note\n"
        "1,2015-01-05,2015-01-06 00:00:00,1,,7\n"
        "2,2015-01-05,2015-01-06T00:00:00,inf,8.5,\n"
    )
    frame = read_signal_file(write(text, tmp_path / "a.csv"))
    assert frame.schema == {
        "security_id": pl.Int64,
        "date_sig": pl.Date,
        "date_avail": pl.Date,
        "signal": pl.Float64,
        "avail_hour": pl.Float64,
        "note": pl.String,
    }
    assert frame["signal"].to_list() == [1.0, float("inf")]
    assert frame["avail_hour"].to_list() == [None, 8.5]


def test_csv_values_that_have_no_type_are_left_for_the_check_to_name(tmp_path: Path) -> None:
    text = HEAD + "1,2015-01-05,2015-01-06,1\n2,05/01/2015,2015-01-06,1\n3,2015-01-05,2015-01-06,high\n"
    frame = read_signal_file(write(text, tmp_path / "a.csv"))
    assert frame["date_avail"].dtype == pl.Date
    assert frame.select("date_sig", "signal").dtypes == [pl.String, pl.String]
    dates, numbers = validate_signal_df(frame).errors
    assert dates.examples == ("row 2 ('05/01/2015')",)
    assert "date_sig must hold days, such as 2015-12-31, without time of day" in dates.message
    assert numbers.examples == ("row 3 ('high')",)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pkl", b"", "is a pickle.*poc convert .*a.pkl --trust-pickle"),
        ("a.xlsx", b"", r"not a kind of file that is read. Save the signal as \.parquet, \.csv or \.feather"),
        ("a", b"", "not a kind of file that is read"),
        ("a.parquet", None, "There is no file .*a.parquet. Check the name"),
        ("a.parquet", b"not parquet", r"a.parquet cannot be read as \.parquet: .* Write the file again"),
        ("a.feather", b"not feather", r"a.feather cannot be read as \.feather"),
        ("a.csv", b"", r"a.csv cannot be read as \.csv"),
        ("a.csv", b"a,b\n1,2,3\n", r"a.csv cannot be read as \.csv"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ContractError, match=re.compile(words, re.DOTALL)):
        read_signal_file(path)


@pytest.mark.parametrize("index", [[], ["security_id", "date_sig"]])
def test_a_trusted_pickle_becomes_parquet_once(index: list[str], tmp_path: Path) -> None:
    df = signal().to_pandas()
    (df.set_index(index) if index else df).to_pickle(tmp_path / "old.pkl")
    out = convert_pickle(tmp_path / "old.pkl", tmp_path / "new.parquet", trust_pickle=True)
    assert out == tmp_path / "new.parquet"
    converted = read_signal_file(out)
    assert set(converted.columns) == set(df.columns)
    assert_frame_equal(validate_signal_df(converted).clean, validate_signal_df(df).clean)
    with pytest.raises(ContractError, match=r"new\.parquet must be the name of a new file"):
        convert_pickle(tmp_path / "old.pkl", out, trust_pickle=True)


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_a_pickle_that_is_not_trusted_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(Trap(tmp_path / "mark")))
    with pytest.raises(ContractError, match=r"can run any code.*--trust-pickle"):
        convert_pickle(tmp_path / "old.pkl", tmp_path / "new.parquet", trust_pickle=False)
    with pytest.raises(ContractError, match="is a pickle"):
        read_signal_file(tmp_path / "old.pkl")
    assert not (tmp_path / "mark").exists()
    with pytest.raises(ContractError, match="holds a NoneType"):
        convert_pickle(tmp_path / "old.pkl", tmp_path / "new.parquet", trust_pickle=True)
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("content", "out", "words"),
    [
        (b"no pickle", "new.parquet", "cannot be opened as a pickle"),
        (None, "new.parquet", "cannot be opened as a pickle: .*No such file"),
        (pickle.dumps([1]), "new.parquet", "holds a list; a signal is a pandas DataFrame"),
        (pickle.dumps(pd.DataFrame({"a": [1j]})), "new.parquet", "cannot be written as parquet"),
        (
            pickle.dumps(pd.DataFrame({"a": [1]})),
            "new.csv",
            r"new.csv must be the name of a new file that ends in \.parquet",
        ),
    ],
)
def test_a_pickle_that_cannot_be_converted_leaves_no_file(
    content: bytes | None, out: str, words: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "old.pkl").write_bytes(content)
    with pytest.raises(ContractError, match=words):
        convert_pickle(tmp_path / "old.pkl", tmp_path / out, trust_pickle=True)
    assert not (tmp_path / out).exists()


@pytest.mark.parametrize("ids", [[3, 1, 2], ["c", "a", "b"]])
def test_the_hash_depends_on_content_alone(ids: list[Any], tmp_path: Path) -> None:
    frame = signal(ids)
    expected = signal_hash(validate_signal_df(frame).clean)
    assert re.fullmatch("[0-9a-f]{64}", expected)
    frame.write_csv(tmp_path / "a.csv")
    frame.write_ipc(tmp_path / "a.feather")
    others: list[pd.DataFrame | pl.DataFrame] = [
        frame.reverse(),
        frame.to_pandas(),
        read_signal_file(tmp_path / "a.csv"),
        read_signal_file(tmp_path / "a.feather"),
        frame.select(reversed(frame.columns)).with_columns(note=pl.lit("x")),
        frame.with_columns(avail_hour=pl.lit(None, pl.Float64)),
    ]
    assert [signal_hash(validate_signal_df(other).clean) for other in others] == [expected] * len(others)
    assert signal_hash(frame) == expected


def test_the_hash_sees_every_change() -> None:
    frame = signal()
    changes: list[dict[str, pl.Expr | pl.Series]] = [
        {"security_id": pl.col("security_id") + 1},
        {"security_id": pl.col("security_id").cast(pl.String)},
        {"date_sig": pl.col("date_sig").dt.offset_by("-1d")},
        {"date_avail": pl.col("date_avail").dt.offset_by("1d")},
        {"signal": pl.Series([0.1, -2.5, np.nextafter(1e-9, 1)])},
        {"signal": pl.Series([-2.5, 0.1, 1e-9])},
        {"avail_hour": pl.Series([8.0, None, None])},
        {"avail_hour": pl.Series([None, 8.0, None])},
    ]
    hashes = {signal_hash(frame)} | {signal_hash(frame.with_columns(**change)) for change in changes}
    hashes |= {signal_hash(frame.head(2)), signal_hash(frame.head(0))}
    assert len(hashes) == 1 + len(changes) + 2


def test_the_hash_knows_one_zero() -> None:
    zero, minus_zero = (signal().with_columns(signal=pl.lit(value)) for value in (0.0, -0.0))
    assert signal_hash(zero) == signal_hash(minus_zero)


def test_ids_are_not_glued_together_in_the_hash() -> None:
    assert signal_hash(signal(["a", "ab", "c"])) != signal_hash(signal(["aa", "b", "c"]))
