"""Slices: the groups that a run is cut into, from the names in `BacktestConfig.slices` and frames of the user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from poc.contract.arrays import Codes, encode
from poc.contract.columns import convert_days, convert_ids, get_column, names
from poc.data.panel import GROUP_MAX_AGE, Panel, latest_known_row
from poc.engine.config import BacktestConfig
from poc.errors import BacktestError, ContractError

Ints = NDArray[Any]
Groups = Mapping[str, pd.DataFrame | pl.DataFrame]
"""Frames by name: `date` and a label (a regime), or `security_id`, `date` and a label (groups of names)."""

BUILT_IN = ("overall", "year", "cap", "capyr", "sector", "industry", "insample")
CAP_NAMES = ("Large Cap", "Mid Cap", "Small Cap")
MOST_GROUPS = 200
"""A column or a frame with more distinct values is a measure, not a way to group."""


class Labels(NamedTuple):
    """Names of groups, and the group of each day (T,) or of each panel row (R,) as an index into them, -1 none."""

    labels: tuple[str, ...]
    code: Ints


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """One book a day: all names, or a group of a slice."""

    slice_name: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Slices:
    """What a run is cut into.

    Attributes:
        portfolios: those with books of their own; the first holds all names.
        codes: S times (R,) the group of each row in each slice that has portfolios, -1 none.
        sizes: (S,) their numbers of groups.
        cuts: for slices of a series by the day of its return; the calendar year is always there.
    """

    portfolios: tuple[Portfolio, ...]
    codes: tuple[Ints, ...]
    sizes: Ints
    cuts: dict[str, Labels]

    def codes_of(self, rows: slice) -> Ints:
        """(S, n) the codes of some rows."""
        codes = [code[rows].astype(np.int16) for code in self.codes]
        return np.array(codes, np.int16).reshape(-1, rows.stop - rows.start)


def find_slices(panel: Panel, slice_names: Sequence[str], groups: Groups) -> Slices:
    """Look every slice up: what is built in, else a frame of `groups`, else a column of the risk table.

    Raises:
        BacktestError: an unknown name, or a column or frame that does not hold groups.
        ContractError: a frame without the columns or the keys that it needs.
    """
    portfolios = [Portfolio(slice_name="overall", group="overall")]
    codes, sizes = [], []
    cuts = {"year": year_of_days(panel)}
    for name in dict.fromkeys("cap" if name == "capyr" else name for name in slice_names):
        cut = _find_cut(name, panel, groups)
        if cut is not None:
            cuts[name] = cut
        elif name != "overall":
            found = groups_of_rows(name, panel, groups)
            codes.append(found.code)
            sizes.append(len(found.labels))
            portfolios += [Portfolio(slice_name=name, group=label) for label in found.labels]
    return Slices(portfolios=tuple(portfolios), codes=tuple(codes), sizes=np.array(sizes, np.int64), cuts=cuts)


def year_of_days(panel: Panel) -> Labels:
    """The calendar year of each trading day."""
    years, code = np.unique(panel.dates.astype("datetime64[Y]"), return_inverse=True)
    return Labels(tuple(map(str, years)), code)


def groups_of_rows(name: str, panel: Panel, groups: Groups) -> Labels:
    """The group of each panel row: built in, a frame's (of that very day), or a risk column's (20 days at most).

    Raises:
        BacktestError, ContractError: as `find_slices`.
    """
    if name == "cap":
        return Labels(CAP_NAMES, panel.cap - np.int8(1))
    if name in ("sector", "industry"):
        ids = panel.sector_ids if name == "sector" else panel.industry_ids
        if not len(ids):
            raise BacktestError(f"{name!r} needs the column {name}_id of the risk table, which the snapshot lacks.")
        return Labels(tuple(str(i) for i in ids), panel.sector if name == "sector" else panel.industry)
    if name in groups:
        frame = frame_of_names(name, groups[name])
        labels = encode_labels(frame["label"], f"groups[{name!r}]")
        return Labels(labels.labels, _on_rows(labels.code, panel_rows(frame, panel), panel))
    return _risk_column(name, panel)


def read_frame(name: str, frame: pd.DataFrame | pl.DataFrame) -> pl.DataFrame:
    """A frame of the user as `date, label`, or `security_id, date, label` where it has securities.

    Raises:
        ContractError: a column too few or too many, or keys that are missing, doubled or not to be read.
    """
    keys = [key for key in ("security_id", "date") if key in frame.columns]
    further = [column for column in frame.columns if column not in keys]
    if "date" not in keys or len(further) != 1:
        raise ContractError(
            f"groups[{name!r}] has the columns {names(frame.columns)}; expected: 'date', or 'security_id' and 'date', "
            "and one column with the label of the group."
        )
    read = pl.DataFrame({"label": get_column(frame, further[0])})
    for key in keys:
        raw = get_column(frame, key)
        converted = convert_days(raw) if key == "date" else convert_ids(raw)
        wrong = converted.values.is_null().arg_true()
        if len(wrong):
            first = ", ".join(f"row {row} ({raw[row]})" for row in wrong.head(5))
            raise ContractError(
                f"groups[{name!r}]: {key!r} cannot be read in {len(wrong)} rows; expected: {converted.expected}. "
                f"The first: {first}."
            )
        read = read.with_columns(converted.values.alias(key))
    doubled = read.filter(pl.struct(keys).is_duplicated()).select(keys)
    if len(doubled):
        raise ContractError(
            f"groups[{name!r}]: {len(doubled)} rows repeat another's {' and '.join(keys)}; the first: "
            f"{doubled.head(5).rows()}. Keep one row for each."
        )
    return read


def frame_of_names(name: str, frame: pd.DataFrame | pl.DataFrame) -> pl.DataFrame:
    """A frame of the user as `security_id, date, label`.

    Raises:
        ContractError: as `read_frame`, or there are no securities.
    """
    read = read_frame(name, frame)
    if "security_id" not in read.columns:
        raise ContractError(f"groups[{name!r}] groups days; to sort names it needs the column 'security_id'.")
    return read


def encode_labels(values: pl.Series, what: str) -> Labels:
    """Distinct values in ascending order as text, and the index of each, -1 where missing.

    Raises:
        BacktestError: neither text nor whole numbers, nothing but missing values, or too many distinct ones.
    """
    if values.dtype.is_float():
        values = values.fill_nan(None)
        broken = values.filter(values != values.round())
        if len(broken):
            raise BacktestError(f"{what} holds {broken[0]:g}: a group is named by text or by a whole number.")
        values = values.cast(pl.Int64)
    elif not values.dtype.is_integer():
        values = values.cast(pl.String, strict=False)
    distinct = values.drop_nulls().unique().sort()
    if not 0 < len(distinct) <= MOST_GROUPS:
        raise BacktestError(f"{what} holds {len(distinct)} distinct values; a way to group has 1 to {MOST_GROUPS}.")
    code = values.replace_strict(distinct, pl.int_range(len(distinct), eager=True), default=-1, return_dtype=pl.Int32)
    return Labels(tuple(map(str, distinct)), code.fill_null(-1).to_numpy())


def panel_rows(frame: pl.DataFrame, panel: Panel) -> Ints:
    """(n,) panel row of each `security_id, date`, -1 where there is none."""
    day = np.searchsorted(panel.dates, frame["date"].to_numpy().astype("datetime64[D]"))
    day = _where_equal(panel.dates, frame["date"].to_numpy().astype("datetime64[D]"), day)
    security = security_index(frame["security_id"], panel.securities).astype(np.int64)
    n = len(panel.securities)
    keys = np.repeat(np.arange(panel.n_days) * n, np.diff(panel.offsets)) + panel.security
    wanted = np.where((day >= 0) & (security >= 0), day * n + security, -1)
    return _where_equal(keys, wanted, np.searchsorted(keys, wanted))


def security_index(ids: pl.Series, securities: NDArray[Any]) -> Ints:
    """Index of each id in `securities`, -1 where it is not there."""
    codes = encode(ids)
    return np.append(index_by_code(codes, securities), np.int32(-1))[codes.code]


def index_by_code(codes: Codes, securities: NDArray[Any]) -> NDArray[np.int32]:
    """(codes,) index in `securities` of what each code stands for, -1 where it is not there."""
    values = codes.values.to_numpy()
    if codes.values.dtype.is_integer() != (securities.dtype.kind in "iu"):
        return np.full(len(values), -1, np.int32)
    return _where_equal(securities, values, np.searchsorted(securities, values)).astype(np.int32)


def _where_equal(values: NDArray[Any], wanted: NDArray[Any], at: Ints) -> Ints:
    """`at` where the value there is the wanted one, else -1."""
    at = np.minimum(at, len(values) - 1)
    return np.asarray(np.where(values[at] == wanted, at, -1))


def _on_rows(code: Ints, rows: Ints, panel: Panel) -> Ints:
    """(R,) codes written on their panel rows, -1 elsewhere."""
    out = np.full(len(panel.security), -1, np.int32)
    out[rows[rows >= 0]] = code[rows >= 0]
    return out


def refuse_idle_frames(config: BacktestConfig, groups: Groups) -> None:
    """Refuse frames that nothing asks for, or that could be mistaken for something else.

    Raises:
        BacktestError: there is such a frame.
    """
    used = {*config.slices, *(config.double_sort or ())}
    taken = [name for name in groups if name in BUILT_IN]
    if taken:
        raise BacktestError(f"groups has a frame {names(taken)}, which is the name of a slice that is built in.")
    idle = [name for name in groups if name not in used]
    if idle:
        raise BacktestError(f"groups has a frame {names(idle)} that config.slices does not name. Add it to the slices.")


def _find_cut(name: str, panel: Panel, groups: Groups) -> Labels | None:
    """A slice of the series of all names by day; None where `name` is no such slice."""
    if name == "year":
        return year_of_days(panel)
    if name == "insample":
        if panel.insample is None:
            raise BacktestError(
                "The slice 'insample' needs the column insample in trading_date; the snapshot has none."
            )
        return Labels(("in", "out"), np.select([panel.insample == 1, panel.insample == 0], [0, 1], -1))
    if name not in groups or "security_id" in groups[name].columns:
        return None
    frame = read_frame(name, groups[name])
    labels, code = encode_labels(frame["label"], f"groups[{name!r}]")
    day = np.full(panel.n_days, -1, np.int64)
    at = np.searchsorted(panel.dates, frame["date"].to_numpy().astype("datetime64[D]"))
    at = _where_equal(panel.dates, frame["date"].to_numpy().astype("datetime64[D]"), at)
    day[at[at >= 0]] = code[at >= 0]
    return Labels(labels, day)


def _risk_column(name: str, panel: Panel) -> Labels:
    schema = panel.risk.collect_schema()
    columns = [column for column in schema.names() if column not in ("security_id", "date")]
    if name not in columns:
        raise BacktestError(
            f"There is no slice {name!r}. There are {', '.join(BUILT_IN)}; the columns of the risk table that hold "
            f"groups (it has {', '.join(columns)}); and the frames handed to run_backtest as `groups`."
        )
    table = panel.risk.select("security_id", "date", name).collect()
    labels, code = encode_labels(table[name], f"The column {name} of the risk table")
    own = _on_rows(code, panel_rows(table, panel), panel)
    source = latest_known_row(own >= 0, panel.security, panel.offsets, len(panel.securities), GROUP_MAX_AGE)
    return Labels(labels, np.where(source >= 0, own[source], -1).astype(np.int32))
