"""From target books to daily accounts: what is held and traded, then what it earns with a lag, within dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine import return_kernels as kernels
from poc.engine.blocks import over_blocks, read_only
from poc.engine.books import Books, BooksByBlock
from poc.engine.config import BacktestConfig
from poc.engine.formation import Formation, n_fractiles, return_name
from poc.errors import BacktestError

Floats = NDArray[np.float64]
Ints = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Held:
    """Books held with a lag, within dates. T days, P portfolios, G fractiles.

    Attributes:
        books: held books of all names, None where they were not to be kept; the target books where they are formed
            every day and held for one.
        shift: trading days from the information day of a book to the day of its return.
        first, last: (P,) first and last return day of each series, -1 where it is never invested.
        selected: (T,) return days within the dates and the sample.
        trades: (P, T, 6) sums by information day, in the columns that `return_kernels.trade_books` names.
        earned: (P, T, 4) sums by information day, in the columns that `return_kernels.earn` names.
        of_fractiles: (2, T, G) sums of the returns and of the residual returns of the names of each fractile.
    """

    books: BooksByBlock | None
    shift: int
    first: Ints
    last: Ints
    selected: NDArray[np.bool_]
    trades: Floats
    earned: Floats
    of_fractiles: Floats

    def days(self, portfolio: int = 0) -> Ints:
        """Return days of a portfolio's series, in order; none where it is never invested."""
        return _series_days(self.first[portfolio], self.last[portfolio], self.selected)

    def traded(self, portfolio: int = 0) -> Floats:
        """Sums of a portfolio's trades over the days of its series; the first entry of the run is not counted."""
        traded: Floats = self.trades[portfolio, self.days(portfolio) - self.shift]
        traded[:1, [kernels.TRADED, kernels.COST]] = 0.0
        return traded

    def returns(self, portfolio: int = 0, borrow: float = 0.0) -> tuple[Floats, Floats]:
        """Daily return of a portfolio's series, and net of trading cost and of `borrow` a day on the short side."""
        earned, traded = self.earned[portfolio, self.days(portfolio) - self.shift], self.traded(portfolio)
        ret = earned[:, kernels.RET_LONG] + earned[:, kernels.RET_SHORT]
        return ret, ret - traded[:, kernels.COST] - traded[:, kernels.SHORT] * borrow


def hold(
    formation: Formation,
    configs: Sequence[BacktestConfig],
    panel: Panel,
    *,
    with_fractiles: bool = True,
    keep_books: bool = True,
    threads: int = 1,
) -> list[Held]:
    """Hold target books: trade from each day's to the next, and let them earn with a lag.

    Args:
        configs: those of the formation; they differ in nothing but the lag and the cost model.
        with_fractiles: sum the returns of each fractile too; else G is 0.
        keep_books: keep what is held of all names.
        threads: blocks of days in work at once; no number depends on it.

    Returns:
        The books as each configuration holds them.

    Raises:
        BacktestError: the snapshot lacks the returns or the sample that they ask for, or no day is chosen.
    """
    config = configs[0]
    selected = _selected(config, panel)
    returns = (panel.returns[return_name(panel, config)], residual_returns(config, panel))
    books = _held_books(formation, config, panel)
    n_groups = n_fractiles(config) if with_fractiles else 0
    models = {config.tc_model: config for config in configs}
    shifts = {1 + config.lag for config in configs}

    def account(days: tuple[int, int]) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Everything of a block together, while its rows are at hand."""
        first, end = days
        own, before = books.on(first, end), books.on(max(first - 1, 0), first)
        trades = {model: _trade(own, before, config, panel, days, listed=False)[0] for model, config in models.items()}
        earned = {}
        for shift in shifts:
            where = (panel.offsets, panel.security, panel.places_after(shift))
            earned[shift] = kernels.earn(*own, *where, *returns, shift, formation.fractile, n_groups, days)
        return trades, earned

    trades, earned = zip(*over_blocks(account, panel.offsets, threads=threads), strict=True)
    overall, held = books.first_portfolio() if keep_books else None, []
    for config in configs:
        shift = 1 + config.lag
        first, last = _series_bounds(books, selected, shift)
        held.append(
            Held(
                books=overall,
                shift=shift,
                first=first,
                last=last,
                selected=selected,
                trades=_join([block[config.tc_model] for block in trades]),
                earned=_join([block[shift][0] for block in earned]),
                of_fractiles=_join([block[shift][1] for block in earned]),
            )
        )
    return held


def _join(blocks: list[Floats]) -> Floats:
    """Sums by day of successive blocks of days, which are the second axis."""
    return read_only(np.concatenate(blocks, axis=1))


def _held_books(formation: Formation, config: BacktestConfig, panel: Panel) -> BooksByBlock:
    """Keep target books for their period, and average them over `holding_days`."""
    if config.holding_days == 1 and config.rebalance == "daily":
        return formation.books
    books = formation.books.joined()
    where = (panel.offsets, panel.security, len(panel.securities))
    start, row, weight = kernels.hold_books(*books, *where, config.holding_days, formation.formed_on)
    return BooksByBlock([Books(read_only(start), read_only(row), read_only(weight), books.n_portfolios)])


def list_trades(books: Books, config: BacktestConfig, panel: Panel) -> tuple[Ints, Ints, Floats]:
    """The single trades of held books of all names: (T + 1,) start of each day's, (trades,) row, (trades,) cost."""
    _, start, row, cost = _trade(books, books.on(0, 0), config, panel, (0, panel.n_days), listed=True)
    return read_only(start), read_only(row), read_only(cost)


