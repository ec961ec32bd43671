"""Formation: from a checked signal to the target books of every day, before lag, costs and dates."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel, order_by_day
from poc.engine import book_kernels, signal_kernels
from poc.engine.config import BacktestConfig
from poc.engine.double_sort import sort_groups
from poc.engine.placing import PlacedSignal
from poc.engine.return_kernels import daily_rank_correlation, group_exposures
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


class Books(NamedTuple):
    """Books by information day: entries `start[t * n_portfolios + p]:start[t * n_portfolios + p + 1]` are book p of t.

    Attributes:
        start: (T * P + 1,).
        row: (entries,) panel row of the name; ascending within a book.
        weight: (entries,) signed.
        n_portfolios: P.
    """

    start: Ints
    row: Ints
    weight: Floats
    n_portfolios: int


@dataclass(frozen=True, kw_only=True)
class Formation:
    """Target books, and what they were made from. T days, P portfolios, R rows, K styles, G fractiles.

    Attributes:
        signal: (R,) the signal after residualization, NaN where not eligible.
        n_eligible: (T,) eligible names with a signal; `n_candidates` (T,) those eligible whether or not they have one.
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
    signal: Floats
    n_eligible: Ints
    n_candidates: Ints
    portfolios: tuple[Portfolio, ...]
    cuts: dict[str, Labels]
    books: Books
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


def universe_of(panel: Panel, config: BacktestConfig) -> str:
    """`flagged` or `all`: as given, else flagged where the snapshot has a universe table."""
    return config.universe or ("all" if panel.in_universe is None else "flagged")


def candidates(panel: Panel, config: BacktestConfig) -> NDArray[np.bool_]:
    """(R,) rows that may be traded, whether or not they have a signal.

    Raises:
        BacktestError: the snapshot has no universe table, and `config` asks for it.
    """
    candidate = panel.traded.copy()
    if universe_of(panel, config) == "flagged":
        if panel.in_universe is None:
            raise BacktestError("universe='flagged', but the snapshot has no universe table. Choose universe='all'.")
        candidate &= panel.in_universe
    if config.min_adv is not None:
        candidate &= panel.adv >= config.min_adv
    if config.min_price is not None:
        candidate &= panel.close >= config.min_price
    if config.caps is not None:
        candidate &= np.isin(panel.cap, config.caps)
    return candidate


def form_books(
    placed: PlacedSignal, panel: Panel, config: BacktestConfig, *, groups: Groups | None = None
) -> Formation:
    """Choose the eligible names, residualize, rank and weigh.

    Args:
        groups: frames that `config` names, as `run_backtest` takes them.
    """
    groups = groups or {}
    refuse_idle_frames(config, groups)
    candidate = candidates(panel, config)
    signal = np.where(candidate, placed.values, np.nan)
    style_mean, style_missing = signal_kernels.daily_style_means(signal, panel.styles, panel.offsets)
    if config.residualize != "off":
        signal = _residualize(signal, style_mean, style_missing, panel, config.residualize)
    slices = find_slices(panel, config.slices, groups)
    order = order_by_day(signal, panel.offsets)
    books, n_eligible, fractile = target_books(signal, order, panel, config, slices, groups)
    n_groups = round(100 / config.fractile[0])
    count, exposures = group_exposures(fractile, n_groups, panel.offsets, panel.styles, style_mean)
    next_ret, next_order = panel.next_returns(return_name(panel, config))
    return Formation(
        placed=placed,
        universe=universe_of(panel, config),
        signal=signal,
        n_eligible=n_eligible,
        n_candidates=_count_by_day(candidate, panel.offsets),
        portfolios=slices.portfolios,
        cuts=slices.cuts,
        books=books,
        formed_on=_formed_on(panel, config),
        exposures=book_kernels.book_exposures(*books, panel.styles, style_mean),
        fractile=fractile,
        fractile_count=count,
        fractile_exposures=exposures,
        ic=daily_rank_correlation(signal, order, next_ret, next_order, panel.offsets, IC_LEAST_NAMES),
    )


def target_books(
    signal: Floats, order: Ints, panel: Panel, config: BacktestConfig, slices: Slices, groups: Groups
) -> tuple[Books, Ints, Ints]:
    """Rank and weigh eligible names.

    Args:
        signal: (R,) what is ranked, NaN where not eligible.
        order: (R,) rows of each day in ascending order of the signal, the missing ones last.
        slices: which groups have books of their own.
        groups: frames that `config` names.

    Returns:
        The books, (T,) how many names were ranked, and (R,) the fractile of each, 0 where there is no signal.
    """
    start, row, weight, n_eligible, fractile = book_kernels.form_books(
        signal,
        order,
        _size(panel, config.weight),
        panel.offsets,
        slices.codes,
        slices.sizes,
        *sort_groups(signal, panel, config, groups),
        HOW[config.input_type],
        config.fractile,
        (config.mincos, config.slice_mincos),
        config.upper_pct,
        config.method == "long_only",
        config.rescale_weights,
    )
    return Books(start, row, weight, len(slices.portfolios)), n_eligible, fractile


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


def _residualize(signal: Floats, style_mean: Floats, style_missing: Ints, panel: Panel, how: str) -> Floats:
    one_group = how == "factor"
    group = np.zeros(len(signal), np.int32) if one_group else panel.industry
    n_groups = 1 if one_group else len(panel.industry_ids)
    n_styles = 0 if how == "industry" else len(panel.style_names)
    residual: Floats = signal_kernels.residualize(
        signal, panel.offsets, group, n_groups, panel.styles[:n_styles], style_mean, style_missing
    )
    return residual


def _size(panel: Panel, weight: str) -> NDArray[np.floating[Any]]:
    """(R,) what weights are in proportion to."""
    if weight == "equal":
        return np.ones(len(panel.security), np.float32)
    return panel.mcap if weight == "value" else panel.adv
