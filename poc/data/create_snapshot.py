"""Create a snapshot: the checked, hashed, unchangeable copy of a raw source that every backtest reads."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from poc.data.catalog import DataCatalog, default_root
from poc.data.checks import find_breaches
from poc.data.limits import find_limits
from poc.data.manifest import FILE_NAME, Manifest, TableInfo, check_snapshot_id, describe_table
from poc.data.panel_files import FOLDER, load_panel
from poc.data.tables import OPTIONAL_TABLES, SPECS, find_source_file, number_days, read_table
from poc.errors import SnapshotError


def create_snapshot_from_existing(  # noqa: PLR0913 - each of these is a decision of the user
    source_dir: str | Path,
    snapshot_id: str | None = None,
    output_dir: str | Path | None = None,
    region: str = "US",
    *,
    trust_pickle: bool = False,
    created_at: datetime | None = None,
    synthetic: bool = False,
    max_return: float = 10.0,
    days_per_year: int = 252,
    open_cutoff: float = 8.0,
    close_cutoff: float = 15.0,
) -> Path:
    """Create a snapshot from `ret`, `risk`, `trading_date` and, if there are any, `descriptor` and `factors`.

    It is written into a temporary folder and renamed into place: it exists whole or not at all, and is read-only.

    Args:
        source_dir: folder with the source files; `NAME.parquet` is read before `NAME.pkl`.
        snapshot_id: name of the snapshot; None: DATE-REGION-vN, with the UTC day and the first N that is free.
        output_dir: folder that holds the snapshots; None: `snapshots` in the workspace.
        region: region of the market.
        trust_pickle: read a pickle where there is no parquet file. A pickle can run any code.
        created_at: moment of creation, with time zone; None: now.
        synthetic: the market is made up.
        max_return: largest total return of one day that is believed, as a fraction.
        days_per_year: trading days by which daily numbers are made annual.
        open_cutoff: hour of the exchange's day up to which a signal can trade at that day's open.
        close_cutoff: hour up to which a signal can trade at that day's close.

    Returns:
        Folder of the snapshot; its name is the id.

    Raises:
        SnapshotError: the id is taken or not allowed, or the source breaks a rule; every breach is named.
    """
    moment = created_at or datetime.now(UTC)
    target = _choose_target(snapshot_id, output_dir, region, moment)
    if (Path(source_dir) / FILE_NAME).exists():
        raise SnapshotError(f"{source_dir} is a snapshot already. To take a part of it: create_lightweight_snapshot.")
    source = _read_source(Path(source_dir), trust_pickle=trust_pickle, max_return=max_return)
    with _put_in_place(target) as folder:
        manifest = Manifest(
            snapshot_id=target.name,
            region=region,
            created_at=moment,
            source_hash=source.sha256,
            tables=_write_tables(source.frames, folder),
            days_per_year=days_per_year,
            open_cutoff=open_cutoff,
            close_cutoff=close_cutoff,
            synthetic=synthetic,
            limits=(*find_limits(source.frames, synthetic=synthetic), *source.left_out),
        )
        manifest.write(folder)
    del source  # the arrays need its memory
    load_panel(target, manifest)
    return target


def create_lightweight_snapshot(  # noqa: PLR0913 - each of these is a decision of the user
    source_dir: str | Path = "data",
    n_securities: int = 100,
    start_date: str | date = "2020-01-01",
    end_date: str | date | None = None,
    snapshot_id: str | None = None,
    output_dir: str | Path | None = None,
    region: str = "US",
    *,
    trust_pickle: bool = False,
    created_at: datetime | None = None,
    max_return: float = 10.0,
) -> Path:
    """Create a snapshot of the securities with the largest median `adv` between two dates.

    `cap`, where absent, is made from all securities of the source. From a snapshot the settings (days a year,
    cutoffs, synthetic) are taken over; from a raw source they are the defaults.

    Args:
        source_dir: folder of a raw source, or of another snapshot.
        n_securities: number of securities; all that have an `adv` where there are fewer.
        start_date: first day, inclusive.
        end_date: last day, inclusive; None: the last of the source.
        snapshot_id: as in `create_snapshot_from_existing`.
        output_dir: as there.
        region: as there; it must be that of the source snapshot.
        trust_pickle: as there.
        created_at: as there.
        max_return: as there.

    Returns:
        Folder of the snapshot; its name is the id.

    Raises:
        SnapshotError: as `create_snapshot_from_existing`; or no data between the dates, no `adv`, another region.
    """
    moment = created_at or datetime.now(UTC)
    target = _choose_target(snapshot_id, output_dir, region, moment)
    origin = _verified_manifest(Path(source_dir), region)
    source = _read_source(Path(source_dir), trust_pickle=trust_pickle, max_return=max_return)
    frames = _between(source.frames, _as_date("start_date", start_date), _as_date("end_date", end_date))
    frames = _most_traded(frames, n_securities)
    synthetic = origin is not None and origin.synthetic
    chosen = (
        f"Only the {frames['ret'].get_column('security_id').n_unique()} securities with the largest median `adv` from "
        f"{frames['trading_date']['date'][0]} to {frames['trading_date']['date'][-1]}: they were chosen with hindsight."
    )
    with _put_in_place(target) as folder:
        manifest = Manifest(
            snapshot_id=target.name,
            region=region,
            created_at=moment,
            source_hash=source.sha256,
            tables=_write_tables(frames, folder),
            days_per_year=origin.days_per_year if origin else 252,
            open_cutoff=origin.open_cutoff if origin else 8.0,
            close_cutoff=origin.close_cutoff if origin else 15.0,
            synthetic=synthetic,
            limits=(chosen, *find_limits(frames, synthetic=synthetic), *source.left_out),
        )
        manifest.write(folder)
    del source, frames  # the arrays need their memory
    load_panel(target, manifest)
    return target


def _verified_manifest(source: Path, region: str) -> Manifest | None:
    """The manifest of a source that is a snapshot, its content compared with its hashes; None for a raw source."""
    if not (source / FILE_NAME).exists():
        return None
    catalog = DataCatalog(source.resolve().name, region, source.resolve().parent)
    catalog.verify()
    return catalog.manifest


@dataclass(frozen=True)
class _Source:
    """A source, read and checked: tables by name, SHA-256 of its files, and a sentence for columns left out."""

    frames: dict[str, pl.DataFrame]
    sha256: str
    left_out: tuple[str, ...]


def _read_source(folder: Path, *, trust_pickle: bool, max_return: float) -> _Source:
    if not folder.is_dir():
        raise SnapshotError(f"There is no folder {folder}. Say where the source files are.")
    found = {name: find_source_file(folder, name) for name in SPECS}
    missing = [f"{name}.parquet" for name, path in found.items() if path is None and name not in OPTIONAL_TABLES]
    if missing:
        raise SnapshotError(f"{folder} holds no {', no '.join(missing)}. A source has ret, risk and trading_date.")
    paths = {name: path for name, path in found.items() if path is not None}
    frames, breaches, left_out = {}, [], []
    for name, path in paths.items():
        try:
            table = read_table(path, name, trust_pickle=trust_pickle)
        except SnapshotError as error:
            breaches.append(str(error))
            continue
        frames[name] = table.frame
        breaches += table.problems
        if table.left_out:
            left_out.append(f"Left out of `{name}`: {', '.join(table.left_out)}.")
    if frames.keys() == paths.keys():
        breaches += find_breaches(frames, max_return=max_return)
    if breaches:
        listed = "".join(f"\n- {breach}" for breach in breaches)
        raise SnapshotError(f"{folder} cannot become a snapshot:{listed}")
    return _Source(frames, _hash_files(list(paths.values())), tuple(left_out))


def _hash_files(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _choose_target(snapshot_id: str | None, output_dir: str | Path | None, region: str, moment: datetime) -> Path:
    root = Path(output_dir) if output_dir is not None else default_root()
    if snapshot_id is None:
        prefix = f"{moment.astimezone(UTC):%Y-%m-%d}-{region}-v"
        number = 1
        while (root / f"{prefix}{number}").exists():
            number += 1
        snapshot_id = f"{prefix}{number}"
    check_snapshot_id(snapshot_id)
    if (root / snapshot_id).exists():
        raise SnapshotError(f"There is a snapshot {snapshot_id!r} in {root} already; choose another id.")
    return root / snapshot_id


@contextmanager
def _put_in_place(target: Path) -> Iterator[Path]:
    """A folder to write into; without an error it then becomes `target`, read-only, else it is deleted."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            folder = Path(scratch) / target.name
            folder.mkdir()
            yield folder
            for file in folder.iterdir():
                file.chmod(0o444)
            (folder / FOLDER).mkdir()  # stays writable: a later version may have to make other arrays
            folder.rename(target)
        target.chmod(0o555)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SnapshotError(f"The snapshot {target} cannot be written: {error}.") from None


