"""Formation: from a checked signal to the target books of every day, before lag, costs and dates."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.data.sort_kernels import sort_days
from poc.engine import book_kernels, signal_kernels
from poc.engine.blocks import blocks_of_days, over_blocks, read_only
from poc.engine.books import Books, BooksByBlock
from poc.engine.config import BacktestConfig
from poc.engine.cross_section_kernels import daily_rank_correlation, exposures
from poc.engine.double_sort import Sorter, find_sorter, sort_groups
from poc.engine.placing import PlacedSignal
from poc.engine.slices import Groups, Labels, Portfolio, Slices, find_slices, refuse_idle_frames
from poc.errors import BacktestError

Floats = NDArray[np.float64]
Ints = NDArray[Any]

HOW = {
    "value": book_kernels.RANK,
    "fractile": book_kernels.EXTREMES,
    "position": book_kernels.SIGN,
    "weight": book_kernels.GIVEN,
}
IC_LEAST_NAMES = 10
ALL_ROWS = slice(None)


@dataclass(frozen=True, kw_only=True)
class Formation:
    """Target books, and what they were made from. T days, P portfolios, R rows, K styles, G fractiles.

    Attributes:
        n_eligible: (T,) eligible names with a signal; `n_candidates` (T,) those eligible whether or not they have one.
        n_sides: (T, 2) names short and long in the target book of all names.
        portfolios: P of them; the first holds all names.
        cuts: groups of days, for the slices that cut the series of a portfolio.
        books: target books.
        formed_on: (T,) information day of the target book that each day holds: its own, or the first of its period.
        exposures: (T, P, K) of each target book.
        fractile: (R,) 1 the lowest to G = `round(100 / fractile[0])`, 0 where there is no signal.
        fractile_count: (T, G) names; `fractile_exposures` (T, G, K) their mean exposures.
        ic: (T,) rank correlation of the signal with the return of the first holding day at lag 0.
    """

    placed: PlacedSignal
    universe: str
    n_eligible: Ints
    n_candidates: Ints
    n_sides: Ints
    portfolios: tuple[Portfolio, ...]
    cuts: dict[str, Labels]
    books: BooksByBlock
    formed_on: Ints
    exposures: Floats
    fractile: Ints
    fractile_count: Floats
    fractile_exposures: Floats
    ic: Floats


def return_name(panel: Panel, config: BacktestConfig) -> str:
    """`ret`, or `openret` where `config` trades at the open.

    Raises:
        BacktestError: the snapshot does not have it.
    """
    name = "openret" if config.from_open else "ret"
    if name not in panel.returns:
        raise BacktestError(f"from_open={config.from_open} needs the column {name}, which the snapshot does not have.")
    return name


def n_fractiles(config: BacktestConfig) -> int:
    """G, into how many fractiles the names are parted."""
    return round(100 / config.fractile[0])


def universe_of(panel: Panel, config: BacktestConfig) -> str:
    """`flagged` or `all`: as given, else flagged where the snapshot has a universe table."""
    return config.universe or ("all" if panel.in_universe is None else "flagged")


def candidates(panel: Panel, config: BacktestConfig, rows: slice = ALL_ROWS) -> NDArray[np.bool_]:
    """(n,) which of the panel's rows may be traded, whether or not they have a signal.

    Args:
        rows: the n rows to look at; all of them where it is not given.

    Raises:
        BacktestError: the snapshot has no universe table, and `config` asks for it.
    """
    candidate = panel.traded[rows]
    if universe_of(panel, config) == "flagged":
        if panel.in_universe is None:
            raise BacktestError("universe='flagged', but the snapshot has no universe table. Choose universe='all'.")
        candidate = candidate & panel.in_universe[rows]
    if config.min_adv is not None:
        candidate = candidate & (panel.adv[rows] >= config.min_adv)
    if config.min_price is not None:
        candidate = candidate & (panel.close[rows] >= config.min_price)
    if config.caps is not None:
        candidate = candidate & np.isin(panel.cap[rows], config.caps)
    return candidate


class Recipe(NamedTuple):
    """What the books of all days are made from.

    Attributes:
        sorter: what is sorted by before the signal, if anything is.
        next_rank: as `Panel.next_return_ranks` gives it.
    """

    placed: PlacedSignal
    panel: Panel
    config: BacktestConfig
    slices: Slices
    sorter: Sorter | None
    next_rank: Ints


def find_recipe(placed: PlacedSignal, panel: Panel, config: BacktestConfig, *, groups: Groups) -> Recipe:
    """Look up what `config` names.

    Args:
        groups: frames that `config` names, as `run_backtest` takes them.
    """
    refuse_idle_frames(config, groups)
    return Recipe(
        placed=placed,
        panel=panel,
        config=config,
        slices=find_slices(panel, config.slices, groups),
        sorter=find_sorter(panel, config, groups),
        next_rank=panel.next_return_ranks(return_name(panel, config)),
    )


def form_books(
    placed: PlacedSignal, panel: Panel, config: BacktestConfig, *, groups: Groups | None = None, threads: int = 1
) -> Formation:
    """Choose the eligible names, residualize, rank and weigh.

    Args:
        groups: frames that `config` names, as `run_backtest` takes them.
        threads: blocks of days in work at once; no number depends on it.
    """
    recipe = find_recipe(placed, panel, config, groups=groups or {})
    blocks = over_blocks(lambda days: _form_block(recipe, days), panel.offsets, threads=threads)
    books, formed_blocks = zip(*blocks, strict=True)
    formed = _Block(*(read_only(np.concatenate(parts)) for parts in zip(*formed_blocks, strict=True)))
    return Formation(
        placed=placed,
        universe=universe_of(panel, config),
        n_eligible=formed.n_eligible,
        n_sides=formed.n_sides,
        n_candidates=formed.n_candidates,
        portfolios=recipe.slices.portfolios,
        cuts=recipe.slices.cuts,
        books=BooksByBlock(books),
        formed_on=read_only(_formed_on(panel, config)),
        exposures=formed.exposures,
        fractile=formed.fractile,
        fractile_count=formed.fractile_count,
        fractile_exposures=formed.fractile_exposures,
        ic=formed.ic,
    )


def eligible_signal(placed: PlacedSignal, panel: Panel, config: BacktestConfig) -> Floats:
    """(R,) the signal that is ranked, after residualization; NaN where not eligible."""
    blocks = blocks_of_days(panel.offsets)
    return np.concatenate([_eligible_signal(placed, panel, config, days)[0] for days in blocks])


class _Block(NamedTuple):
    """Fields of `Formation` for a block of days and its rows."""

    exposures: Floats
    n_eligible: Ints
    n_candidates: Ints
    n_sides: Ints
    fractile: Ints
    fractile_count: Floats
    fractile_exposures: Floats
    ic: Floats


def _form_block(recipe: Recipe, days: tuple[int, int]) -> tuple[Books, _Block]:
    """Kernels see a block as a panel of its own, but for the styles, which they find from the block's first row on."""
    panel, config = recipe.panel, recipe.config
    rows, offsets = rows_of(panel, days)
    signal, n_candidates = _eligible_signal(recipe.placed, panel, config, days)
    order, tied = sort_days(signal, offsets)
    books, n_eligible, n_sides, fractile = target_books(signal, order, recipe, days)
    count, of_fractiles, of_books = exposures(
        fractile, n_fractiles(config), books[:3], books.n_portfolios, offsets, panel.styles, rows.start
    )
    formed = _Block(
        of_books,
        n_eligible,
        n_candidates,
        n_sides,
        fractile,
        count,
        of_fractiles,
        daily_rank_correlation(signal, order, tied, recipe.next_rank[rows], offsets, IC_LEAST_NAMES),
    )
    return books, formed


