"""The optional table of factor returns."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_lightweight_snapshot, create_snapshot_from_existing
from poc.errors import SnapshotError

Frames = dict[str, pl.DataFrame]
SaveSource = Callable[[Mapping[str, pl.DataFrame]], Path]
FIRST = date(2020, 1, 2)  # two trading days before the calendar begins
FACTORS = pl.DataFrame(
    {
        "date": [FIRST + timedelta(days=i) for i in reversed(range(10))],
        "mkt_rf": [0.01 * i for i in reversed(range(10))],
        "index": [3000.0 + i for i in reversed(range(10))],
        "note": ["text"] * 10,
    }
)


def create(frames: Frames, save_source: SaveSource, tmp_path: Path) -> DataCatalog:
    path = create_snapshot_from_existing(save_source(frames), "tiny", tmp_path / "snapshots")
    return DataCatalog("tiny", root=path.parent)


def test_factors_are_kept_in_order_of_the_days(source_frames: Frames, save_source: SaveSource, tmp_path: Path) -> None:
    catalog = create(source_frames | {"factors": FACTORS}, save_source, tmp_path)
    factors = catalog.get_factorfile()
    assert factors is not None
    assert factors.columns.tolist() == ["date", "mkt_rf", "index"]
    assert factors["index"].tolist() == [3000.0 + i for i in range(10)]
    assert catalog.manifest.tables["factors"].securities is None
    assert "Left out of `factors`: note." in catalog.manifest.limits
    catalog.verify()


def test_the_panel_has_factors_on_the_days_of_the_calendar(
    source_frames: Frames, save_source: SaveSource, tmp_path: Path
) -> None:
    catalog = create(source_frames | {"factors": FACTORS}, save_source, tmp_path)
    market = catalog.panel.factors["mkt_rf"]
    np.testing.assert_allclose(market[:6], [0.04, 0.05, 0.06, 0.07, 0.08, np.nan], rtol=1e-6)  # Monday the 6th on
    assert np.isnan(market[5:]).all()
    assert not market.flags.writeable


def test_a_snapshot_without_factors_has_none(source_frames: Frames, save_source: SaveSource, tmp_path: Path) -> None:
    catalog = create(source_frames, save_source, tmp_path)
    assert catalog.get_factorfile() is None
    assert catalog.panel.factors == {}


def test_factors_decide_the_fingerprint(source_frames: Frames, save_source: SaveSource, tmp_path: Path) -> None:
    with_factors = create(source_frames | {"factors": FACTORS}, save_source, tmp_path / "a")
    (tmp_path / "source" / "factors.parquet").unlink()
    assert create(source_frames, save_source, tmp_path / "b").fingerprint != with_factors.fingerprint


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        (
            FACTORS.with_columns(mkt_rf=pl.col("mkt_rf") * 100),
            r"`mkt_rf` is beyond 50% in one day in 9 rows.*not percent",
        ),
        (pl.concat([FACTORS, FACTORS[:1]]), r"factors: 1 rows repeat a \(date\); the first: date 2020-01-11. Keep one"),
        (FACTORS.with_columns(date=pl.lit(None, pl.Date)), "factors: `date` is missing in 10 rows"),
        (FACTORS.drop("date"), "factors.parquet: the column `date` is missing"),
        (FACTORS[:0], "factors: the table has no rows"),
    ],
)
def test_bad_factors_are_refused(
    factors: pl.DataFrame, words: str, source_frames: Frames, save_source: SaveSource, tmp_path: Path
) -> None:
    with pytest.raises(SnapshotError, match=words):
        create(source_frames | {"factors": factors}, save_source, tmp_path)


def test_a_lightweight_snapshot_keeps_the_factors_of_its_days(
    source_frames: Frames, save_source: SaveSource, tmp_path: Path
) -> None:
    source = save_source(source_frames | {"factors": FACTORS})
    root = tmp_path / "snapshots"
    create_lightweight_snapshot(source, 2, "2020-01-07", "2020-01-31", "early", root)
    factors = DataCatalog("early", root=root).get_factorfile()
    assert factors is not None
    assert factors["index"].tolist() == [3005.0, 3006.0, 3007.0, 3008.0, 3009.0]
    create_lightweight_snapshot(source, 2, "2020-01-20", "2020-01-31", "late", root)
    assert DataCatalog("late", root=root).get_factorfile() is None
