"""Whether a function that makes a signal looks ahead: its earlier rows must not change when the future is cut off."""

import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import polars as pl

from poc.contract.schema import validate_signal_df
from poc.data.catalog import DataCatalog
from poc.errors import ConfigError, ContractError

SignalFunction = Callable[[DataCatalog], pd.DataFrame | pl.DataFrame]
CUTS = (0.5, 0.7, 0.9)
"""Where the snapshot is cut, as shares of its trading days."""
TOLERANCE = 1e-9
KEYS = ("security_id", "date_sig")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A row that should not have changed when all data after `cut` was cut off.

    Attributes:
        cut: last day of the data.
        security_id, date_sig: which row.
        kind: `value`; `missing`, only there with the future; `extra`, only there without it.
        with_future, without_future: its value; None where the row is not there.
    """

    cut: str
    security_id: str
    date_sig: str
    kind: str
    with_future: float | None
    without_future: float | None


def load_function(name: str) -> SignalFunction:
    """The function `module:function`, the module found as Python finds it from the current folder.

    Raises:
        ConfigError: there is no such module or function.
    """
    module, _, function = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{name!r} cannot be found ({error}); give it as module:function.") from error
    if not callable(found):
        raise ConfigError(f"{name!r} is no function; give module:function of one that takes a DataCatalog.")
    return found  # type: ignore[no-any-return]  # any callable will do


def probe_function(function: SignalFunction, catalog: DataCatalog) -> tuple[Change, ...]:
    """Run the function on the snapshot and on copies that end earlier, and compare the rows known by then.

    A row is known by the close of the day before `date_avail`; by that of `date_avail` itself where its hour, or a
    missing hour on the day that it describes, is after the close. The calendar is not cut: trading days are known.

    Raises:
        ContractError: what the function returns breaks the contract.
    """
    whole = _rows(function, catalog)
    changes: list[Change] = []
    for share in CUTS:
        cut = catalog.calendar[int(share * (len(catalog.calendar) - 1))].astype(object)
        with tempfile.TemporaryDirectory() as folder:
            past = _rows(function, _cut_off(catalog, cut, Path(folder)))
        changes += _compare(_known(whole, catalog, cut), _known(past, catalog, cut), cut)
    return tuple(changes)


def _rows(function: SignalFunction, catalog: DataCatalog) -> pl.DataFrame:
    checked = validate_signal_df(function(catalog), together=False)
    if not checked.valid:
        raise ContractError("\n".join(finding.message for finding in checked.errors))
    return checked.clean


def _cut_off(catalog: DataCatalog, cut: date, root: Path) -> DataCatalog:
    """A copy of the snapshot without what is dated after `cut`, but with the whole calendar."""
    folder = root / catalog.snapshot_id
    folder.mkdir()
    for name in catalog.manifest.tables:
        table = pl.scan_parquet(catalog.path / f"{name}.parquet")
        if name != "trading_date":
            table = table.filter(pl.col("date") <= cut)
        table.collect().write_parquet(folder / f"{name}.parquet")
    (folder / "manifest.json").write_bytes((catalog.path / "manifest.json").read_bytes())
    return DataCatalog(catalog.snapshot_id, root=root)


def _known(rows: pl.DataFrame, catalog: DataCatalog, cut: date) -> pl.DataFrame:
    """The rows that may use no data after `cut`."""
    same_day = pl.col("date_avail") == pl.col("date_sig")
    after_close = same_day
    if "avail_hour" in rows.columns:
        after_close = (pl.col("avail_hour") > catalog.manifest.close_cutoff).fill_null(same_day)
    last = pl.when(after_close).then(pl.col("date_avail")).otherwise(pl.col("date_avail").dt.offset_by("-1d"))
    days = pl.Series("day", catalog.calendar).cast(pl.Date)
    next_day = days.filter(days > cut).min()
    return rows.filter(last < next_day) if next_day is not None else rows


def _compare(whole: pl.DataFrame, past: pl.DataFrame, cut: date) -> Iterator[Change]:
    both = whole.select(*KEYS, with_future="signal").join(
        past.select(*KEYS, without_future="signal"), on=KEYS, how="full", coalesce=True
    )
    size = pl.max_horizontal(pl.col("with_future").abs(), pl.col("without_future").abs(), pl.lit(1e-300))
    differs = (pl.col("with_future") - pl.col("without_future")).abs() > TOLERANCE * size
    changed = both.filter(differs.fill_null(value=True)).sort(*KEYS)
    for row in changed.iter_rows(named=True):
        before, after = row["with_future"], row["without_future"]
        kind = "extra" if before is None else "missing" if after is None else "value"
        yield Change(
            cut=str(cut), security_id=str(row["security_id"]), date_sig=str(row["date_sig"]), kind=kind,
            with_future=before, without_future=after,
        )  # fmt: skip
