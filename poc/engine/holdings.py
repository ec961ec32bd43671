"""What the book of all names of a result holds and trades, one entry a day and name."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.holding import list_trades
from poc.engine.result import HeldBooks

Ints = NDArray[Any]

WHOLE_TRADE = (1e4, 1e4, 1e4)
"""A unit cost of 100%: what a trade then costs is its size."""


class Entries(NamedTuple):
    """Entries over the n days of a series.

    Attributes:
        day: (entries,) place of the day in the series, 0 to n - 1, ascending.
        row: (entries,) latest panel row of the name at the information day.
        weight: (entries,) held, with its sign; or traded, a positive size.
    """

    day: Ints
    row: Ints
    weight: NDArray[np.float64]


def holdings_of(books: HeldBooks) -> Entries:
    """What is held on each day of the series."""
    held, known = books.entries(), books.days - books.shift
    index, day = _ranges(held.start[known], held.start[known + 1])
    return Entries(day, held.row[index], held.weight[index])


def trades_of(books: HeldBooks, panel: Panel) -> Entries:
    """What is traded on each day of the series but the first, as docs/methodology.md counts trades."""
    trade_start, row, size = list_trades(books.entries(), BacktestConfig(tc_bps=WHOLE_TRADE), panel)
    known = (books.days - books.shift)[1:]
    index, day = _ranges(trade_start[known], trade_start[known + 1])
    return Entries(day + 1, row[index], size[index])


def _ranges(first: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Every index from `first[i]` up to `end[i]`, and its i."""
    size = end - first
    index = np.repeat((first - np.cumsum(size) + size).astype(np.int32), size)
    index += np.arange(len(index), dtype=np.int32)
    return index, np.repeat(np.arange(len(size), dtype=np.int32), size)
