"""Read one table of a raw source and bring it into the form that a snapshot holds."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import polars as pl

from poc.data.columns import to_date, to_float, to_id, to_whole
from poc.errors import SnapshotError

KEYS = ("security_id", "date")
ALIASES = {"close_adj": "close", "as_of_date": "date"}
"""Other names under which a source may hold a column."""
TEXT = (pl.String, pl.Categorical, pl.Enum)
LARGE_SHARE, MID_SHARE = 0.70, 0.90


FACTORS = ("mkt_rf", "smb", "hml", "rmw", "cma", "umd", "rf")
RET_NUMBERS = ("ret", "resret", "openret", "resopenret", "vol", "close", "adv", "delist_ret")


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """Form of a table in a snapshot.

    Args:
        files: names of its file in a source, without suffix.
        required: columns that must be there.
        whole: columns that hold whole numbers, and their dtype.
        numbers: columns that hold other numbers, as Float32.
        keeps_further: any further column of numbers is kept, as Float32, but for names of the `ret` table's.
        keeps_text: any further column of text is kept, too.
    """

    files: tuple[str, ...]
    required: tuple[str, ...]
    whole: dict[str, type[pl.DataType]]
    numbers: tuple[str, ...] = ()
    keeps_further: bool = False
    keeps_text: bool = False

    def keeps(self, column: str, dtype: pl.DataType) -> bool:
        """Whether a column of a source goes into the snapshot."""
        if column in (*self.required, *self.whole, *self.numbers):
            return True
        of_use = self.keeps_text if dtype in TEXT else dtype.is_numeric() or dtype == pl.Boolean
        return self.keeps_further and of_use and column not in RET_NUMBERS


SPECS = {
    "ret": TableSpec(files=("ret",), required=(*KEYS, "ret"), whole={}, numbers=RET_NUMBERS),
    "risk": TableSpec(
        files=("risk",),
        required=(*KEYS, "industry_id", "mcap"),
        whole={"industry_id": pl.Int32, "sector_id": pl.Int32, "cap": pl.Int8},
        numbers=("mcap", "adv"),
        keeps_further=True,
        keeps_text=True,
    ),
    "trading_date": TableSpec(
        files=("trading_date",),
        required=("date",),
        whole={"n": pl.Int32, "insample": pl.Int8, "insample2": pl.Int8},
    ),
    "universe": TableSpec(
        files=("descriptor", "universe"),
        required=(*KEYS, "universe_flag"),
        whole={"universe_flag": pl.Int8},
    ),
    "factors": TableSpec(files=("factors",), required=("date",), whole={}, numbers=FACTORS, keeps_further=True),
}
OPTIONAL_TABLES = ("universe", "factors")


@dataclass(frozen=True)
class Table:
    """A table as read: the frame in the form of a snapshot, what is wrong, and the columns that were left out."""

    frame: pl.DataFrame
    problems: tuple[str, ...]
    left_out: tuple[str, ...]


def find_source_file(folder: Path, name: str) -> Path | None:
    """The file of a table in a raw source, parquet before pickle; None where there is none.

    Raises:
        SnapshotError: two files that could both be meant.
    """
    found = []
    for stem in SPECS[name].files:
        candidates = [folder / f"{stem}{suffix}" for suffix in (".parquet", ".pkl")]
        found += [path for path in candidates if path.is_file()][:1]
    if len(found) > 1:
        raise SnapshotError(f"{folder} holds both {found[0].name} and {found[1].name}. Take one of them away.")
    return found[0] if found else None


def read_table(path: Path, name: str, *, trust_pickle: bool = False) -> Table:
    """Read a source file and normalise it, one column at a time, so that memory holds little more than the result.

    Dates become Date, ids Int64 or String, whole numbers Int32 or Int8, all other numbers Float32 with NaN as null;
    rows are sorted by (date, security_id), the calendar is left as it is; `n` and `cap` are made where absent.

    Raises:
        SnapshotError: the file cannot be read, or is a pickle that is not trusted.
    """
    source = _scan(path, trust_pickle=trust_pickle)
    schema = source.collect_schema()
    names = _column_names(schema.names(), path)
    spec = SPECS[name]
    problems = [f"{path.name}: the column `{column}` is missing." for column in spec.required if column not in names]
    columns, left_out = [], []
    for column, source_name in names.items():
        if not spec.keeps(column, schema[source_name]):
            left_out.append(column)
            continue
        try:
            columns.append(_convert(source.select(source_name).collect().to_series().alias(column), spec))
        except SnapshotError as error:
            problems.append(f"{path.name}: {error}")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise SnapshotError(f"{path} cannot be read: {error}") from None
    frame = _complete(pl.DataFrame(columns), name)
    return Table(frame, tuple(problems), tuple(left_out))


def _scan(path: Path, *, trust_pickle: bool) -> pl.LazyFrame:
    if path.suffix == ".pkl":
        return _read_pickle(path, trust_pickle=trust_pickle)
    try:
        scan = pl.scan_parquet(path)
        scan.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SnapshotError(f"{path} cannot be read: {error}") from None
    return scan


def _read_pickle(path: Path, *, trust_pickle: bool) -> pl.LazyFrame:
    if not trust_pickle:
        raise SnapshotError(
            f"{path} is a pickle, and reading a pickle can run any code that its author put in. Save the table as "
            f"{path.stem}.parquet, or say trust_pickle=True if you know where it comes from."
        )
    warnings.warn(f"Reading the pickle {path}, which can run code: trusted on request.", UserWarning, stacklevel=2)
    try:
        frame = pd.read_pickle(path)  # noqa: S301, TID251 - the one converter of old tables, and only when it is trusted
    except Exception as error:  # noqa: BLE001 - a broken pickle can raise anything
        raise SnapshotError(f"{path} cannot be read: {error!r}") from None
    if not isinstance(frame, pd.DataFrame):
        raise SnapshotError(f"{path} holds a {type(frame).__name__}; allowed: a pandas DataFrame.")
    if any(level is not None for level in frame.index.names):
        frame = frame.reset_index()
    return pl.from_pandas(frame).lazy()


def _column_names(names: list[str], path: Path) -> dict[str, str]:
    """The name in the source by the name in the snapshot."""
    kept = [name for name in names if not name.startswith("__index_level_")]
    doubled = [name for name in kept if name in ALIASES and ALIASES[name] in kept]
    if doubled:
        raise SnapshotError(f"{path} holds both `{doubled[0]}` and `{ALIASES[doubled[0]]}`, two names of one column.")
    return {ALIASES.get(name, name): name for name in kept}


def _convert(column: pl.Series, spec: TableSpec) -> pl.Series:
    if column.name == "security_id":
        return to_id(column)
    if column.name == "date":
        return to_date(column)
    if column.name in spec.whole:
        return to_whole(column, spec.whole[column.name])
    if column.dtype in TEXT and column.name not in (*spec.required, *spec.numbers):
        return column.cast(pl.String)
    return to_float(column)


def _complete(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Sort the rows and make `n` or `cap` where absent."""
    if name == "trading_date":
        return frame if "n" in frame.columns else frame.with_columns(number_days())
    if name == "factors" and "date" in frame.columns:
        return frame.select("date", pl.exclude("date")).sort("date")
    if not set(KEYS) <= set(frame.columns):
        return frame
    frame = frame.select(*KEYS, pl.exclude(KEYS)).sort("date", "security_id")
    if name == "risk" and "cap" not in frame.columns and "mcap" in frame.columns:
        frame = frame.with_columns(make_cap(frame))
    return frame


