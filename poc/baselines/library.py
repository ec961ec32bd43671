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

from poc.baselines.window_kernels import over_window
from poc.contract.arrays import frozen
from poc.data.catalog import DataCatalog
from poc.data.panel import Panel
from poc.errors import BacktestError

MIN_SHARE = 0.8
"""Least share of a window's returns that must be present."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A baseline and what it needs.

    Attributes:
        name: as in `BASELINE_REGISTRY`.
        description: one line for the report.
        values: its value on each row of a panel, (R,), known at the close, NaN where there is none; raises
            BacktestError where the snapshot lacks a column.
    """

    name: str
    description: str
    values: Callable[[Panel], Floats]

    def generate(self, catalog: DataCatalog) -> pd.DataFrame:
        """The contract frame of this baseline on a snapshot."""
        return _frame(catalog.panel, self.values(catalog.panel))


def generate_reversal_signal(catalog: DataCatalog, days: int = 5) -> pd.DataFrame:
    """Minus the compounded return of the past `days` trading days, the day of the row included.

    Source: Lehmann (1990), Fads, Martingales, and Market Efficiency.
    """
    return _frame(catalog.panel, _reversal(catalog.panel, days))


def generate_momentum_signal(catalog: DataCatalog, days: int = 252, skip: int = 21) -> pd.DataFrame:
    """Compounded return over the trading days t-251 to t-21: `days` to the day of the row, the last `skip` left out.

    Source: Jegadeesh and Titman (1993), Returns to Buying Winners and Selling Losers.
    """
    return _frame(catalog.panel, _momentum(catalog.panel, days, skip))


def generate_value_signal(catalog: DataCatalog) -> pd.DataFrame:
    """The `value` exposure, at most 5 trading days old.

    Raises:
        BacktestError: the snapshot has no such exposure.
    """
    return _frame(catalog.panel, _value(catalog.panel))


def generate_low_volatility_signal(catalog: DataCatalog, days: int = 252) -> pd.DataFrame:
    """Minus the standard deviation (ddof 1) of the past `days` daily returns.

    Source: Ang, Hodrick, Xing and Zhang (2006), The Cross-Section of Volatility and Expected Returns.
    """
    return _frame(catalog.panel, -volatility(catalog.panel, days))


def generate_size_signal(catalog: DataCatalog) -> pd.DataFrame:
    """Minus the logarithm of `mcap`, at most 20 trading days old; names without a positive one are left out.

    Source: Banz (1981), The Relationship between Return and Market Value of Common Stocks.
    """
    return _frame(catalog.panel, _minus_log(catalog.panel.mcap))


def generate_liquidity_signal(catalog: DataCatalog) -> pd.DataFrame:
    """Minus the logarithm of `adv`, at most 20 trading days old; names without a positive one are left out.

    Source: Amihud (2002), Illiquidity and Stock Returns.

    Raises:
        BacktestError: the snapshot has no such column.
    """
    return _frame(catalog.panel, _liquidity(catalog.panel))


def _reversal(panel: Panel, days: int = 5) -> Floats:
    value = compounded_return(panel, days)
    return np.negative(value, out=value)


def _momentum(panel: Panel, days: int = 252, skip: int = 21) -> Floats:
    return compounded_return(panel, days - skip, skip=skip)


def _low_volatility(panel: Panel) -> Floats:
    return -volatility(panel, 252)


def _value(panel: Panel) -> Floats:
    if "value" not in panel.style_names:
        raise BacktestError(_lacking("risk table has no column 'value'"))
    value: Floats = panel.styles[panel.style_names.index("value")].astype(np.float64)
    return value


def _size(panel: Panel) -> Floats:
    return _minus_log(panel.mcap)


def _liquidity(panel: Panel) -> Floats:
    if np.isnan(panel.adv).all():
        raise BacktestError(_lacking("ret and risk tables have no column 'adv'"))
    return _minus_log(panel.adv)


def _lacking(what: str) -> str:
    return f"The snapshot's {what}; add it to the source and create the snapshot again, or leave this baseline out."


def _minus_log(values: NDArray[np.floating[Any]]) -> Floats:
    exact = values.astype(np.float64)
    return np.negative(np.log(exact, out=np.full(len(exact), np.nan), where=exact > 0))


def compounded_return(panel: Panel, window: int, *, skip: int = 0) -> Floats:
    """Compounded return over the `window` trading days that end `skip` days before the day of each row.

    Returns:
        (R,) fractions; NaN where less than 80% of the window's returns are present.
    """
    growth, _ = _over_window(panel, panel.returns["ret"], window, skip=skip, least=MIN_SHARE * window, compound=True)
    growth -= 1
    return growth


def volatility(panel: Panel, window: int) -> Floats:
    """Standard deviation (ddof 1) of the returns over the `window` trading days that end on the day of each row.

    Returns:
        (R,) fractions a day; NaN where less than 80% of the window's returns are present.
    """
    ret, least = frozen(panel.returns["ret"].astype(np.float64)), max(2, MIN_SHARE * window)
    total, count = _over_window(panel, ret, window, least=least)
    squares, _ = _over_window(panel, frozen(ret**2), window, least=least)
    count = np.maximum(count, 2)
    variance = (squares - total**2 / count) / (count - 1)
    variance[variance < 1e-14 * squares] = 0  # equal returns: what is left is rounding
    return np.sqrt(variance)


def _over_window(
    panel: Panel, values: NDArray[np.floating[Any]], window: int, *, skip: int = 0, least: float, compound: bool = False
) -> tuple[Floats, NDArray[np.int32]]:
    """(R,) what the values of the window make (`over_window`), NaN where there are too few, and (R,) their number."""
    out, count = np.empty(len(values)), np.empty(len(values), np.int32)
    where = (panel.security, panel.offsets, len(panel.securities))
    over_window(values, *where, window, skip, least, compound, out, count)
    return out, count


def _frame(panel: Panel, signal: Floats) -> pd.DataFrame:
    """Contract frame of the rows that traded, have a signal and are followed by a trading day."""
    day = np.repeat(np.arange(panel.n_days), np.diff(panel.offsets))
    rows = np.flatnonzero(panel.traded & np.isfinite(signal) & (day + 1 < len(panel.dates)))
    return pl.DataFrame(
        {
            "security_id": panel.securities[panel.security[rows]],
            "date_sig": panel.dates[day[rows]],
            "date_avail": panel.dates[day[rows] + 1],
            "signal": signal[rows],
        }
    ).to_pandas()


BASELINE_REGISTRY: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Baseline(
            name="reversal_5d",
            description="Minus the compounded return of the past 5 trading days.",
            values=_reversal,
        ),
        Baseline(
            name="momentum_12_1",
            description="Compounded return of the past 252 trading days, the last 21 left out.",
            values=_momentum,
        ),
        Baseline(name="value", description="The value exposure.", values=_value),
        Baseline(
            name="low_volatility",
            description="Minus the standard deviation of the past 252 daily returns.",
            values=_low_volatility,
        ),
        Baseline(name="size", description="Minus the logarithm of the market capitalisation.", values=_size),
        Baseline(
            name="liquidity",
            description="Minus the logarithm of the average daily dollar volume.",
            values=_liquidity,
        ),
    )
}
