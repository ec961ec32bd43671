"""Placing: from the rows of a checked signal to one live value a panel row, whether or not it may be traded."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract.align import Formed, default_carry_days, formation_days
from poc.contract.arrays import day_numbers, encode, frozen, group_rows, numbers
from poc.contract.columns import KEY
from poc.data.panel import Panel
from poc.engine import placing_kernels
from poc.engine.blocks import over_blocks
from poc.engine.config import BacktestConfig
from poc.engine.slices import index_by_code
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


def place_signal(rows: pl.DataFrame, panel: Panel, config: BacktestConfig, *, threads: int = 1) -> PlacedSignal:
    """Find the live row of every security on every day, and write its value on the panel's rows.

    Args:
        rows: checked signal rows, those of each security ascending (`ValidationResult.rows` or `clean`).
        threads: blocks of days in work at once; no number depends on it.
    """
    _check_input_type(rows, config)
    inside = rows["date_avail"].is_between(*panel.dates[[0, -1]].tolist())
    outside = rows.height - int(inside.sum())
    if outside:  # of a signal that was checked without this calendar
        rows = rows.filter(inside)
    codes = encode(rows["security_id"])
    formed = formation_of(rows, panel, config)
    lives = _Lives(
        signal=numbers(rows["signal"]),
        code=codes.code,
        rank=day_numbers(rows["date_sig"]),
        first=formed.day,
        end=_NOTHING,
    )
    carry_days = config.carry_days or default_carry_days(formed.days)
    config = replace(config, carry_days=carry_days)
    index = frozen(index_by_code(codes, panel.securities))
    values, dropped, right = _spread(lives, index, panel, config, threads=threads)
    if not right:  # some row is formed after one of a later date_sig
        lives = _find_lives(lives, carry_days, panel)
        values, dropped, _ = _spread(lives, index, panel, config, threads=threads)
    return PlacedSignal(values=values, carry_days=carry_days, dropped=dropped | {"outside_calendar": outside})


def formation_of(rows: pl.DataFrame, panel: Panel, config: BacktestConfig) -> Formed:
    """The formation days of signal rows."""
    return formation_days(
        rows["date_avail"],
        rows["avail_hour"] if "avail_hour" in rows.columns else None,
        rows["date_sig"],
        panel.dates,
        from_open=config.from_open,
        open_cutoff=panel.open_cutoff,
        close_cutoff=panel.close_cutoff,
    )


_NOTHING = frozen(np.empty(0, np.int32))


class _Lives(NamedTuple):
    """Signal rows and the days on which each is its security's live row.

    Attributes:
        signal, code: (n,) value, code of the security.
        rank: (n,) day number of `date_sig`; empty where the rows of each security ascend.
        first: (n,) the first day.
        end: (n,) the day after the last; empty: `carry_days` after the first, or the first of the security's next row.
    """

    signal: Floats
    code: Ints
    rank: Ints
    first: Ints
    end: Ints


def _find_lives(rows: _Lives, carry_days: int, panel: Panel) -> _Lives:
    order = np.lexsort((rows.rank, rows.first, rows.code))
    signal, code, rank, formation = (frozen(array[order]) for array in rows[:4])
    first, end = np.empty(len(order), np.int32), np.empty(len(order), np.int32)
    placing_kernels.live_intervals(code, formation, rank, carry_days, panel.n_days, first, end)
    return _Lives(signal, code, _NOTHING, frozen(first), frozen(end))


def _spread(
    lives: _Lives, index: Ints, panel: Panel, config: BacktestConfig, *, threads: int
) -> tuple[Floats, dict[str, int], bool]:
    """(R,) the live values, the rows that never live by reason, and whether these are right (`spread_live`)."""
    start, order = group_rows(lives.first, panel.n_days + 1)
    if len(order):
        lives = _Lives(*(frozen(array[order]) if len(array) else array for array in lives))
    else:  # the rows of each security ascend, as those of a checked signal do
        lives = lives._replace(rank=_NOTHING)
    values = np.empty(len(panel.security))

    def spread(block: tuple[int, int]) -> tuple[int, int, bool]:
        found: tuple[int, int, bool] = placing_kernels.spread_live(
            lives.signal,
            lives.code,
            lives.rank,
            lives.end,
            index,
            config.carry_days,
            start,
            panel.security,
            panel.offsets,
            len(panel.securities),
            1 if config.from_open else 0,
            block,
            values,
        )
        return found

    unknown, idle, right = zip(*over_blocks(spread, panel.offsets, threads=threads), strict=True)
    after = index[lives.code[start[-2] :]]  # the rows that are formed after the last day
    n_unknown = int((after < 0).sum())
    dropped = {
        "unknown_security": sum(unknown) + n_unknown,
        "after_calendar": len(after) - n_unknown,
        "superseded": sum(idle),
    }
    return values, dropped, all(right)


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
