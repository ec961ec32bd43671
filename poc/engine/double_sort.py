"""Double sort: the groups of names within which a signal is ranked, made anew every day from something else."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.data.sort_kernels import order_by_day
from poc.engine import book_kernels
from poc.engine.config import BacktestConfig
from poc.engine.slices import Groups, frame_of_names, groups_of_rows, panel_rows
from poc.errors import BacktestError

Floats = NDArray[np.float64]
Ints = NDArray[Any]
NUMBERS = ("mcap", "adv", "vol", "close")
"""What names can be sorted by beside the styles."""


class Sorter(NamedTuple):
    """What names are sorted by before the signal.

    Attributes:
        values: (R,) numbers that are cut into groups every day, NaN where missing; or the groups as they are, -1 none.
        n_groups: how many.
        as_it_is: the values are groups.
    """

    values: NDArray[Any]
    n_groups: int
    as_it_is: bool


def find_sorter(panel: Panel, config: BacktestConfig, groups: Groups) -> Sorter | None:
    """What `config.double_sort` names; None where there is no double sort.

    Args:
        groups: frames of the user by name; `config.double_sort` may name one that has securities.

    Raises:
        BacktestError: the snapshot and the frames do not have what to sort by.
    """
    if config.double_sort is None:
        return None
    name, count = config.double_sort
    if count is None:
        labels, code = groups_of_rows(name, panel, groups)
        return Sorter(code, len(labels), as_it_is=True)
    return Sorter(_numbers(name, panel, groups), count, as_it_is=False)


def sort_groups(sorter: Sorter | None, signal: Floats, rows: slice, offsets: Ints) -> tuple[Ints | None, int]:
    """(n,) group of each of the n rows, -1 none, and the number of groups; None where there is no sorter.

    Dependent sort (Bali, Engle and Murray 2016, "Empirical Asset Pricing", section 5.2): the groups are made first, of
    the names that the signal ranks, and the signal is ranked within each.

    Args:
        signal: (n,) of these rows, NaN where not eligible.
        offsets: of their days.
    """
    if sorter is None:
        return None, 0
    if sorter.as_it_is:
        return sorter.values[rows].astype(np.int16), sorter.n_groups
    values = np.where(np.isnan(signal), np.nan, sorter.values[rows])
    order = order_by_day(values, offsets)
    return book_kernels.day_groups(values, order, offsets, sorter.n_groups), sorter.n_groups


def _numbers(name: str, panel: Panel, groups: Groups) -> Floats:
    """(R,) float64, NaN where missing: of a frame that very day's, else as the book knows them."""
    if name in groups:
        frame = frame_of_names(name, groups[name])
        if not frame["label"].dtype.is_numeric():
            raise BacktestError(f"double_sort: groups[{name!r}] holds no numbers to sort by; say ({name!r}, None).")
        rows = panel_rows(frame, panel)
        values = np.full(len(panel.security), np.nan)
        values[rows[rows >= 0]] = frame["label"].to_numpy()[rows >= 0]
        values[~np.isfinite(values)] = np.nan
    elif name in panel.style_names:
        values = panel.styles[panel.style_names.index(name)].astype(np.float64)
    elif name in NUMBERS:
        values = getattr(panel, name).astype(np.float64)
    else:
        raise BacktestError(
            f"double_sort: there is no {name!r} to sort by. There are {', '.join((*NUMBERS, *panel.style_names))}, and "
            "the frames handed to run_backtest as `groups`. Groups that exist as they are: (name, None)."
        )
    if np.isnan(values).all():
        raise BacktestError(f"double_sort: there is no value of {name!r} on any day of the snapshot.")
    return values
