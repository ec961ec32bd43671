"""Placing: from the rows of a checked signal to one live value a panel row, whether or not it may be traded."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract.align import default_carry_days, formation_days
from poc.contract.arrays import day_numbers, frozen, numbers
from poc.contract.columns import KEY
from poc.contract.row_kernels import rows_by_group
from poc.data.panel import Panel
from poc.engine import placing_kernels
from poc.engine.config import BacktestConfig
from poc.engine.slices import security_index
from poc.errors import ContractError

Floats = NDArray[np.float64]
Ints = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class PlacedSignal:
    """The live value of each panel row at its formation, eligible or not.

    Attributes:
        values: (R,) float64, NaN where no row is live.
        carry_days: as given, or found from the file.
        dropped: rows of the checked signal that are live on no day, by reason.
    """

    values: Floats
    carry_days: int
    dropped: dict[str, int]


def place_signal(rows: pl.DataFrame, panel: Panel, config: BacktestConfig) -> PlacedSignal:
    """Find the live row of every security on every day, and write its value on the panel's rows.

    Args:
        rows: checked signal rows, in any order (`ValidationResult.rows` or `clean`).
    """
    _check_input_type(rows, config)
    available = day_numbers(rows["date_avail"])
    first_day, last_day = day_numbers(panel.dates[[0, -1]])
    inside = (available >= first_day) & (available <= last_day)
    outside = rows.height - int(inside.sum())
    if outside:  # of a signal that was checked without this calendar
        rows = rows.filter(pl.Series(inside))
    formation = formation_of(rows, panel, config)
    carry_days = config.carry_days or default_carry_days(formation, panel.n_days)
    security = frozen(security_index(rows["security_id"], panel.securities))
    lives = _Lives(numbers(rows["signal"]), security, day_numbers(rows["date_sig"]), formation, frozen(_NO_END))
    values, dropped, ascending = _spread(lives, carry_days, panel, config)
    if not ascending:  # some row is formed after one of a later date_sig
        values, dropped, _ = _spread(_find_lives(lives, carry_days, panel), carry_days, panel, config)
    return PlacedSignal(values=values, carry_days=carry_days, dropped=dropped | {"outside_calendar": outside})


def formation_of(rows: pl.DataFrame, panel: Panel, config: BacktestConfig) -> NDArray[np.int32]:
    """(n,) index of the formation day of each signal row, `panel.n_days` where it is beyond the calendar."""
    return formation_days(
        rows["date_avail"],
        rows["avail_hour"] if "avail_hour" in rows.columns else None,
        rows["date_sig"],
        panel.dates,
        from_open=config.from_open,
        open_cutoff=panel.open_cutoff,
        close_cutoff=panel.close_cutoff,
    )


_NO_END = np.empty(0, np.int32)


class _Lives(NamedTuple):
    """Signal rows and the days on which each is its security's live row.

    Attributes:
        signal, security, rank: (n,) value, index of the security (-1 unknown), day number of `date_sig`.
        first: (n,) the first day.
        end: (n,) the day after the last; empty: `carry_days` after the first, or the first of the security's next row.
    """

    signal: Floats
    security: Ints
    rank: Ints
    first: Ints
    end: Ints


def _find_lives(rows: _Lives, carry_days: int, panel: Panel) -> _Lives:
    order = np.lexsort((rows.rank, rows.first, rows.security))
    signal, security, rank, formation = (frozen(array[order]) for array in rows[:4])
    first, end = np.empty(len(order), np.int32), np.empty(len(order), np.int32)
    placing_kernels.live_intervals(security, formation, rank, carry_days, panel.n_days, first, end)
    return _Lives(signal, security, rank, frozen(first), frozen(end))


def _spread(
    lives: _Lives, carry_days: int, panel: Panel, config: BacktestConfig
) -> tuple[Floats, dict[str, int], bool]:
    """(R,) the live values, the rows that never live by reason, and whether these are right (`spread_live`)."""
    in_order = pl.Series(lives.first).is_sorted()
    order = np.empty(0 if in_order else len(lives.first), np.int32)
    start = rows_by_group(lives.first, panel.n_days + 1, order)
    values = np.empty(len(panel.security))
    unknown, beyond, superseded, right = placing_kernels.spread_live(
        lives.signal,
        lives.security,
        lives.rank,
        lives.end,
        carry_days,
        order,
        start,
        panel.security,
        panel.offsets,
        len(panel.securities),
        1 if config.from_open else 0,
        values,
    )
    return values, {"unknown_security": unknown, "after_calendar": beyond, "superseded": superseded}, right


def place_rows(values: Floats, panel: Panel, config: BacktestConfig) -> PlacedSignal:
    """Place values that stand on the panel's rows and are known on the next trading day, live for one day.

    The same as `place_signal` of a contract frame with `date_avail` the next trading day and `carry_days=1`, without
    the detour by way of a frame.

    Args:
        values: (R,) known at the close of the row's day, NaN where there is none; rows that did not trade do not count.
    """
    if config.from_open:  # the book of the next open knows the row's own day
        known = np.where(panel.traded, values, np.nan)
        known[panel.offsets[-2] :] = np.nan
        return PlacedSignal(values=known, carry_days=1, dropped={})
    placed = np.empty(len(values))
    placing_kernels.move_to_next_day(
        frozen(values), panel.traded, panel.security, panel.offsets, len(panel.securities), placed
    )
    return PlacedSignal(values=placed, carry_days=1, dropped={})


def _check_input_type(rows: pl.DataFrame, config: BacktestConfig) -> None:
    if config.input_type != "position":
        return
    wrong = rows.filter(~pl.col("signal").is_in([-1.0, 0.0, 1.0])).sort(KEY)
    if wrong.height:
        found = "; ".join(f"{r['security_id']} {r['date_sig']}: {r['signal']}" for r in wrong.head(5).to_dicts())
        raise ContractError(
            f"{wrong.height} rows hold a position other than -1, 0, 1. First rows: {found}. "
            "Give positions, or choose input_type='value' or 'weight'."
        )