def number_days() -> pl.Expr:
    """Column `n` of the calendar: 1, 2, 3 ..."""
    return pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("n")


def make_cap(risk: pl.DataFrame) -> pl.Series:
    """Size bucket of each row from `mcap`: 1 large, 2 mid, 3 small, null where `mcap` is.

    Each date, in descending order of `mcap` (ties by `security_id`), a name is large while the share of capitalisation
    before it is below 70%, mid below 90%, else small.

    Args:
        risk: `security_id`, `date`, `mcap` (dollars).

    Returns:
        Int8 series `cap`, in the row order of `risk`.
    """
    mcap = pl.col("mcap").cast(pl.Float64)
    before = mcap.cum_sum().shift(1, fill_value=0).over("date")
    total = mcap.sum().over("date")
    cap = pl.when(before < LARGE_SHARE * total).then(1).when(before < MID_SHARE * total).then(2).otherwise(3)
    ranked = risk.lazy().select("security_id", "date", "mcap").with_row_index("row")
    ranked = ranked.sort(["date", "mcap", "security_id"], descending=[False, True, False], nulls_last=True)
    made = pl.when(pl.col("mcap").is_not_null()).then(cap).cast(pl.Int8).alias("cap")
    return ranked.select("row", made).sort("row").collect().get_column("cap")