def target_books(signal: Floats, order: Ints, recipe: Recipe, days: tuple[int, int]) -> tuple[Books, Ints, Ints, Ints]:
    """Rank and weigh the eligible names of a block of days.

    Args:
        signal: (n,) what is ranked, NaN where not eligible.
        order: (n,) rows of each day in ascending order of the signal, the missing ones last; counted from the first of
            the block.
        recipe: how to rank and weigh.
        days: the first and the day after the last.

    Returns:
        The books, (days,) how many names were ranked, (days, 2) names short and long in the book of all names, and (n,)
        the fractile of each name, 0 where there is no signal.
    """
    panel, config, slices = recipe.panel, recipe.config, recipe.slices
    rows, offsets = rows_of(panel, days)
    start, row, weight, n_eligible, n_sides, fractile = book_kernels.form_books(
        signal,
        order,
        _size(panel, config.weight)[rows],
        offsets,
        slices.codes_of(rows),
        slices.sizes,
        *sort_groups(recipe.sorter, signal, rows, offsets),
        HOW[config.input_type],
        config.fractile,
        (config.mincos, config.slice_mincos),
        config.upper_pct,
        config.method == "long_only",
        config.rescale_weights,
    )
    # What the kernel gives lies in room for many more entries, which is free once that is copied.
    row, weight = row + np.int32(rows.start), weight.copy()
    books = Books(read_only(start), read_only(row), read_only(weight), len(slices.portfolios))
    return books, n_eligible, n_sides, fractile


