"""The baselines: known, simple signals that a new signal has to differ from.

Each is an ordinary contract frame: `security_id, date_sig, date_avail, signal`, with `date_avail` the next trading day.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from poc.data.catalog import DataCatalog
from poc.data.panel import Panel
from poc.errors import BacktestError

MIN_SHARE = 0.8
"""Least share of a window's returns that must be present."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A baseline and what it needs.

    Attributes:
        name: as in `BASELINE_REGISTRY`.
        description: one line for the report.
        requires: (table, column) pairs that the snapshot must have.
        generate: makes the contract frame from a catalog; raises BacktestError where a column is missing.
    """

    name: str
    description: str
    requires: tuple[tuple[str, str], ...]
    generate: Callable[[DataCatalog], pd.DataFrame]


def generate_reversal_signal(catalog: DataCatalog, days: int = 5) -> pd.DataFrame:
    """Minus the compounded return of the past `days` trading days, the day of the row included.

    Source: Lehmann (1990), Fads, Martingales, and Market Efficiency.
    """
    return _frame_of_rows(catalog, -compounded_return(catalog.panel, days))


def generate_momentum_signal(catalog: DataCatalog, days: int = 252, skip: int = 21) -> pd.DataFrame:
    """Compounded return over the trading days t-251 to t-21: `days` to the day of the row, the last `skip` left out.

    Source: Jegadeesh and Titman (1993), Returns to Buying Winners and Selling Losers.
    """
    return _frame_of_rows(catalog, compounded_return(catalog.panel, days - skip, skip=skip))


def generate_value_signal(catalog: DataCatalog) -> pd.DataFrame:
    """The `value` exposure of the risk table.

    Raises:
        BacktestError: the snapshot has no such column.
    """
    return _frame_of_column(catalog, pl.col("value"), tables=("risk",))


def generate_low_volatility_signal(catalog: DataCatalog, days: int = 252) -> pd.DataFrame:
    """Minus the standard deviation (ddof 1) of the past `days` daily returns.

    Source: Ang, Hodrick, Xing and Zhang (2006), The Cross-Section of Volatility and Expected Returns.
    """
    return _frame_of_rows(catalog, -volatility(catalog.panel, days))


def generate_size_signal(catalog: DataCatalog) -> pd.DataFrame:
    """Minus the logarithm of `mcap` of the risk table; rows without a positive one are left out.

    Source: Banz (1981), The Relationship between Return and Market Value of Common Stocks.

    Raises:
        BacktestError: the snapshot has no such column.
    """
    return _frame_of_column(catalog, -pl.col("mcap").cast(pl.Float64).log(), tables=("risk",))


def generate_liquidity_signal(catalog: DataCatalog) -> pd.DataFrame:
    """Minus the logarithm of `adv` of the ret table, or of the risk table where ret has none.

    Source: Amihud (2002), Illiquidity and Stock Returns.

    Raises:
        BacktestError: the snapshot has no such column.
    """
    return _frame_of_column(catalog, -pl.col("adv").cast(pl.Float64).log(), tables=("ret", "risk"))


def compounded_return(panel: Panel, window: int, *, skip: int = 0) -> Floats:
    """Compounded return over the `window` trading days that end `skip` days before the day of each row.

    Returns:
        (R,) fractions; NaN where less than 80% of the window's returns are present.
    """
    ret = panel.returns["ret"]
    growth = _over_window(panel, 1 + ret, np.multiply, window=window, skip=skip)
    enough = _count_returns(panel, window, skip=skip) >= MIN_SHARE * window
    return np.where(enough, growth - 1, np.nan)


def volatility(panel: Panel, window: int) -> Floats:
    """Standard deviation (ddof 1) of the returns over the `window` trading days that end on the day of each row.

    Returns:
        (R,) fractions a day; NaN where less than 80% of the window's returns are present.
    """
    ret = panel.returns["ret"]
    count = _count_returns(panel, window)
    total = _over_window(panel, ret, np.add, window=window)
    squares = _over_window(panel, ret**2, np.add, window=window)
    enough = count >= max(2, MIN_SHARE * window)
    count = np.where(enough, count, 2)
    variance = (squares - total**2 / count) / (count - 1)
    variance[variance < 1e-14 * squares] = 0  # equal returns: what is left is rounding
    return np.where(enough, np.sqrt(variance), np.nan)


def _count_returns(panel: Panel, window: int, *, skip: int = 0) -> Floats:
    present = (~np.isnan(panel.returns["ret"])).astype(np.float64)
    return _over_window(panel, present, np.add, window=window, skip=skip)


def _over_window(panel: Panel, values: Floats, combine: np.ufunc, *, window: int, skip: int = 0) -> Floats:
    """Sum or product of a security's values over the `window` trading days that end `skip` days before each row.

    Trading days are cut into blocks of `window` days. A window is then the end of one block and the beginning of the
    next, so two values are combined for any window length. Nothing is ever taken out again, as a running sum would
    do: no rounding builds up, and no result depends on a return outside its window.

    Args:
        panel: gives the day and the security of each row.
        values: (R,); NaN is left out.
        combine: `np.add` or `np.multiply`.
        window: number of trading days.
        skip: trading days between the end of the window and the row.

    Returns:
        (R,), the neutral element where the window is empty.
    """
    n_days, n_securities = len(panel.dates), len(panel.securities)
    day = np.repeat(np.arange(n_days), np.diff(panel.offsets))
    neutral = float(combine.identity)
    values = np.where(np.isnan(values), neutral, values)
    result = np.full(len(values), neutral)
    from_day = np.full((window + 1, n_securities), neutral)  # of the block before: day i to its end
    for first in range(0, n_days, window):
        block = np.full((window, n_securities), neutral)
        rows = _rows_of_days(panel, first, window)
        block[day[rows] - first, panel.security[rows]] = values[rows]
        to_day = combine.accumulate(block)
        rows = _rows_of_days(panel, first + skip, window)
        window_end = day[rows] - skip - first
        security = panel.security[rows]
        result[rows] = combine(from_day[window_end + 1, security], to_day[window_end, security])
        from_day[:-1] = combine.accumulate(block[::-1])[::-1]
    return result


def _rows_of_days(panel: Panel, first: int, count: int) -> slice:
    start, stop = np.clip((first, first + count), 0, len(panel.dates))
    return slice(int(panel.offsets[start]), int(panel.offsets[stop]))


def _frame_of_rows(catalog: DataCatalog, signal: Floats) -> pd.DataFrame:
    """Contract frame of the rows that traded, have a signal and are followed by a trading day."""
    panel = catalog.panel
    day = np.repeat(np.arange(len(panel.dates)), np.diff(panel.offsets))
    rows = np.flatnonzero(panel.traded & np.isfinite(signal) & (day + 1 < len(panel.dates)))
    return pl.DataFrame(
        {
            "security_id": panel.securities[panel.security[rows]],
            "date_sig": panel.dates[day[rows]],
            "date_avail": panel.dates[day[rows] + 1],
            "signal": signal[rows],
        }
    ).to_pandas()


def _frame_of_column(catalog: DataCatalog, signal: pl.Expr, *, tables: tuple[str, ...]) -> pd.DataFrame:
    """Contract frame of an expression over one column of the first of the tables that has it."""
    (column,) = signal.meta.root_names()
    for table in tables:
        rows = pl.scan_parquet(catalog.path / f"{table}.parquet")
        if column in rows.collect_schema():
            break
    else:
        raise BacktestError(
            f"The {' and the '.join(tables)} table of snapshot {catalog.snapshot_id!r} has no column {column!r}; "
            "add the column to the source and create the snapshot again, or leave this baseline out."
        )
    calendar = pl.DataFrame({"date": catalog.calendar}, schema={"date": pl.Date})
    next_day = calendar.with_columns(date_avail=pl.col("date").shift(-1)).drop_nulls().lazy()
    return (
        rows.select("security_id", "date", signal=signal.cast(pl.Float64))
        .filter(pl.col("signal").is_finite())
        .join(next_day, on="date", maintain_order="left")
        .select("security_id", date_sig="date", date_avail="date_avail", signal="signal")
        .collect()
        .to_pandas()
    )


BASELINE_REGISTRY: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Baseline(
            name="reversal_5d",
            description="Minus the compounded return of the past 5 trading days.",
            requires=(("ret", "ret"),),
            generate=generate_reversal_signal,
        ),
        Baseline(
            name="momentum_12_1",
            description="Compounded return of the past 252 trading days, the last 21 left out.",
            requires=(("ret", "ret"),),
            generate=generate_momentum_signal,
        ),
        Baseline(
            name="value",
            description="The value exposure.",
            requires=(("risk", "value"),),
            generate=generate_value_signal,
        ),
        Baseline(
            name="low_volatility",
            description="Minus the standard deviation of the past 252 daily returns.",
            requires=(("ret", "ret"),),
            generate=generate_low_volatility_signal,
        ),
        Baseline(
            name="size",
            description="Minus the logarithm of the market capitalisation.",
            requires=(("risk", "mcap"),),
            generate=generate_size_signal,
        ),
        Baseline(
            name="liquidity",
            description="Minus the logarithm of the average daily dollar volume.",
            requires=(("ret", "adv"),),
            generate=generate_liquidity_signal,
        ),
    )
}
