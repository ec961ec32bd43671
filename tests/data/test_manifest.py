import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from poc.data.manifest import Manifest, TableInfo, check_snapshot_id, content_hash, describe_table
from poc.errors import SnapshotError

TABLE = TableInfo(
    rows=10,
    columns={"security_id": "Int64", "date": "Date", "ret": "Float32"},
    securities=2,
    first_date=date(2020, 1, 6),
    last_date=date(2020, 1, 10),
    sha256="0" * 64,
)
MANIFEST = Manifest(
    snapshot_id="tiny",
    region="US",
    created_at=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
    source_hash="1" * 64,
    tables={"ret": TABLE},
    limits=("A limit.",),
)


def edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_manifest_survives_the_way_to_disk_and_back(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path)
    assert Manifest.read(tmp_path) == MANIFEST


def test_to_dict_holds_plain_values_and_the_fingerprint() -> None:
    content = MANIFEST.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert content["fingerprint"] == MANIFEST.fingerprint
    assert content["tables"]["ret"]["first_date"] == "2020-01-06"


def test_the_fingerprint_does_not_depend_on_name_clock_or_source_files() -> None:
    other = replace(
        MANIFEST, snapshot_id="other", created_at=datetime(2027, 1, 1, tzinfo=UTC), source_hash="2" * 64, limits=()
    )
    assert other.fingerprint == MANIFEST.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"region": "JP"},
        {"days_per_year": 250},
        {"open_cutoff": 7.5},
        {"close_cutoff": 14.0},
        {"tables": {"ret": replace(TABLE, sha256="3" * 64)}},
        {"tables": {"ret": TABLE, "risk": TABLE}},
    ],
    ids=["region", "days_per_year", "open_cutoff", "close_cutoff", "changed table", "added table"],
)
def test_the_fingerprint_depends_on_all_that_decides_a_number(change: dict[str, object]) -> None:
    assert replace(MANIFEST, **change).fingerprint != MANIFEST.fingerprint  # type: ignore[arg-type] # mixed fields


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"days_per_year": 0}, r"days_per_year=0 is not allowed; allowed: 1 to 366"),
        ({"open_cutoff": -1}, r"open_cutoff=-1 is not allowed; allowed: an hour from 0 to 24"),
        ({"close_cutoff": 25}, r"close_cutoff=25 is not allowed; allowed: an hour from 0 to 24"),
        ({"created_at": datetime(2026, 5, 4)}, r"created_at=2026-05-04 00:00:00 has no time zone"),  # noqa: DTZ001 - the point
    ],
)
def test_a_setting_that_is_not_allowed_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(SnapshotError, match=words):
        replace(MANIFEST, **change)  # type: ignore[arg-type] # mixed fields


def test_a_folder_without_a_manifest_is_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"is no snapshot: it holds no manifest\.json"):
        Manifest.read(tmp_path)


