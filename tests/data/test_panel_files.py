"""The stored arrays: the same panel as from the tables, and never a wrong number from a damaged file."""

import errno
import json
import logging
import mmap
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from poc.data import panel_files
from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.data.panel import Panel, make_panel, read_panel
from poc.data.panel_files import FOLDER
from poc.errors import SnapshotError

Frames = dict[str, pl.DataFrame]
SaveSource = Callable[[Mapping[str, pl.DataFrame]], Path]


@pytest.fixture(params=["integers", "text"])
def catalog(
    request: pytest.FixtureRequest, source_frames: Frames, save_source: SaveSource, tmp_path: Path
) -> DataCatalog:
    """A snapshot with every table, gaps and missing values."""
    flags = source_frames["risk"].select("security_id", "date", universe_flag=pl.lit(1))
    tables = source_frames | {"universe": flags}
    tables["risk"] = tables["risk"][::2].with_columns(size=pl.when(pl.col("size") > 0.1).then("size"))
    tables["factors"] = tables["trading_date"].with_columns(mkt_rf=0.01, rf=0.0)
    tables["trading_date"] = tables["trading_date"].with_columns(insample=pl.lit(1))
    if request.param == "text":
        for name in ("ret", "risk", "universe"):
            tables[name] = tables[name].with_columns("S" + pl.col("security_id").cast(pl.String))
    root = tmp_path / "snapshots"
    create_snapshot_from_existing(save_source(tables), "tiny", root)
    return DataCatalog("tiny", root=root)


def _stored(catalog: DataCatalog) -> Path:
    (place,) = (catalog.path / FOLDER).iterdir()
    return place


def _again(catalog: DataCatalog) -> DataCatalog:
    return DataCatalog(catalog.snapshot_id, root=catalog.path.parent)


