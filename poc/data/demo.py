"""The demo snapshot: the synthetic market written as a raw source, and made into a snapshot."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.data.catalog import default_root
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.data.demo_market import DemoMarket, simulate_market

SNAPSHOT_ID = "demo"
SEASONING = 20
"""Trading days after its listing before a name is in the universe."""


def create_demo_snapshot(
    root: str | Path | None = None, *, seed: int = 7, n_securities: int = 600, n_years: int = 10
) -> Path:
    """Make the snapshot `demo` of a synthetic market, unless it is there already.

    Args:
        root: folder that holds the snapshots; None: that of the workspace.
        seed: of all randomness; the same seed gives the same tables.
        n_securities: number of names that are ever listed.
        n_years: calendar years, from 2010.

    Returns:
        Folder of the snapshot.
    """
    folder = (Path(root) if root is not None else default_root()) / SNAPSHOT_ID
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory() as source:
        write_demo_source(source, seed=seed, n_securities=n_securities, n_years=n_years)
        return create_snapshot_from_existing(source, SNAPSHOT_ID, folder.parent, synthetic=True)


def write_demo_source(folder: str | Path, *, seed: int = 7, n_securities: int = 600, n_years: int = 10) -> None:
    """Write `ret`, `risk`, `trading_date` and `descriptor` of the synthetic market as parquet files.

    The same arguments give the same bytes.
    """
    market = simulate_market(seed=seed, n_securities=n_securities, n_years=n_years)
    for name, table in demo_tables(market).items():
        table.write_parquet(Path(folder) / f"{name}.parquet")


def demo_tables(market: DemoMarket) -> dict[str, pl.DataFrame]:
    """The tables of the market by file name, sorted by (date, security_id); missing is null.

    A name has a row on each day on which it is listed. The first has no return: there is no close before it.
    """
    listed, day = market.listed, np.arange(len(market.dates))
    was_listed = listed[np.maximum(day - 1, 0)] & (day > 0)[:, None]
    left = was_listed & ~listed  # the first day without trading
    seasoned = listed & listed[np.maximum(day - SEASONING, 0)]
    ret = _rows(
        market,
        listed | left,
        ret=np.where(listed & was_listed, market.ret, np.nan),
        resret=np.where(listed & was_listed, market.resret, np.nan),
        openret=np.where(listed & (day < day[-1])[:, None], market.openret, np.nan),
        vol=np.where(listed, market.vol, np.nan),
        close=np.where(listed, market.close, np.nan),
        adv=np.where(listed, market.adv, np.nan),
        delist_ret=np.where(left, market.delist_ret, np.nan),
    )
    groups = {"industry_id": market.industry_id, "sector_id": market.sector_id}
    risk = _rows(market, listed, mcap=market.mcap, **groups, **market.styles)
    universe = _rows(market, listed, universe_flag=seasoned.astype(np.int8))
    calendar = pl.DataFrame({"date": market.dates, "n": 1 + day, "insample": (day < 0.7 * len(day)).astype(np.int8)})
    return {
        "ret": ret,
        "risk": risk,
        "trading_date": calendar,
        "descriptor": universe.rename({"date": "as_of_date"}),
    }


def _rows(market: DemoMarket, keep: NDArray[np.bool_], **columns: NDArray[Any]) -> pl.DataFrame:
    """Long table of (T, N) or (N,) arrays: a row where `keep` is true; floats in single precision."""
    day, name = np.nonzero(keep)
    table: dict[str, NDArray[Any]] = {"security_id": market.security_id[name], "date": market.dates[day]}
    for column, values in columns.items():
        cells = np.broadcast_to(values, keep.shape)[day, name]
        table[column] = cells.astype(np.float32) if cells.dtype == np.float64 else cells
    return pl.DataFrame(table, nan_to_null=True)