def _write_tables(frames: dict[str, pl.DataFrame], folder: Path) -> dict[str, TableInfo]:
    tables = {}
    for name, frame in frames.items():
        path = folder / f"{name}.parquet"
        frame.write_parquet(path)
        tables[name] = describe_table(path)
    return tables


def _as_date(name: str, value: str | date | None) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise SnapshotError(f"{name}={value!r} is no date; allowed: a day such as '2015-12-31'.") from None


def _between(frames: dict[str, pl.DataFrame], start: date | None, end: date | None) -> dict[str, pl.DataFrame]:
    days = frames["ret"].get_column("date")
    first, last = start or days[0], end or days[-1]
    cut = {name: frame.filter(pl.col("date").is_between(first, last)) for name, frame in frames.items()}
    if any(cut[name].is_empty() for name in ("ret", "risk")):
        raise SnapshotError(
            f"There are no data from {first} to {last}: the source runs from {days[0]} to {days[-1]}. "
            "Choose start_date and end_date within it."
        )
    cut = {name: frame for name, frame in cut.items() if name != "factors" or len(frame)}
    return cut | {"trading_date": cut["trading_date"].with_columns(number_days())}


def _most_traded(frames: dict[str, pl.DataFrame], count: int) -> dict[str, pl.DataFrame]:
    if count < 1:
        raise SnapshotError(f"n_securities={count} is not allowed; allowed: 1 or more.")
    source = next((frames[name] for name in ("ret", "risk") if "adv" in frames[name].columns), None)
    if source is None:
        raise SnapshotError("Neither ret nor risk has the column `adv`, by which the securities are chosen.")
    median = source.lazy().group_by("security_id").agg(pl.col("adv").median()).drop_nulls()
    ranked = median.sort(["adv", "security_id"], descending=[True, False]).head(count).collect()
    if ranked.is_empty():
        raise SnapshotError("Every `adv` is missing between these dates, so no security can be chosen by it.")
    chosen = ranked.get_column("security_id").implode()
    kept = {
        name: frame.filter(pl.col("security_id").is_in(chosen)) if "security_id" in frame.columns else frame
        for name, frame in frames.items()
    }
    empty = [name for name, frame in kept.items() if frame.is_empty()]
    if empty:
        raise SnapshotError(f"The {len(ranked)} most traded securities have no row in {', '.join(empty)}. Choose more.")
    return kept