def _assert_same(one: Panel, other: Panel) -> None:
    first, second = panel_files._arrays(one), panel_files._arrays(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype, name
        np.testing.assert_array_equal(array, second[name], err_msg=name)
    assert one.style_names == other.style_names
    assert (one.in_universe is None, one.insample is None) == (other.in_universe is None, other.insample is None)


def _rewrite(place: Path, name: str, *, keep_time: bool = False) -> None:
    """Change a byte of a stored array."""
    file = place / "arrays.bin"
    facts = file.stat()
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[json.loads((place / "index.json").read_text())["arrays"][name]["offset"]] ^= 1
    file.write_bytes(content)
    if keep_time:
        os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_the_arrays_are_made_with_the_snapshot_and_are_those_of_the_tables(catalog: DataCatalog) -> None:
    assert (_stored(catalog) / "index.json").is_file()
    _assert_same(catalog.panel, read_panel(catalog.path, catalog.manifest))
    memory: object = catalog.panel.returns["ret"].base
    assert isinstance(memory, mmap.mmap)
    assert all(array.flags.aligned for array in panel_files._arrays(catalog.panel).values())
    with pytest.raises(ValueError, match="read-only"):
        catalog.panel.returns["ret"][0] = 1.0


def test_they_do_not_change_the_fingerprint_and_pass_the_verification(catalog: DataCatalog) -> None:
    fingerprint = catalog.fingerprint
    catalog.verify()
    shutil.rmtree(_stored(catalog))
    assert _again(catalog).fingerprint == fingerprint
    _again(catalog).verify()


def test_absent_ones_are_made_again(catalog: DataCatalog) -> None:
    before = read_panel(catalog.path, catalog.manifest)
    shutil.rmtree(_stored(catalog))
    _assert_same(_again(catalog).panel, before)
    assert (_stored(catalog) / "index.json").is_file()


def test_those_of_another_format_or_content_are_not_used_and_go(catalog: DataCatalog) -> None:
    stale = _stored(catalog)
    stale.rename(stale.with_name("0-" + stale.name.split("-")[1]))
    _assert_same(_again(catalog).panel, read_panel(catalog.path, catalog.manifest))
    assert _stored(catalog) == stale


@pytest.mark.parametrize("harm", ["changed", "truncated", "deleted", "index"])
def test_damaged_ones_are_made_again(catalog: DataCatalog, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    before = read_panel(catalog.path, catalog.manifest)
    file = _stored(catalog) / ("index.json" if harm == "index" else "arrays.bin")
    file.chmod(0o644)
    if harm == "changed":
        _rewrite(_stored(catalog), "returns.ret")
    elif harm == "truncated":
        file.write_bytes(file.read_bytes()[:-8])
    elif harm == "index":
        file.write_text("{")
    else:
        file.unlink()
    with caplog.at_level(logging.INFO):
        _assert_same(_again(catalog).panel, before)
    assert "damaged" in caplog.text or harm == "deleted"
    _again(catalog).verify()


def test_a_file_that_was_only_touched_is_still_used(catalog: DataCatalog, caplog: pytest.LogCaptureFixture) -> None:
    file = _stored(catalog) / "arrays.bin"
    os.utime(file, ns=(1, 1))
    with caplog.at_level(logging.INFO):
        _assert_same(_again(catalog).panel, read_panel(catalog.path, catalog.manifest))
    assert caplog.text == ""


@pytest.mark.parametrize("keep_time", [False, True])
def test_verification_finds_a_changed_array(catalog: DataCatalog, *, keep_time: bool) -> None:
    _rewrite(_stored(catalog), "returns.ret", keep_time=keep_time)
    what = r"in returns\.ret" if keep_time else r"arrays\.bin is not what it was"
    with pytest.raises(SnapshotError, match=rf"changed: panel \(.*{what}.*Delete .*panel: it is made again"):
        _again(catalog).verify()


def test_where_they_cannot_be_kept_they_are_made_in_memory(
    catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(catalog.path / FOLDER)

    def refuse(_path: Path, **_: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    _assert_same(_again(catalog).panel, read_panel(catalog.path, catalog.manifest))
    assert not (catalog.path / FOLDER).exists()


def test_two_processes_that_make_them_at_once_do_no_harm(catalog: DataCatalog) -> None:
    place = _stored(catalog)
    panel = read_panel(catalog.path, catalog.manifest)
    mapped = _again(catalog).panel
    panel_files._write(panel, place)
    _assert_same(mapped, panel)
    _assert_same(_again(catalog).panel, panel)


def test_a_kernel_without_large_pages_maps_the_same_arrays(
    catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(mmap.mmap):
        def madvise(self, *_: int) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(mmap, "mmap", Refusing)
    panel = _again(catalog).panel
    monkeypatch.undo()
    memory: object = panel.returns["ret"].base
    assert isinstance(memory, Refusing)
    assert not caplog.records
    _assert_same(panel, catalog.panel)


def test_a_panel_until_a_day_is_that_of_the_tables_until_this_day(catalog: DataCatalog) -> None:
    names = ("ret", "risk", "trading_date", "universe", "factors")
    tables = {name: pl.read_parquet(catalog.path / f"{name}.parquet") for name in names}
    for last in tables["trading_date"]["date"][7:]:  # from then on both industries are there, and codes are the same
        shorter = {name: table.filter(pl.col("date") <= last) for name, table in tables.items()}
        manifest = catalog.manifest
        made = make_panel(
            shorter,
            days_per_year=manifest.days_per_year,
            open_cutoff=manifest.open_cutoff,
            close_cutoff=manifest.close_cutoff,
        )
        cut = DataCatalog("tiny", root=catalog.path.parent, until=last)
        _assert_same(cut.panel, made)
        assert cut.panel.risk.collect()["date"].max() == last
        assert cut.calendar[-1] == np.datetime64(last)
        assert cut.get_retfile()["date"].max().date() == last


def test_more_securities_a_day_than_can_be_counted_are_refused() -> None:
    n = 2**16
    day = pl.Series("date", [date(2024, 1, 2)])
    keys = pl.DataFrame({"security_id": np.arange(n), "date": day.new_from_index(0, n)})
    tables = {
        "ret": keys.with_columns(ret=pl.lit(0.0, pl.Float32)),
        "risk": keys.with_columns(industry_id=1, mcap=pl.lit(1.0, pl.Float32), cap=1),
        "trading_date": pl.DataFrame({"date": day}),
    }
    with pytest.raises(SnapshotError, match="65,536 securities have a row on one day; at most 65,535"):
        make_panel(tables, days_per_year=252, open_cutoff=8, close_cutoff=15)
    fewer = {name: table.head(n - 1) for name, table in tables.items()}
    assert make_panel(fewer, days_per_year=252, open_cutoff=8, close_cutoff=15).offsets.tolist() == [0, n - 1]
