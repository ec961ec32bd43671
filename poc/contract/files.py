"""Signal files: read them, convert an old pickle once, and say by a hash which signal it is."""

import hashlib
import json
import pickle  # noqa: TID251  # only for the name of its error
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from poc.contract.columns import KEY, REQUIRED, TYPES, convert_column, order_rows
from poc.errors import ContractError

_PICKLES = (".pkl", ".pickle")
_ARROW = (".feather", ".arrow", ".ipc")
_BROKEN_PICKLE = (
    OSError,
    pickle.UnpicklingError,
    EOFError,
    ImportError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
HASHED_ROWS = 1 << 20
"""Rows that are hashed together: few enough for what is made on the way to take no memory worth mentioning."""

_INTEGER = r"^(0|-?[1-9][0-9]*)$"


def read_signal_file(path: str | Path) -> pl.DataFrame:
    """Read a signal file: .parquet, .csv, or .feather (.arrow, .ipc).

    CSV is comma-separated with a header. `security_id` becomes Int64 if every id is a whole number without leading
    zeros, else it stays text; dates (ISO) and numbers are converted if every value can be. A column that cannot be
    converted stays text, so that `validate_signal_df` names its rows together with everything else.

    Raises:
        ContractError: no such file, a kind of file that is not read, or a file that is broken.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise ContractError(
            f"{path} is a pickle; opening one can run any code, so signals are never read from it. "
            f"If you trust who made it, convert it once: poc convert {path} --trust-pickle"
        )
    if suffix not in (".parquet", ".csv", *_ARROW):
        raise ContractError(
            f"{path} is not a kind of file that is read. Save the signal as .parquet, .csv or .feather."
        )
    if not path.is_file():
        raise ContractError(f"There is no file {path}. Check the name and the folder.")
    try:
        if suffix == ".csv":
            return _with_types(pl.read_csv(path, infer_schema=False))
        frame = pl.read_parquet(path) if suffix == ".parquet" else pl.read_ipc(path)
        return frame.rechunk()  # columns in one piece are shared from here on, others would be copied
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ContractError(f"{path} cannot be read as {suffix}: {error}. Write the file again.") from error


def convert_pickle(path: str | Path, out: str | Path, *, trust_pickle: bool) -> Path:
    """Write the DataFrame in a pickle as parquet, with named index levels as columns. Returns `out`.

    Raises:
        ContractError: `trust_pickle` is False, `out` is not a new .parquet file, or the pickle is broken or holds
            something else.
    """
    path, out = Path(path), Path(out)
    if not trust_pickle:
        raise ContractError(
            f"{path} is not opened: opening a pickle can run any code. "
            "If you trust who made it, say so: --trust-pickle (trust_pickle=True)."
        )
    if out.suffix.lower() != ".parquet" or out.exists():
        raise ContractError(f"{out} must be the name of a new file that ends in .parquet.")
    try:
        frame = pd.read_pickle(path)  # noqa: S301, TID251  # the user says that it is trusted
    except _BROKEN_PICKLE as error:
        raise ContractError(f"{path} cannot be opened as a pickle: {error}.") from error
    if not isinstance(frame, pd.DataFrame):
        raise ContractError(f"{path} holds a {type(frame).__name__}; a signal is a pandas DataFrame.")
    named = any(name is not None for name in frame.index.names)
    try:
        frame.to_parquet(out, index=named)
    except (pa.ArrowException, ValueError) as error:
        out.unlink(missing_ok=True)
        raise ContractError(f"{path} cannot be written as parquet: {error}.") from error
    return out


def signal_hash(clean: pl.DataFrame) -> str:
    """SHA-256 (hexadecimal) of the whole content of a cleaned signal.

    Equal for equal ids, dates, hours and Float64 values, whatever the order of the rows and the file they came from.
    (0.1 as Float32 and 0.1 as Float64 are different numbers.)

    Args:
        clean: as in `ValidationResult`: `security_id, date_sig, date_avail, signal`, with or without `avail_hour`.
    """
    columns = [*REQUIRED[1:]]
    if "avail_hour" in clean.columns and clean["avail_hour"].null_count() < clean.height:
        columns.append("avail_hour")
    order = order_rows(clean, *KEY)
    rows = np.arange(clean.height, dtype=np.int32) if order is None else order
    ids = clean["security_id"][rows].rle().struct  # text is long: each id once, with the number of its rows
    digest = hashlib.sha256(json.dumps([columns, ids.field("value").to_list()]).encode())
    digest.update(_bytes(ids.field("len")))
    for name in columns:
        for begin in range(0, len(rows), HASHED_ROWS):
            digest.update(_bytes(clean[name][rows[begin : begin + HASHED_ROWS]]))
    return digest.hexdigest()


def _bytes(column: pl.Series) -> bytes:
    """The values, little-endian, with one zero and one NaN."""
    values = column.to_physical().to_numpy()  # null becomes NaN
    if column.dtype.is_float():
        values = np.where(np.isnan(values), np.nan, values + 0.0)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _with_types(text: pl.DataFrame) -> pl.DataFrame:
    """The contract's columns of a table of text in their types, where that loses nothing; the others as they are."""
    for name in [name for name in TYPES if name in text.columns]:
        raw = text[name]
        if name == "security_id":
            values = raw.cast(pl.Int64, strict=False)
            lossless = values.null_count() == raw.null_count() and raw.str.contains(_INTEGER).all()
        else:
            column = convert_column(name, raw)
            values, lossless = column.values, not column.bad.any()
        if lossless:
            text = text.with_columns(values)
    return text
