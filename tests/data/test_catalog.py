import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poc.data.catalog import DataCatalog, default_workspace
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.errors import SnapshotError

Frames = dict[str, pl.DataFrame]
SaveSource = Callable[[Mapping[str, pl.DataFrame]], Path]
MOMENT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def root(source_frames: Frames, save_source: SaveSource, tmp_path: Path) -> Path:
    """A root with the snapshot `tiny`, which has a universe table."""
    flags = source_frames["risk"].select("security_id", "date", universe_flag=pl.lit(1))
    source = save_source(source_frames | {"descriptor": flags})
    return create_snapshot_from_existing(source, "tiny", tmp_path / "snapshots", created_at=MOMENT).parent


def overwrite(frame: pl.DataFrame, path: Path) -> None:
    path.chmod(0o644)
    frame.write_parquet(path)


def test_the_workspace_is_the_current_folder_unless_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POC_WORKSPACE", "below")
    assert default_workspace() == tmp_path / "below"
    monkeypatch.delenv("POC_WORKSPACE")
    assert default_workspace() == tmp_path


def test_the_default_root_is_in_the_workspace(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POC_WORKSPACE", str(root.parent))
    assert DataCatalog("tiny").path == root / "tiny"
    assert DataCatalog.list()["snapshot_id"].tolist() == ["tiny"]


def test_the_tables_come_as_pandas_frames(root: Path) -> None:
    catalog = DataCatalog("tiny", "US", root)
    assert catalog.get_retfile().columns.tolist() == ["security_id", "date", "ret", "adv"]
    assert catalog.get_otherfile().columns.tolist() == ["security_id", "date", "industry_id", "mcap", "size", "cap"]
    assert catalog.get_datefile()["n"].tolist() == list(range(1, 31))
    universe = catalog.get_universefile()
    assert universe is not None
    assert universe["universe_flag"].eq(1).all()
    assert catalog.get_retfile()["date"].iloc[-1] == pd.Timestamp("2020-02-14")


def test_coverage_counts_the_securities_of_each_day(root: Path) -> None:
    catalog = DataCatalog("tiny", root=root)
    coverage = catalog.coverage()
    assert coverage.columns.tolist() == ["date", "traded", "flagged"]
    assert coverage["date"].is_monotonic_increasing
    ret, risk = catalog.get_retfile(), catalog.get_otherfile()
    assert coverage["traded"].tolist() == ret.groupby("date").size().tolist()
    assert coverage["flagged"].tolist() == risk.groupby("date").size().tolist()


def test_a_frame_may_be_changed_without_harm(root: Path) -> None:
    catalog = DataCatalog("tiny", root=root)
    ret = catalog.get_retfile()
    ret["ret"] = 9.0
    assert catalog.get_retfile()["ret"].max() < 1


def test_a_snapshot_without_universe_has_none(source_frames: Frames, save_source: SaveSource, tmp_path: Path) -> None:
    source_frames.pop("descriptor", None)
    path = create_snapshot_from_existing(save_source(source_frames), "plain", tmp_path / "plain")
    assert DataCatalog("plain", root=path.parent).get_universefile() is None


def test_calendar_and_securities_are_ascending_and_read_only(root: Path) -> None:
    catalog = DataCatalog("tiny", root=root)
    assert catalog.calendar.dtype == np.dtype("datetime64[D]")
    assert catalog.calendar[[0, -1]].tolist() == [date(2020, 1, 6), date(2020, 2, 14)]
    assert catalog.security_ids.tolist() == [1, 2, 3, 4]
    for array in (catalog.calendar, catalog.security_ids):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_the_manifest_comes_as_a_dictionary(root: Path) -> None:
    catalog = DataCatalog("tiny", root=root)
    assert catalog.get_manifest() == json.loads((root / "tiny" / "manifest.json").read_text())
    assert catalog.get_manifest()["fingerprint"] == catalog.fingerprint


def test_the_panel_is_read_once(root: Path) -> None:
    catalog = DataCatalog("tiny", root=root)
    assert catalog.panel is catalog.panel
    assert catalog.panel.dates.tolist() == catalog.calendar.tolist()


def test_a_catalog_shows_what_it_is(root: Path) -> None:
    assert repr(DataCatalog("tiny", root=root)).startswith("DataCatalog('tiny', region='US', path=")


def test_an_unknown_snapshot_is_refused_with_those_that_exist(root: Path) -> None:
    (root / ".left-over").mkdir()
    with pytest.raises(SnapshotError, match=r"There is no snapshot 'tinny' in .*snapshots\. There are: tiny\.$"):
        DataCatalog("tinny", root=root)


@pytest.mark.parametrize("exists", [True, False])
def test_a_root_without_snapshots_says_how_to_make_one(tmp_path: Path, *, exists: bool) -> None:
    root = tmp_path / "empty"
    if exists:
        root.mkdir()
    with pytest.raises(SnapshotError, match="There is none yet: create one with `poc snapshot create`"):
        DataCatalog("tiny", root=root)


def test_another_region_is_refused(root: Path) -> None:
    with pytest.raises(SnapshotError, match="Snapshot 'tiny' is of region 'US', not 'JP'"):
        DataCatalog("tiny", "JP", root)


def test_an_id_that_leads_elsewhere_is_refused(root: Path) -> None:
    with pytest.raises(SnapshotError, match="is not allowed"):
        DataCatalog("../snapshots/tiny", root=root)


def test_a_folder_under_another_name_is_refused(root: Path) -> None:
    (root / "tiny").rename(root / "renamed")
    with pytest.raises(SnapshotError, match=r"renamed holds the snapshot 'tiny'\. Give it that name again"):
        DataCatalog("renamed", root=root)


def test_a_missing_table_is_refused(root: Path) -> None:
    (root / "tiny").chmod(0o755)
    (root / "tiny" / "risk.parquet").unlink()
    with pytest.raises(SnapshotError, match=r"is broken: risk\.parquet is missing"):
        DataCatalog("tiny", root=root)


def test_an_untouched_snapshot_is_verified(root: Path) -> None:
    path = root / "tiny" / "ret.parquet"
    DataCatalog("tiny", root=root).verify()
    overwrite(pl.read_parquet(path), path)  # other bytes, the same content
    DataCatalog("tiny", root=root).verify()


@pytest.mark.parametrize("table", ["ret", "risk", "trading_date", "universe"])
def test_one_changed_value_is_found_and_its_table_named(root: Path, table: str) -> None:
    path = root / "tiny" / f"{table}.parquet"
    frame = pl.read_parquet(path)
    last = pl.int_range(pl.len()) == pl.len() - 1
    column = pl.col(frame.columns[-1])
    overwrite(frame.with_columns(pl.when(last).then(column + 1).otherwise(column)).cast(frame.schema), path)
    with pytest.raises(SnapshotError, match=rf"Snapshot 'tiny' is not what it was.*changed: {table} \(SHA-256 [^;]*$"):
        DataCatalog("tiny", root=root).verify()


def test_all_changed_tables_are_named(root: Path) -> None:
    for name in ("ret", "universe"):
        path = root / "tiny" / f"{name}.parquet"
        overwrite(pl.read_parquet(path).head(5), path)
    (root / "tiny" / "risk.parquet").chmod(0o644)
    (root / "tiny" / "risk.parquet").write_text("no")
    with pytest.raises(SnapshotError, match=r"ret \(SHA.*risk \(.*cannot be read.*universe \(SHA"):
        DataCatalog("tiny", root=root).verify()


def test_the_list_shows_every_snapshot(root: Path) -> None:
    (found,) = DataCatalog.list(root).to_dict("records")
    size = found.pop("size")
    assert size == sum(file.stat().st_size for file in (root / "tiny").rglob("*") if file.is_file())
    assert found == {
        "snapshot_id": "tiny",
        "region": "US",
        "created_at": MOMENT,
        "first_date": date(2020, 1, 6),
        "last_date": date(2020, 2, 14),
        "securities": 4,
        "days": 30,
        "rows": 95,
        "status": "ok",
    }


def test_the_list_hides_nothing(root: Path) -> None:
    (root / "empty").mkdir()
    (root / ".tiny-x1").mkdir()
    (root / "a-file.txt").touch()
    (root / "tiny").rename(root / "renamed")
    status = DataCatalog.list(root).set_index("snapshot_id")["status"]
    assert status.index.tolist() == [".tiny-x1", "empty", "renamed"]
    assert status[".tiny-x1"] == "left by a creation that was interrupted: delete it"
    assert "holds no manifest.json" in status["empty"]
    assert "holds the snapshot 'tiny'" in status["renamed"]


def test_a_root_that_does_not_exist_lists_nothing(tmp_path: Path) -> None:
    found = DataCatalog.list(tmp_path / "nowhere")
    assert found.empty
    assert found.columns[0] == "snapshot_id"
