"""Made-up panels of a given size for the benchmarks: ragged listings, the tables of a snapshot and one daily signal.

Only sizes and shapes are realistic; the numbers are independent noise. Same size, same bytes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.data.create_snapshot import create_snapshot_from_existing


@dataclass(frozen=True, kw_only=True)
class Size:
    """Number of securities that are ever listed, trading days, and half the longest listing as a share of them."""

    n_securities: int
    n_days: int
    filled: float


SIZES = {
    "S": Size(n_securities=900, n_days=1250, filled=1.0),
    "M": Size(n_securities=2600, n_days=2520, filled=1.05),
    "L": Size(n_securities=12000, n_days=6250, filled=0.4),
}
STYLES = ("size", "value", "momentum", "volatility")
N_INDUSTRIES, N_SECTORS = 60, 11


def make_market(name: str, root: Path, *, seed: int = 1) -> tuple[str, Path]:
    """Make the snapshot and the signal file of a size below `root`, unless they are there.

    Returns:
        The snapshot's id, and the path of the signal file.
    """
    snapshot_id, signal_file = f"bench-{name}", root / f"signal-{name}.parquet"
    if not (root / "snapshots" / snapshot_id).exists():
        source = root / f"source-{name}"
        source.mkdir(parents=True, exist_ok=True)
        _write_source(SIZES[name], source, signal_file, np.random.default_rng(seed))
        create_snapshot_from_existing(source, snapshot_id, root / "snapshots", synthetic=True)
        for path in source.iterdir():
            path.unlink()
    return snapshot_id, signal_file


def _write_source(size: Size, folder: Path, signal_file: Path, rng: np.random.Generator) -> None:
    calendar = np.busday_offset("2000-01-03", np.arange(size.n_days)).astype("datetime64[D]")
    day, security = _listed(size, rng)
    n = len(day)
    keys = {"security_id": (10_001 + security).astype(np.int64), "date": calendar[day]}

    def noise(scale: float = 1.0) -> NDArray[np.float32]:
        return (scale * rng.standard_normal(n, dtype=np.float32)).astype(np.float32)

    def by_name(low: float, high: float) -> NDArray[np.float32]:
        """A level for each name, lognormal between about `low` and `high`, drifting a little."""
        level = np.exp(rng.uniform(np.log(low), np.log(high), size.n_securities)).astype(np.float32)
        return level[security] * np.exp(noise(0.02))

    ret = noise(0.02)
    pl.DataFrame(
        keys | {"ret": ret, "resret": ret - np.float32(2e-4), "vol": by_name(0.01, 0.04), "close": by_name(5, 300),
                "adv": by_name(1e5, 1e9)}
    ).write_parquet(folder / "ret.parquet")  # fmt: skip
    industry = rng.integers(0, N_INDUSTRIES, size.n_securities).astype(np.int32)[security]
    styles = {style: noise() for style in STYLES}
    pl.DataFrame(
        keys | {"industry_id": industry, "sector_id": industry % N_SECTORS, "mcap": by_name(1e8, 1e11)} | styles
    ).write_parquet(folder / "risk.parquet")
    pl.DataFrame({"date": calendar}).write_parquet(folder / "trading_date.parquet")
    level = rng.standard_normal(size.n_securities, dtype=np.float32)[security]
    known = day < size.n_days - 1
    pl.DataFrame(
        {
            "security_id": keys["security_id"][known],
            "date_sig": calendar[day[known]],
            "date_avail": calendar[day[known] + 1],
            "signal": (level + noise(0.3))[known],
        }
    ).write_parquet(signal_file)


def _listed(size: Size, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Day and security of every row, by day and then by security."""
    life = np.clip(rng.uniform(0, 2 * size.filled, size.n_securities), 0.02, 1) * size.n_days
    begin = rng.uniform(0, size.n_days - life)
    days = np.arange(size.n_days)[:, None]
    return np.nonzero((days >= begin) & (days < begin + life))