def test_a_manifest_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"snapshot_id": "ti')
    with pytest.raises(SnapshotError, match=r"manifest\.json cannot be read: .*Create the snapshot again"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("content", ["[]", '{"schema_version": 99}', "{}"])
def test_another_schema_version_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(SnapshotError, match=r"has schema version (None|99), this program reads 1"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("change", [{"tables": None}, {"created_at": "yesterday"}, {"tables": {"ret": {}}}])
def test_a_manifest_with_a_broken_field_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    MANIFEST.write(tmp_path)
    edit(tmp_path, **change)
    with pytest.raises(SnapshotError, match="is not a whole manifest"):
        Manifest.read(tmp_path)


def test_a_manifest_that_was_edited_is_refused(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path)
    edit(tmp_path, days_per_year=365)
    with pytest.raises(SnapshotError, match="was changed after it was written"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("snapshot_id", ["us-large", "2026-05-04-US-v1", "a", "_x", "A.b_c-1", "x" * 100])
def test_an_id_that_can_be_a_folder_is_allowed(snapshot_id: str) -> None:
    check_snapshot_id(snapshot_id)


@pytest.mark.parametrize("snapshot_id", ["", ".", "..", ".hidden", "a/b", "../a", "a b", "é", "a\n", "x" * 101, "a\\b"])
def test_an_id_that_cannot_be_a_folder_is_refused(snapshot_id: str) -> None:
    with pytest.raises(SnapshotError, match="is not allowed; allowed: 1 to 100 letters"):
        check_snapshot_id(snapshot_id)


FRAME = pl.DataFrame(
    {
        "security_id": ["a", None, "bc", "é"],
        "date": [date(2020, 1, 6), date(2020, 1, 7), None, date(2020, 1, 8)],
        "ret": pl.Series([0.5, None, 0.0, -1.0], dtype=pl.Float32),
        "cap": pl.Series([1, None, 3, 0], dtype=pl.Int8),
    }
)


def hash_of(frame: pl.DataFrame, path: Path) -> str:
    frame.write_parquet(path)
    return content_hash(path)


def test_the_content_hash_does_not_depend_on_how_the_file_was_written(tmp_path: Path) -> None:
    expected = hash_of(FRAME, tmp_path / "a.parquet")
    FRAME.write_parquet(tmp_path / "b.parquet", compression="uncompressed", row_group_size=2, statistics=False)
    FRAME.write_parquet(tmp_path / "c.parquet", use_pyarrow=True)
    assert (tmp_path / "a.parquet").read_bytes() != (tmp_path / "c.parquet").read_bytes()
    assert content_hash(tmp_path / "b.parquet") == expected
    assert content_hash(tmp_path / "c.parquet") == expected


def test_the_content_hash_is_pinned(tmp_path: Path) -> None:
    assert hash_of(FRAME, tmp_path / "a.parquet") == "4f3b48a8360f6b541028f90eb5fc6fe00e5e6094051f02468fa079c5a409d39b"


@pytest.mark.parametrize(
    "other",
    [
        FRAME.reverse(),
        FRAME.head(3),
        FRAME.drop("cap"),
        FRAME.rename({"ret": "r"}),
        FRAME.select("date", "security_id", "ret", "cap"),
        FRAME.with_columns(pl.col("ret").cast(pl.Float64)),
        FRAME.with_columns(pl.col("ret").fill_null(0)),
        FRAME.with_columns(pl.col("cap").fill_null(0)),
        FRAME.with_columns(security_id=pl.Series(["ab", None, "c", "é"])),
        FRAME.with_columns(security_id=pl.Series(["a", "", "bc", "é"])),
        FRAME.with_columns(ret=pl.Series([0.5, None, 0.0, -0.99999994], dtype=pl.Float32)),
    ],
)
def test_the_content_hash_sees_every_change(other: pl.DataFrame, tmp_path: Path) -> None:
    assert hash_of(other, tmp_path / "b.parquet") != hash_of(FRAME, tmp_path / "a.parquet")


def test_the_content_hash_sees_a_change_beyond_the_first_block(tmp_path: Path) -> None:
    values = pl.DataFrame({"x": pl.int_range(0, (1 << 20) + 5, dtype=pl.Int32, eager=True)})
    changed = values.with_columns(x=pl.when(pl.int_range(pl.len()) == len(values) - 1).then(-1).otherwise("x"))
    changed = changed.cast({"x": pl.Int32})
    assert hash_of(values, tmp_path / "a.parquet") != hash_of(changed, tmp_path / "b.parquet")


def test_a_file_that_is_no_parquet_cannot_be_hashed(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(SnapshotError, match=r"a\.parquet cannot be read"):
        content_hash(tmp_path / "a.parquet")


def test_describe_table_tells_rows_columns_securities_and_dates(tmp_path: Path) -> None:
    frame = FRAME.drop_nulls()
    frame.write_parquet(tmp_path / "ret.parquet")
    found = describe_table(tmp_path / "ret.parquet")
    assert found == TableInfo(
        rows=2,
        columns={"security_id": "String", "date": "Date", "ret": "Float32", "cap": "Int8"},
        securities=2,
        first_date=date(2020, 1, 6),
        last_date=date(2020, 1, 8),
        sha256=content_hash(tmp_path / "ret.parquet"),
    )


def test_a_calendar_has_no_securities(tmp_path: Path) -> None:
    FRAME.select("date").drop_nulls().write_parquet(tmp_path / "trading_date.parquet")
    assert describe_table(tmp_path / "trading_date.parquet").securities is None


def test_every_field_of_the_manifest_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    section = page.split("## The manifest")[1].split("\n## ")[0]
    names = {field.name for kind in (Manifest, TableInfo) for field in fields(kind)} | {"fingerprint"}
    assert {name for name in names if f"| `{name}` |" not in section} == set()
