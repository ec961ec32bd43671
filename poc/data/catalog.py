"""DataCatalog: one snapshot, opened for reading."""

import os
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from poc.data.manifest import Manifest, check_snapshot_id, content_hash
from poc.errors import SnapshotError

if TYPE_CHECKING:
    from poc.data.panel import Panel


def default_workspace() -> Path:
    """The folder below which everything is written: `POC_WORKSPACE`, else the current folder."""
    return Path(os.environ.get("POC_WORKSPACE") or ".").absolute()


def default_root() -> Path:
    """The folder that holds the snapshots of the workspace."""
    return default_workspace() / "snapshots"


class DataCatalog:
    """One snapshot, opened for reading.

    Args:
        snapshot_id: name of the snapshot.
        region: region that is expected; None: whatever the snapshot's is.
        root: folder that holds the snapshots; None: `snapshots` in the workspace.
        until: last day of what is read; None: all. The manifest stays that of the whole snapshot.

    Attributes:
        path: folder of the snapshot.
        snapshot_id: name of the snapshot.
        manifest: what the snapshot holds.

    Raises:
        SnapshotError: no such snapshot (those that exist are listed), a broken one, or another region.
    """

    def __init__(
        self, snapshot_id: str, region: str | None = None, root: str | Path | None = None, *, until: date | None = None
    ) -> None:
        check_snapshot_id(snapshot_id)
        folder = Path(root) if root is not None else default_root()
        self.snapshot_id = snapshot_id
        self.until = until
        self.path = folder / snapshot_id
        if not self.path.is_dir():
            raise SnapshotError(f"There is no snapshot {snapshot_id!r} in {folder}. {_existing(folder)}")
        self.manifest = _open(self.path)
        if region is not None and region != self.manifest.region:
            raise SnapshotError(
                f"Snapshot {snapshot_id!r} is of region {self.manifest.region!r}, not {region!r}. "
                "Ask for its own region, or for another snapshot."
            )

    def __repr__(self) -> str:
        return f"DataCatalog({self.snapshot_id!r}, region={self.manifest.region!r}, path={str(self.path)!r})"

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that decides a number: the tables' content and the settings."""
        return self.manifest.fingerprint

    @cached_property
    def calendar(self) -> NDArray[np.datetime64]:
        """Trading days, ascending: shape (days,), datetime64[D], read-only."""
        days = self._scan("trading_date").select("date").collect().to_series().to_numpy()
        return _read_only(days.astype("datetime64[D]"))

    @cached_property
    def security_ids(self) -> NDArray[Any]:
        """Securities of the `ret` table, ascending: shape (securities,), int64 or str, read-only."""
        ids = self._scan("ret").select(pl.col("security_id").unique().sort()).collect()
        return _read_only(np.array(ids.to_series().to_list()))

    @cached_property
    def panel(self) -> "Panel":
        """The arrays that the engine reads, mapped from the snapshot's files where it has them."""
        from poc.data.panel_files import load_panel

        panel = load_panel(self.path, self.manifest)
        return panel if self.until is None else panel.until(self.until)

    def get_retfile(self) -> pd.DataFrame:
        """Returns: `security_id, date, ret` and what else the snapshot has, sorted by (date, security_id)."""
        return self._read("ret")

    def get_otherfile(self) -> pd.DataFrame:
        """Risk: `security_id, date, industry_id, mcap, cap` and the exposures, sorted by (date, security_id)."""
        return self._read("risk")

    def get_datefile(self) -> pd.DataFrame:
        """Calendar: `date, n` and, where the snapshot has them, `insample, insample2`; ascending."""
        return self._read("trading_date")

    def get_universefile(self) -> pd.DataFrame | None:
        """Universe: `security_id, date, universe_flag`; None where the snapshot has none."""
        return self._read("universe") if "universe" in self.manifest.tables else None

    def get_factorfile(self) -> pd.DataFrame | None:
        """Factors: `date` and the daily returns of factors and benchmarks; None where the snapshot has none."""
        return self._read("factors") if "factors" in self.manifest.tables else None

    def get_manifest(self) -> dict[str, Any]:
        """The content of `manifest.json`."""
        return self.manifest.to_dict()

    def coverage(self) -> pd.DataFrame:
        """Securities a day, ascending: `date, traded` (rows of `ret`), and `flagged` where there is a universe."""
        traded = self._scan("ret").group_by("date").agg(pl.len().alias("traded"))
        if "universe" in self.manifest.tables:
            flags = self._scan("universe").group_by("date")
            flagged = flags.agg((pl.col("universe_flag") == 1).sum().alias("flagged"))
            traded = traded.join(flagged, on="date", how="left")
        return traded.sort("date").collect().to_pandas()

    def verify(self) -> None:
        """Compare every table with the hash in the manifest, and every stored array with the tables.

        Raises:
            SnapshotError: a table cannot be read or is not what it was at creation (all such tables are named), or an
                array is not what the tables say.
        """
        from poc.data.panel_files import FOLDER, find_damage

        changed = []
        for name, table in self.manifest.tables.items():
            try:
                found = content_hash(self.path / f"{name}.parquet")
            except SnapshotError as error:
                changed.append(f"{name} ({error})")
                continue
            if found != table.sha256:
                changed.append(f"{name} (SHA-256 {found}, in the manifest {table.sha256})")
        remedy = "Create it again from its source."
        if not changed and (damage := find_damage(self.path, self.manifest)):
            changed.append(f"{FOLDER} ({damage})")
            remedy = f"Delete {self.path / FOLDER}: it is made again from the tables."
        if changed:
            raise SnapshotError(
                f"Snapshot {self.snapshot_id!r} is not what it was when it was made; changed: {'; '.join(changed)}. "
                f"{remedy}"
            )

    @staticmethod
    def list(root: str | Path | None = None) -> pd.DataFrame:
        """All folders of the root, a row each, by name.

        Columns: `snapshot_id, region, created_at, first_date, last_date, securities, days, rows` (of `ret`), `size`
        (bytes), `status` (`ok`, or what is wrong; then the others are None).
        """
        folder = Path(root) if root is not None else default_root()
        found = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        return pd.DataFrame([_row(path) for path in found], columns=_LIST_COLUMNS, dtype=object)

    def _read(self, name: str) -> pd.DataFrame:
        return self._scan(name).collect().to_pandas()

    def _scan(self, name: str) -> pl.LazyFrame:
        table = pl.scan_parquet(self.path / f"{name}.parquet")
        return table if self.until is None else table.filter(pl.col("date") <= self.until)


