"""Placing: from the rows of a checked signal to one live value a panel row, whether or not it may be traded."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract.align import Formed, default_carry_days, formation_days
from poc.contract.arrays import Codes, Runs, day_numbers, find_keys, frozen, group_rows, numbers
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


def place_signal(
    rows: pl.DataFrame,
    panel: Panel,
    config: BacktestConfig,
    *,
    keys: tuple[Codes, Runs] | None = None,
    threads: int = 1,
) -> PlacedSignal:
    """Find the live row of every security on every day, and write its value on the panel's rows.

    Args:
        rows: checked signal rows, those of each security ascending (`ValidationResult.rows` or `clean`).
        keys: of the rows, if they are known (`ValidationResult.keys` are those of its `rows`).
        threads: blocks of days in work at once; no number depends on it.
    """
    _check_input_type(rows, config)
    (codes, runs), outside = keys or find_keys(rows), 0
    inside = runs.first["date_avail"].is_between(*panel.dates[[0, -1]].tolist())
    if not inside.all():  # a signal that was checked without this calendar
        kept = rows.filter(pl.Series(runs.by_row(inside.to_numpy())))
        rows, (codes, runs), outside = kept, find_keys(kept), rows.height - kept.height
    formed = formation_of(runs.first, panel, config)
    carry_days = config.carry_days or default_carry_days(formed.days)
    spread = partial(_spread, codes, panel, replace(config, carry_days=carry_days), threads)
    values, dropped, right = spread(_by_formation(rows, codes, runs, formed.day, panel))
    if not right:  # some row is formed after one of a later date_sig
        values, dropped, _ = spread(_by_life(rows, codes, runs.by_row(formed.day), carry_days, panel))
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


def group_by_formation(runs: Runs, formation: Ints, n_days: int) -> tuple[Ints, Ints]:
    """Signal rows by formation day, as `group_rows` gives them: `start` (n_days + 2,), and `order`.

    Args:
        formation: (runs,) formation day of the rows of each run, `n_days` where beyond the calendar.
    """
    if pl.Series(formation).is_sorted():
        return runs.start[np.searchsorted(formation, np.arange(n_days + 2, dtype=np.int32))], _NOTHING
    return group_rows(frozen(runs.by_row(formation)), n_days + 1)


_NOTHING = frozen(np.empty(0, np.int32))


class _Lives(NamedTuple):
    """Signal rows in the order in which they become the live rows of their securities.

    Attributes:
        start: (T + 2,) those that do on day t are `start[t]:start[t + 1]`.
        signal, number: (n,) value, and number of the security (as in `Codes`).
        rank: (n,) day number of `date_sig`; empty where the rows of each security ascend.
        end: (n,) the day after the last; empty: `carry_days` after the first, or the first of the security's next row.
    """

    start: Ints
    signal: Floats
    number: Ints
    rank: Ints
    end: Ints


def _by_formation(rows: pl.DataFrame, codes: Codes, runs: Runs, formation: Ints, panel: Panel) -> _Lives:
    """The rows by the day on which they are formed, each live until the next of its security."""
    signal = numbers(rows["signal"])
    start, order = group_by_formation(runs, formation, panel.n_days)
    if not len(order):  # as they are in the file, in which the rows of each security ascend
        return _Lives(start, signal, codes.number, _NOTHING, _NOTHING)
    rank = day_numbers(rows["date_sig"])
    return _Lives(start, frozen(signal[order]), frozen(codes.number[order]), frozen(rank[order]), _NOTHING)


def _by_life(rows: pl.DataFrame, codes: Codes, formation: Ints, carry_days: int, panel: Panel) -> _Lives:
    """The rows by the first day on which they live, in any case.

    Args:
        formation: (n,) formation day of each row.
    """
    rank = day_numbers(rows["date_sig"])
    order = np.lexsort((rank, formation, codes.number))
    first, end = np.empty(len(order), np.int32), np.empty(len(order), np.int32)
    number, formation, rank = (frozen(array[order]) for array in (codes.number, formation, rank))
    placing_kernels.live_intervals(number, formation, rank, carry_days, panel.n_days, first, end)
    by_first = np.argsort(first, kind="stable")
    start = np.searchsorted(first[by_first], np.arange(panel.n_days + 2))
    signal = numbers(rows["signal"])[order[by_first]]
    return _Lives(start, frozen(signal), frozen(number[by_first]), _NOTHING, frozen(end[by_first]))


def _spread(
    codes: Codes, panel: Panel, config: BacktestConfig, threads: int, lives: _Lives
) -> tuple[Floats, dict[str, int], bool]:
    """(R,) the live values, the rows that never live by reason, and whether these are right (`spread_live`)."""
    index = frozen(index_by_code(codes, panel.securities))
    values = np.empty(len(panel.security))

    def spread(block: tuple[int, int]) -> tuple[int, int, bool]:
        found: tuple[int, int, bool] = placing_kernels.spread_live(
            *lives,
            codes.lowest,
            index,
            config.carry_days,
            panel.security,
            panel.offsets,
            len(panel.securities),
            1 if config.from_open else 0,
            block,
            values,
        )
        return found

    unknown, idle, right = zip(*over_blocks(spread, panel.offsets, threads=threads), strict=True)
    after = index[lives.number[lives.start[-2] :] - codes.lowest]  # the rows that are formed after the last day
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
