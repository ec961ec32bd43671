"""The arrays of a panel in a file, made with the snapshot, so that loading them is no more than mapping it into memory.

    <snapshot>/panel/<format>-<fingerprint>/index.json  arrays.bin

It holds nothing that the tables do not, and no number depends on whether it is there: absent, stale or damaged, it is
made again from the tables, and kept where the folder can be written. Processes that map it share one copy. The file
holds the numbers one after the other as they are in memory, and the index says where each array begins, its type and
its shape: no pickle is written or read.
"""

import hashlib
import json
import logging
import mmap
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.data.manifest import Manifest
from poc.data.panel import Panel, read_panel

FORMAT = 3
"""Changes whenever an array changes its meaning or its type, or the file its layout."""
FOLDER = "panel"
_INDEX, _ARRAYS = "index.json", "arrays.bin"
_ALIGNMENT = 64
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class _File:
    """What a file was when it was written: bytes, moment of the last change, and SHA-256."""

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        facts = path.stat()
        return cls(facts.st_size, facts.st_mtime_ns, _sha256(path))

    def check(self, path: Path) -> None:
        """Raise ValueError if the file is another; its content is read only if it was touched since."""
        facts = path.stat()
        touched = facts.st_mtime_ns != self.mtime_ns
        if facts.st_size != self.size or (touched and _sha256(path) != self.sha256):
            raise ValueError(f"{path} is not what it was when it was made")


def load_panel(folder: Path, manifest: Manifest) -> Panel:
    """The panel of a snapshot folder: mapped where its files are whole, else made from the tables and kept."""
    place = _place(folder, manifest)
    try:
        return _map(place, folder, manifest)
    except FileNotFoundError:
        LOGGER.info("%s is not there yet.", place)
    except _DAMAGED as error:
        LOGGER.warning("The stored arrays are damaged (%s); they are made again from the tables.", error)
    panel = read_panel(folder, manifest)
    try:
        _write(panel, place)
    except OSError as error:
        LOGGER.info("The arrays cannot be kept in %s (%s): every process makes its own.", folder, error)
        return panel
    return _map(place, folder, manifest)


def find_damage(folder: Path, manifest: Manifest) -> str | None:
    """What is wrong with the stored arrays, every value of them compared with the tables; None where nothing is."""
    place = _place(folder, manifest)
    if not place.exists():
        return None
    try:
        stored = _map(place, folder, manifest)
    except _DAMAGED as error:
        return str(error)
    made = read_panel(folder, manifest)
    pairs = (_arrays(stored), _arrays(made))
    if stored.style_names != made.style_names or pairs[0].keys() != pairs[1].keys():
        return f"{place} does not hold the arrays of the tables"
    wrong = [name for name, array in pairs[1].items() if not _same(pairs[0][name], array)]
    return f"{place} differs from the tables in {', '.join(wrong)}" if wrong else None


def _place(folder: Path, manifest: Manifest) -> Path:
    return folder / FOLDER / f"{FORMAT}-{manifest.fingerprint[:16]}"


def _map(place: Path, folder: Path, manifest: Manifest) -> Panel:
    """The panel whose arrays lie in the file of `place`, mapped read-only."""
    index = json.loads((place / _INDEX).read_text(encoding="utf-8"))
    _File(**index["file"]).check(place / _ARRAYS)
    with (place / _ARRAYS).open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if sys.platform == "linux":
        with suppress(OSError):  # a kernel without large pages refuses the advice, and maps small ones as before
            mapped.madvise(mmap.MADV_HUGEPAGE)
    arrays: dict[str, NDArray[Any]] = {
        name: np.ndarray(found["shape"], np.dtype(found["dtype"]), mapped, found["offset"], order=found["order"])
        for name, found in index["arrays"].items()
    }
    return _panel(arrays, index["styles"], folder, manifest)


def _panel(arrays: Mapping[str, NDArray[Any]], styles: list[str], folder: Path, manifest: Manifest) -> Panel:
    values: dict[str, Any] = {
        "style_names": tuple(styles),
        "risk": pl.scan_parquet(folder / "risk.parquet"),
        "days_per_year": manifest.days_per_year,
        "open_cutoff": manifest.open_cutoff,
        "close_cutoff": manifest.close_cutoff,
    }
    for field in fields(Panel):
        if field.name in ("returns", "factors"):
            begin = f"{field.name}."
            values[field.name] = {n.removeprefix(begin): a for n, a in arrays.items() if n.startswith(begin)}
        elif field.name in ("in_universe", "insample"):
            values[field.name] = arrays.get(field.name)
        elif field.name not in values:
            values[field.name] = arrays[field.name]
    return Panel(**values)


def _arrays(panel: Panel) -> dict[str, NDArray[Any]]:
    """Every array by the name of its field, those of a dictionary as `returns.ret`."""
    found = {}
    for field in fields(Panel):
        value = getattr(panel, field.name)
        for name, array in value.items() if isinstance(value, dict) else [("", value)]:
            if isinstance(array, np.ndarray):
                found[f"{field.name}.{name}" if name else field.name] = array
    return found


def _write(panel: Panel, place: Path) -> None:
    """Write the arrays into a folder beside `place`, then rename it: they are there whole or not at all."""
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as scratch:
        folder = Path(scratch) / place.name
        folder.mkdir()
        index = {"styles": panel.style_names, "arrays": _write_arrays(_arrays(panel), folder / _ARRAYS)}
        index["file"] = asdict(_File.of(folder / _ARRAYS))
        (folder / _INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
        _leave_cache(folder / _ARRAYS)
        for path in folder.iterdir():
            path.chmod(0o444)
        if place.exists():
            shutil.rmtree(place)
        folder.rename(place)
    for other in place.parent.glob("[!.]*"):
        if other != place:  # of an earlier format
            shutil.rmtree(other)


def _write_arrays(arrays: dict[str, NDArray[Any]], path: Path) -> dict[str, dict[str, Any]]:
    """Write each array once, and say where it begins in the file, in which order, its type and its shape."""
    written: dict[int, dict[str, Any]] = {}  # columns without a gap are one array under two names
    with path.open("wb") as file:
        for array in arrays.values():
            if id(array) not in written:
                plain = array.astype(np.str_) if array.dtype == object else array
                file.write(bytes(-file.tell() % _ALIGNMENT))
                order: Literal["C", "F"] = "C" if plain.flags.c_contiguous else "F"
                place = {"offset": file.tell(), "order": order}
                written[id(array)] = place | {"dtype": plain.dtype.str, "shape": plain.shape}
                file.write(plain.tobytes(order))
        file.write(bytes(_ALIGNMENT))  # an empty last array begins inside the file too
    return {name: written[id(array)] for name, array in arrays.items()}


def _leave_cache(path: Path) -> None:
    """Put a file on the disk and out of memory, where it lies in the small pages in which it was written.

    Who maps it reads it again in large ones (Linux, transparent huge pages), of which the processor remembers where
    they are: with small ones of 4 kB, looking that up can take longer than all else that is done with a row.
    """
    if sys.platform == "linux":
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