_LIST_COLUMNS = [
    "snapshot_id", "region", "created_at", "first_date", "last_date", "securities", "days", "rows", "size", "status",
]  # fmt: skip


def _open(path: Path) -> Manifest:
    manifest = Manifest.read(path)
    if manifest.snapshot_id != path.name:
        raise SnapshotError(f"The folder {path} holds the snapshot {manifest.snapshot_id!r}. Give it that name again.")
    missing = [name for name in manifest.tables if not (path / f"{name}.parquet").is_file()]
    if missing:
        raise SnapshotError(f"{path} is broken: {missing[0]}.parquet is missing. Create the snapshot again.")
    return manifest


def _row(path: Path) -> dict[str, str | int | date | datetime | None]:
    broken = dict.fromkeys(_LIST_COLUMNS) | {"snapshot_id": path.name}
    if path.name.startswith("."):
        return broken | {"status": "left by a creation that was interrupted: delete it"}
    try:
        manifest = _open(path)
    except SnapshotError as error:
        return broken | {"status": str(error)}
    ret, calendar = manifest.tables["ret"], manifest.tables["trading_date"]
    return {
        "snapshot_id": manifest.snapshot_id,
        "region": manifest.region,
        "created_at": manifest.created_at,
        "first_date": ret.first_date,
        "last_date": ret.last_date,
        "securities": ret.securities,
        "days": calendar.rows,
        "rows": ret.rows,
        "size": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        "status": "ok",
    }


def _existing(folder: Path) -> str:
    names = (
        sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
        if folder.is_dir()
        else []
    )
    return f"There are: {', '.join(names)}." if names else "There is none yet: create one with `poc snapshot create`."


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array = array.copy()
    array.setflags(write=False)
    return array