def rows_of(panel: Panel, days: tuple[int, int]) -> tuple[slice, Ints]:
    """The panel rows of a block of days, and its offsets counted from the first of them."""
    first, end = days
    begin = panel.offsets[first]
    return slice(int(begin), int(panel.offsets[end])), read_only(panel.offsets[first : end + 1] - begin)


def _eligible_signal(
    placed: PlacedSignal, panel: Panel, config: BacktestConfig, days: tuple[int, int]
) -> tuple[Floats, Ints]:
    """The signal of a block's rows that is ranked, NaN where not eligible; and how many rows of each day may be."""
    rows, offsets = rows_of(panel, days)
    candidate = candidates(panel, config, rows)
    signal, n_candidates = np.where(candidate, placed.values[rows], np.nan), _count_by_day(candidate, offsets)
    if config.residualize == "off":
        return signal, n_candidates
    one_group = config.residualize == "factor"
    group = read_only(np.zeros(len(signal), np.int16)) if one_group else panel.industry[rows]
    n_groups = 1 if one_group else len(panel.industry_ids)
    n_styles = 0 if config.residualize == "industry" else len(panel.style_names)
    residual: Floats = signal_kernels.residualize(signal, offsets, group, n_groups, panel.styles, n_styles, rows.start)
    return residual, n_candidates


def _formed_on(panel: Panel, config: BacktestConfig) -> Ints:
    """For each information day, that of the book it holds; a period begins with its first formation day."""
    days = np.arange(panel.n_days)
    if config.rebalance == "daily":
        return days
    formation = panel.dates[np.minimum(days + config.from_open, panel.n_days - 1)]
    if config.rebalance == "weekly":
        period = (formation.astype(np.int64) + 3) // 7  # ISO weeks: 1970 began on a Thursday
    else:
        period = formation.astype("datetime64[M]").astype(np.int64)
    begins = np.append(True, period[1:] != period[:-1])
    return np.maximum.accumulate(np.where(begins, days, 0))


def _count_by_day(flags: NDArray[np.bool_], offsets: Ints) -> Ints:
    """(T,) number of rows of each day with the flag."""
    return np.array([np.count_nonzero(flags[begin:end]) for begin, end in pairwise(offsets.tolist())])


def _size(panel: Panel, weight: str) -> NDArray[np.floating[Any]]:
    """(R,) what weights are in proportion to; empty for equal weights."""
    if weight == "equal":
        return read_only(np.empty(0, np.float32))
    return panel.mcap if weight == "value" else panel.adv
