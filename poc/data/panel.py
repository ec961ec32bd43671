"""Panel: the arrays that the engine reads, a row a (date, security), sorted by date and then by security.

A row stands wherever the `ret` or the `risk` table has one. Missing numbers are NaN, missing codes -1, a missing cap 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from poc.data.manifest import Manifest
from poc.data.sort_kernels import ABSENT, distinct_ranks, order_by_day
from poc.errors import SnapshotError
from poc.kernel import kernel

EXPOSURE_MAX_AGE = 5
GROUP_MAX_AGE = 20
MOST_SMALL_CODES = 2**15 - 1
ANY_AGE = 2**31 - 1
NOT_A_STYLE = ("security_id", "date", "industry_id", "sector_id", "mcap", "adv", "cap")
_BY_ROW = (
    "security", "traded", "mcap", "adv", "vol", "close", "cap", "sector", "industry", "styles",
    "known_cap", "known_sector", "known_adv", "known_vol",
)  # fmt: skip

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Read-only arrays. T trading days, N securities, R rows, K style exposures.

    Attributes:
        dates: (T,) trading days, `datetime64[D]`.
        securities: (N,) ids as given, ascending.
        offsets: (T + 1,) rows of day t are `offsets[t]:offsets[t + 1]`.
        security: (R,) index into `securities`.
        traded: (R,) the `ret` table has the row, and it is no delisting row.
        in_universe: (R,) flag 1 on that very day; None where the snapshot has no universe table.
        returns: `ret`, `resret`, `openret`, `resopenret` (R,) as fractions, compounded with `delist_ret`; only those
            that the snapshot has. Like all numbers by row they are as precise as the tables, float32 in a snapshot.
        mcap, adv, vol, close: (R,) latest known, at most 20 trading days old.
        cap: (R,) 1 large, 2 mid, 3 small, 0 unknown; at most 20 trading days old.
        sector, industry: (R,) index into `sector_ids`, `industry_ids`; at most 20 trading days old.
        styles: (K, R) exposures, at most 5 trading days old; those of a row lie side by side in memory.
        known_cap, known_sector, known_adv, known_vol: (R,) latest known, of any age.
        insample: (T,) 1 or 0; None where the calendar has no such column.
        factors: (T,) each column of the factors table, NaN where missing; none where the snapshot has no such table.
        risk: the risk table, from which a column that groups names is read when a slice asks for it.
    """

    dates: NDArray[np.datetime64]
    securities: NDArray[Any]
    offsets: Ints
    security: Ints
    traded: Bools
    in_universe: Bools | None
    returns: dict[str, Floats]
    mcap: Floats
    adv: Floats
    vol: Floats
    close: Floats
    cap: Ints
    sector: Ints
    industry: Ints
    sector_ids: Ints
    industry_ids: Ints
    style_names: tuple[str, ...]
    styles: Floats
    known_cap: Ints
    known_sector: Ints
    known_adv: Floats
    known_vol: Floats
    insample: Ints | None
    factors: dict[str, NDArray[np.float64]]
    risk: pl.LazyFrame
    days_per_year: int
    open_cutoff: float
    close_cutoff: float

    @property
    def n_days(self) -> int:
        """T, the number of trading days."""
        return len(self.dates)

    def until(self, last: date) -> "Panel":
        """The same up to a day, that day included: what the shorter tables would give, as no array looks ahead."""
        n_days = int(np.searchsorted(self.dates, np.datetime64(last), side="right"))
        n_rows = self.offsets[n_days]
        return replace(
            self,
            dates=self.dates[:n_days],
            offsets=self.offsets[: n_days + 1],
            in_universe=None if self.in_universe is None else self.in_universe[:n_rows],
            insample=None if self.insample is None else self.insample[:n_days],
            returns={name: values[:n_rows] for name, values in self.returns.items()},
            factors={name: values[:n_days] for name, values in self.factors.items()},
            risk=self.risk.filter(pl.col("date") <= last),
            **{name: getattr(self, name)[..., :n_rows] for name in _BY_ROW},
        )

    @cached_property
    def _places_after(self) -> dict[int, NDArray[np.uint16]]:
        return {}

    def places_after(self, days: int) -> NDArray[np.uint16]:
        """(R,) place of the same security among the rows of the day exactly `days` trading days later, or `ABSENT`.

        Kept for the next caller.
        """
        places = self._places_after.get(days)
        if places is None:
            places = self._places_after[days] = _read_only(
                _places_after(self.security, self.offsets, len(self.securities), days)
            )
        return places

    @cached_property
    def _next_return_ranks(self) -> dict[str, NDArray[np.uint16]]:
        return {}

    def next_return_ranks(self, name: str) -> NDArray[np.uint16]:
        """(R,) rank of each row's return on the next trading day among the distinct ones of its day.

        The lowest is 0, a missing one `ABSENT`. Kept for the next caller.
        """
        ranks = self._next_return_ranks.get(name)
        if ranks is None:
            values, places = self.returns[name].astype(np.float64), self.places_after(1)
            own = distinct_ranks(values, order_by_day(values, self.offsets), self.offsets)
            ranks = self._next_return_ranks[name] = _read_only(_of_next_day(own, places, self.offsets))
        return ranks


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def read_panel(folder: Path, manifest: Manifest) -> Panel:
    """Make the arrays from the tables of a snapshot folder."""
    files = {name: folder / f"{name}.parquet" for name in ("ret", "risk", "trading_date", "universe", "factors")}
    return make_panel(
        {name: _read_numbers(file) for name, file in files.items() if file.exists()},
        risk=pl.scan_parquet(files["risk"]),
        days_per_year=manifest.days_per_year,
        open_cutoff=manifest.open_cutoff,
        close_cutoff=manifest.close_cutoff,
    )


