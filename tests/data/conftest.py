"""A tiny raw source: four securities on thirty weekdays, of which the fourth ends early."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

Frames = dict[str, pl.DataFrame]
SaveSource = Callable[[Mapping[str, pl.DataFrame]], Path]


@pytest.fixture
def source_frames() -> Frames:
    """The tables of a source without a breach, by file name."""
    monday = date(2020, 1, 6)
    days = [monday + timedelta(days=7 * (i // 5) + i % 5) for i in range(30)]
    rows = [(i, security, day) for i, day in enumerate(days) for security in (1, 2, 3, 4) if security < 4 or i < 5]
    keys = {"security_id": [row[1] for row in rows], "date": [row[2] for row in rows]}
    ret = pl.DataFrame(keys | {"ret": [0.01 * (i % 3 - 1) + 0.001 * security for i, security, _ in rows]})
    risk = pl.DataFrame(keys).with_columns(
        industry_id=pl.col("security_id") % 2,
        mcap=pl.col("security_id") * 1e9,
        size=pl.col("security_id") / 10,
    )
    return {
        "ret": ret.with_columns(adv=pl.col("security_id") * 1e6),
        "risk": risk,
        "trading_date": pl.DataFrame({"date": days}),
    }


@pytest.fixture
def save_source(tmp_path: Path) -> SaveSource:
    """Write tables as the parquet files of a raw source and return the folder."""

    def save(frames: Mapping[str, pl.DataFrame]) -> Path:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        for name, frame in frames.items():
            frame.write_parquet(folder / f"{name}.parquet")
        return folder

    return save