def _trade(
    books: Books, before: Books, config: BacktestConfig, panel: Panel, days: tuple[int, int], *, listed: bool
) -> Any:
    """What `return_kernels.trade_books` gives."""
    by_impact = config.tc_model == "power_law"
    return kernels.trade_books(
        books[:3],
        before[:3],
        books.n_portfolios,
        panel.offsets,
        panel.security,
        len(panel.securities),
        panel.places_after(1),
        (panel.known_cap, panel.known_vol, panel.known_adv),
        (by_impact, np.array(config.tc_bps, float), np.array(config.tc_power, float), config.gmv),
        listed,
        days,
    )


def residual_returns(config: BacktestConfig, panel: Panel) -> NDArray[np.floating[Any]]:
    """(R,) residual return of the kind that `config` trades; empty where the snapshot has none."""
    values = panel.returns.get("resopenret" if config.from_open else "resret")
    return panel.returns["ret"][:0] if values is None else values


def borrow_a_day(config: BacktestConfig, panel: Panel) -> float:
    """Cost a day of the short side, as a fraction."""
    return config.borrow_bps / 1e4 / panel.days_per_year


def _selected(config: BacktestConfig, panel: Panel) -> NDArray[np.bool_]:
    selected = np.ones(panel.n_days, bool)
    if config.start is not None:
        selected &= panel.dates >= np.datetime64(config.start)
    if config.end is not None:
        selected &= panel.dates <= np.datetime64(config.end)
    if config.sample != "all":
        if panel.insample is None:
            raise BacktestError(
                f"sample={config.sample!r} needs the column insample in trading_date, which the snapshot does not have."
            )
        selected &= panel.insample == (1 if config.sample == "in" else 0)
    if not selected.any():
        raise BacktestError(
            f"No trading day lies in the chosen dates ({config.start or 'start'} to {config.end or 'end'}, sample "
            f"{config.sample}); the snapshot runs from {panel.dates[0]} to {panel.dates[-1]}."
        )
    return selected


def _series_days(first: int, last: int, selected: NDArray[np.bool_]) -> Ints:
    """The selected days from the first to the last; none where the first is -1."""
    span = np.arange(first, last + 1) if first >= 0 else np.empty(0, np.int64)
    return span[selected[span]]


def _series_bounds(books: BooksByBlock, selected: NDArray[np.bool_], shift: int) -> tuple[Ints, Ints]:
    """First and last selected return day on which each portfolio holds a book, (P,) each; -1 for never."""
    n_days = len(selected)
    held = books.invested()
    invested = np.zeros_like(held)
    invested[shift:] = held[: max(n_days - shift, 0)]
    invested &= selected[:, None]
    some = invested.any(axis=0)
    first = np.where(some, invested.argmax(axis=0), -1)
    last = np.where(some, n_days - 1 - invested[::-1].argmax(axis=0), -1)
    return first, last