def _read_numbers(file: Path) -> pl.DataFrame:
    """A table without the text columns, which group names and are read only where they are asked for."""
    schema = pl.read_parquet_schema(file)
    return pl.read_parquet(file, columns=[c for c, dtype in schema.items() if c == "security_id" or dtype != pl.String])


def make_panel(
    tables: dict[str, pl.DataFrame],
    *,
    days_per_year: int,
    open_cutoff: float,
    close_cutoff: float,
    risk: pl.LazyFrame | None = None,
) -> Panel:
    """Arrays from tables in the form of a snapshot.

    Args:
        tables: `ret`, `risk`, `trading_date` and, where there are any, `universe` and `factors`; sorted by
            (date, security_id), with no date outside the calendar (but for factors). Float64 columns, which a snapshot
            does not have, keep their precision.
        days_per_year, open_cutoff, close_cutoff: settings, as in a manifest.
        risk: the risk table with its text columns, where `tables` lacks them.
    """
    calendar = tables["trading_date"]
    dates = calendar["date"].to_numpy().astype("datetime64[D]")
    table, style_names = _join_tables(tables)
    securities, security = _encode(table["security_id"])
    day = np.searchsorted(dates, table["date"].to_numpy().astype("datetime64[D]"))
    offsets = np.searchsorted(day, np.arange(len(dates) + 1)).astype(np.int64)
    most = int(np.diff(offsets).max(initial=0))
    if most > ABSENT:
        raise SnapshotError(f"{most:,} securities have a row on one day; at most {ABSENT:,} can be handled.")

    def latest(values: NDArray[Any], known: Bools, max_age: int, missing: float) -> NDArray[Any]:
        if known.all():
            return values
        source = latest_known_row(known, security, offsets, len(securities), max_age)
        return np.asarray(np.where(source >= 0, values[source], values.dtype.type(missing)))

    def number(name: str, max_age: int) -> Floats:
        values = _floats(table, name)
        return latest(values, ~np.isnan(values), max_age, np.nan)

    def code(values: Ints, max_age: int, missing: int = -1) -> Ints:
        return latest(values, values != missing, max_age, missing)

    sector_ids, sector = _codes(table, "sector_id")
    industry_ids, industry = _codes(table, "industry_id")
    cap = table["cap"].fill_null(0).to_numpy().astype(np.int8)
    panel = Panel(
        dates=dates,
        securities=securities,
        offsets=offsets,
        security=security,
        traded=table["_traded"].to_numpy(),
        in_universe=table["_in_universe"].to_numpy() if "_in_universe" in table.columns else None,
        returns=_returns(table),
        mcap=number("mcap", GROUP_MAX_AGE),
        adv=number("adv", GROUP_MAX_AGE),
        vol=number("vol", GROUP_MAX_AGE),
        close=number("close", GROUP_MAX_AGE),
        cap=code(cap, GROUP_MAX_AGE, missing=0),
        sector=code(sector, GROUP_MAX_AGE),
        industry=code(industry, GROUP_MAX_AGE),
        sector_ids=sector_ids,
        industry_ids=industry_ids,
        style_names=style_names,
        styles=side_by_side([number(name, EXPOSURE_MAX_AGE).astype(np.float32) for name in style_names], len(day)),
        known_cap=code(cap, ANY_AGE, missing=0),
        known_sector=code(sector, ANY_AGE),
        known_adv=number("adv", ANY_AGE),
        known_vol=number("vol", ANY_AGE),
        insample=calendar["insample"].to_numpy() if "insample" in calendar.columns else None,
        factors=_factors(tables),
        risk=tables["risk"].lazy() if risk is None else risk,
        days_per_year=days_per_year,
        open_cutoff=open_cutoff,
        close_cutoff=close_cutoff,
    )
    for value in [*vars(panel).values(), *panel.returns.values(), *panel.factors.values()]:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return panel


