"""Manifest: what a snapshot holds, as `manifest.json` beside its tables, and the hash of a table's content."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl

from poc.errors import SnapshotError

SCHEMA_VERSION = 1
"""Changes whenever the tables or the manifest change their meaning."""
FILE_NAME = "manifest.json"
_BLOCK_ROWS = 1 << 20  # part of the definition of a hash: every column is hashed in blocks of this many rows


@dataclass(frozen=True, kw_only=True)
class TableInfo:
    """One table of a snapshot.

    Args:
        rows: number of rows.
        columns: Polars dtype by column, in the order of the file.
        securities: number of distinct securities; None for the calendar and the factors.
        first_date: earliest date.
        last_date: latest date.
        sha256: hash of the whole content (`content_hash`), whatever program wrote the parquet file.
    """

    rows: int
    columns: dict[str, str]
    securities: int | None
    first_date: date
    last_date: date
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a snapshot holds and where it comes from.

    Args:
        snapshot_id: name of the snapshot and of its folder.
        region: region of the market, such as `US`.
        created_at: moment of creation, with time zone.
        source_hash: SHA-256 over the names and bytes of the source files.
        tables: `ret`, `risk`, `trading_date` and, where the source has them, `universe` and `factors`.
        days_per_year: trading days by which daily numbers are made annual.
        open_cutoff: hour of the exchange's day up to which a signal can trade at that day's open.
        close_cutoff: hour up to which a signal can trade at that day's close.
        synthetic: the market is made up.
        limits: sentences on what the data cannot show.
        schema_version: version of this layout.

    Raises:
        SnapshotError: a setting that is not allowed.
    """

    snapshot_id: str
    region: str
    created_at: datetime
    source_hash: str
    tables: dict[str, TableInfo]
    days_per_year: int = 252
    open_cutoff: float = 8.0
    close_cutoff: float = 15.0
    synthetic: bool = False
    limits: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None:
            raise SnapshotError(f"created_at={self.created_at} has no time zone. Say which, such as datetime.UTC.")
        if not 1 <= self.days_per_year <= 366:
            raise SnapshotError(f"days_per_year={self.days_per_year} is not allowed; allowed: 1 to 366.")
        for name in ("open_cutoff", "close_cutoff"):
            if not 0 <= getattr(self, name) <= 24:
                raise SnapshotError(f"{name}={getattr(self, name)} is not allowed; allowed: an hour from 0 to 24.")

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that decides a number: the tables' hashes and the settings; not the name or the clock."""
        decisive = {
            "schema_version": self.schema_version,
            "region": self.region,
            "days_per_year": self.days_per_year,
            "open_cutoff": float(self.open_cutoff),
            "close_cutoff": float(self.close_cutoff),
            "tables": {name: table.sha256 for name, table in self.tables.items()},
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The content of `manifest.json`: plain values, dates as ISO text, and the fingerprint."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self), default=lambda day: day.isoformat()))
        return content | {"fingerprint": self.fingerprint}

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into `folder`."""
        (folder / FILE_NAME).write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read `manifest.json` of `folder`.

        Raises:
            SnapshotError: no such file, not a manifest, another schema version, or changed since it was written.
        """
        path = folder / FILE_NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SnapshotError(f"{folder} is no snapshot: it holds no {FILE_NAME}.") from None
        except (OSError, ValueError) as error:
            raise SnapshotError(f"{path} cannot be read: {error}. Create the snapshot again.") from None
        return cls._from_dict(content, path)

    @classmethod
    def _from_dict(cls, content: Any, path: Path) -> Self:
        version = content.get("schema_version") if isinstance(content, dict) else None
        if version != SCHEMA_VERSION:
            raise SnapshotError(
                f"{path} has schema version {version}, this program reads {SCHEMA_VERSION}. Create the snapshot again."
            )
        try:
            values = {field.name: content[field.name] for field in fields(cls)}
            values["created_at"] = datetime.fromisoformat(values["created_at"])
            values["limits"] = tuple(values["limits"])
            values["tables"] = {name: _table_from_dict(table) for name, table in values["tables"].items()}
            manifest = cls(**values)
            intact = content["fingerprint"] == manifest.fingerprint
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SnapshotError(f"{path} is not a whole manifest: {error!r}. Create the snapshot again.") from None
        if not intact:
            raise SnapshotError(f"{path} was changed after it was written. Create the snapshot again.")
        return manifest


def _table_from_dict(content: dict[str, Any]) -> TableInfo:
    days = {name: date.fromisoformat(content[name]) for name in ("first_date", "last_date")}
    return TableInfo(**(content | days))


def describe_table(path: Path) -> TableInfo:
    """The facts of a parquet file with a `date` column, its content hash among them."""
    scan = pl.scan_parquet(path)
    schema = scan.collect_schema()
    facts = [pl.len().alias("rows"), pl.col("date").min().alias("first"), pl.col("date").max().alias("last")]
    if "security_id" in schema:
        facts.append(pl.col("security_id").n_unique().alias("securities"))
    found = scan.select(facts).collect().row(0, named=True)
    return TableInfo(
        rows=found["rows"],
        columns={name: str(dtype) for name, dtype in schema.items()},
        securities=found.get("securities"),
        first_date=found["first"],
        last_date=found["last"],
        sha256=content_hash(path),
    )


def content_hash(path: Path) -> str:
    """SHA-256 of the whole content of a parquet file.

    Hashed are, column by column: name, dtype, number of rows, and in blocks of 2^20 rows which values are missing and
    the bytes of the others (little endian; missing as 0; text as lengths and UTF-8). So the hash depends on the order
    of rows and columns, but not on compression, row groups or the version of the program that wrote the file.

    Raises:
        SnapshotError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for name in pl.read_parquet_schema(path):
            column = pl.read_parquet(path, columns=[name]).to_series()
            digest.update(json.dumps([name, str(column.dtype), len(column)]).encode())
            for start in range(0, len(column), _BLOCK_ROWS):
                for part in _block_bytes(column.slice(start, _BLOCK_ROWS)):
                    digest.update(part)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SnapshotError(f"{path} cannot be read: {error}") from None
    return digest.hexdigest()


def _block_bytes(block: pl.Series) -> tuple[bytes, ...]:
    missing = np.packbits(block.is_null().to_numpy()).tobytes()
    if block.dtype == pl.String:
        lengths = block.str.len_bytes().fill_null(0).cast(pl.UInt32).to_numpy()
        text: str = block.drop_nulls().str.join("").item()
        return missing, lengths.astype("<u4").tobytes(), text.encode()
    values = block.to_physical().fill_null(0).to_numpy()
    return missing, values.astype(values.dtype.newbyteorder("<")).tobytes()


def check_snapshot_id(snapshot_id: str) -> None:
    """A snapshot id becomes a folder's name.

    Raises:
        SnapshotError: not 1 to 100 letters, digits, `.`, `_`, `-`, or it begins with a dot.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", snapshot_id):
        raise SnapshotError(
            f"snapshot_id={snapshot_id!r} is not allowed; allowed: 1 to 100 letters, digits, '.', '_' and '-', "
            "the first not a dot."
        )
