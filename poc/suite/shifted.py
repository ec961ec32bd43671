"""Rank correlations of a signal with values of other days."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poc.contract.arrays import frozen
from poc.data.panel import Panel
from poc.data.sort_kernels import ABSENT, distinct_ranks, order_by_day
from poc.engine.cross_section_kernels import daily_rank_correlation
from poc.engine.formation import rows_of

Floats = NDArray[np.float64]


def correlate_shifted(
    signal: tuple[Floats, NDArray[np.int32], NDArray[np.bool_]],
    y: Callable[[slice], NDArray[np.floating[Any]]],
    days: tuple[int, int],
    shifts: Sequence[int],
    panel: Panel,
    *,
    least: int,
) -> Floats:
    """Spearman correlation (average ties) of the value of one day with that of the same name some days later.

    Args:
        signal: x, the values of the panel rows of `days`, NaN where missing, and what `sort_days` gives of them.
        y: gives the values of panel rows, NaN where missing.
        days: the first of the D days of x, and the day after the last.
        shifts: K trading days from x to y, ascending; negative: before.
        panel: the data.
        least: fewest names with both.

    Returns:
        (K, D); NaN where there are fewer names, where a side is constant, and beyond the calendar.
    """
    (x, order, tied), (first, end), n_securities = signal, days, len(panel.securities)
    begin, stop = np.clip([first + shifts[0], end + shifts[-1]], 0, panel.n_days).tolist()
    (rows, offsets), (y_rows, y_offsets) = rows_of(panel, days), rows_of(panel, (begin, stop))
    later: Floats = y(y_rows).astype(np.float64)
    day = np.repeat(np.arange(begin, stop), np.diff(y_offsets)) - (first + shifts[0])
    ranks = np.full((end - first + shifts[-1] - shifts[0], n_securities), ABSENT, np.uint16)  # by day and security
    ranks[day, panel.security[y_rows]] = distinct_ranks(later, order_by_day(later, y_offsets), y_offsets)
    # The cell of each x in the ranks of its own days; some days later it is the same cell so many rows further down.
    cell = np.repeat(np.arange(end - first), np.diff(offsets)) * n_securities + panel.security[rows]
    x, cell, in_order = x[order], cell[order], np.arange(len(x), dtype=np.int32)
    return np.array(
        [
            daily_rank_correlation(
                x, in_order, tied, frozen(ranks[shift - shifts[0] :].ravel().take(cell)), offsets, least
            )
            for shift in shifts
        ]
    )