def _join_tables(tables: dict[str, pl.DataFrame]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """All rows of `ret` and `risk`, with the universe flag; and the names of the style columns."""
    keys = ["date", "security_id"]
    risk = tables["risk"].select(*keys, cs.numeric().exclude(keys))
    ret = tables["ret"].with_columns(_traded=pl.lit(value=True))
    if "delist_ret" in ret.columns:
        ret = ret.with_columns(_traded=pl.col("delist_ret").is_null())
    styles = tuple(c for c, dtype in risk.schema.items() if c not in NOT_A_STYLE and dtype.is_numeric())
    if "adv" in ret.columns and "adv" in risk.columns:
        risk = risk.drop("adv")
    if ret.select(keys).equals(risk.select(keys)):
        table = ret.hstack(risk.drop(keys))
    else:
        table = ret.join(risk, on=keys, how="full", coalesce=True, suffix="_risk").sort(keys)
        table = table.with_columns(pl.col("_traded").fill_null(value=False))
    if "universe" in tables:
        flags = tables["universe"].select(*keys, _in_universe=pl.col("universe_flag") == 1)
        table = table.join(flags, on=keys, how="left", maintain_order="left")
        table = table.with_columns(pl.col("_in_universe").fill_null(value=False))
    return table, styles


def side_by_side(columns: Sequence[Floats], n_rows: int) -> Floats:
    """(K, n_rows) as many columns, the values of a row next to each other in memory."""
    rows = np.empty((n_rows, len(columns)), columns[0].dtype if columns else np.float32)
    for place, column in enumerate(columns):
        rows[:, place] = column
    return rows.T


def _encode(ids: pl.Series) -> tuple[NDArray[Any], Ints]:
    """Distinct values in ascending order, and each row's index into them."""
    distinct = ids.drop_nulls().unique().sort()
    if distinct.dtype.is_integer():
        index = np.searchsorted(distinct.to_numpy(), ids.fill_null(0).to_numpy()).astype(np.int32)
        if ids.null_count():
            index[ids.is_null().to_numpy()] = -1
        return distinct.to_numpy().copy(), index
    return distinct.to_numpy().astype(np.str_), ids.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int32)


def _codes(table: pl.DataFrame, name: str) -> tuple[Ints, Ints]:
    if name not in table.columns:
        return np.empty(0, np.int32), np.full(table.height, -1, np.int16)
    ids, index = _encode(table[name])
    return ids, index.astype(np.int16) if len(ids) <= MOST_SMALL_CODES else index


def _floats(table: pl.DataFrame, name: str) -> Floats:
    if name not in table.columns:
        return np.full(table.height, np.nan, np.float32)
    column = table[name]
    return (column if column.dtype == pl.Float64 else column.cast(pl.Float32)).fill_null(np.nan).to_numpy()


def _returns(table: pl.DataFrame) -> dict[str, Floats]:
    names = [str(name) for name in ("ret", "resret", "openret", "resopenret") if name in table.columns]
    returns = {name: _floats(table, name).copy() for name in names}
    if "delist_ret" in table.columns:
        delisting = _floats(table, "delist_ret").astype(np.float64)
        ended = np.flatnonzero(~np.isnan(delisting))
        for values in returns.values():
            before = np.nan_to_num(values[ended].astype(np.float64))
            values[ended] = (1 + before) * (1 + delisting[ended]) - 1
    return returns


def _factors(tables: dict[str, pl.DataFrame]) -> dict[str, NDArray[np.float64]]:
    if "factors" not in tables:
        return {}
    table = tables["trading_date"].select("date").join(tables["factors"], on="date", how="left", maintain_order="left")
    return {name: _floats(table, name).astype(np.float64) for name in table.columns if name != "date"}


@kernel
def latest_known_row(known: Bools, security: Ints, offsets: Ints, n_securities: int, max_age: int) -> Ints:
    """(R,) row of the security's latest known value, at most `max_age` days old, or -1."""
    row = np.full(n_securities, -1, np.int64)
    day = np.zeros(n_securities, np.int64)
    out = np.empty(len(known), np.int64)
    for t in range(len(offsets) - 1):
        for r in range(offsets[t], offsets[t + 1]):
            s = security[r]
            if known[r]:
                row[s] = r
                day[s] = t
            out[r] = row[s] if t - day[s] <= max_age else -1
    return out


@kernel
def _of_next_day(ranks: NDArray[np.uint16], places: NDArray[np.uint16], offsets: Ints) -> NDArray[np.uint16]:
    """(R,) the rank of the row that `places` points at on the next day, `ABSENT` where there is none."""
    found = np.empty(len(ranks), np.uint16)
    for t in range(len(offsets) - 1):
        for r in range(offsets[t], offsets[t + 1]):
            found[r] = ranks[offsets[t + 1] + places[r]] if places[r] != ABSENT else ABSENT
    return found


@kernel
def _places_after(security: Ints, offsets: Ints, n_securities: int, days: int) -> NDArray[np.uint16]:
    """(R,) place of the same security among the rows of the day exactly `days` trading days later, or `ABSENT`."""
    out = np.full(len(security), ABSENT, np.uint16)
    place = np.full(n_securities, ABSENT, np.uint16)
    for t in range(len(offsets) - 1 - days):
        begin, end = offsets[t + days], offsets[t + days + 1]
        for r in range(begin, end):
            place[security[r]] = r - begin
        for r in range(offsets[t], offsets[t + 1]):
            out[r] = place[security[r]]
        for r in range(begin, end):
            place[security[r]] = ABSENT
    return out
