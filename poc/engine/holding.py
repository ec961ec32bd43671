"""From target books to daily accounts: what is held and traded, then what it earns with a lag, within dates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine import return_kernels as kernels
from poc.engine.blocks import join_starts, over_blocks, read_only
from poc.engine.config import BacktestConfig
from poc.engine.formation import Books, Formation, n_fractiles, return_name
from poc.errors import BacktestError

Floats = NDArray[np.float64]
Ints = NDArray[Any]

_NO_FRACTILES = read_only(np.empty(0, np.uint8))


@dataclass(frozen=True, kw_only=True)
class Trading:
    """Held books and the trades between them. A lag does not change them. T days, P portfolios.

    Attributes:
        books: held books; the target books where they are formed every day and held for one.
        overall: the held book of all names alone, which is what a result keeps.
        daily: (P, T, 6) sums by information day, in the columns that `return_kernels` names.
    """

    books: Books
    overall: Books
    daily: Floats


@dataclass(frozen=True, kw_only=True)
class Held:
    """Books held with a lag, within dates. T days, P portfolios.

    Attributes:
        shift: trading days from the information day of a book to the day of its return.
        first, last: (P,) first and last return day of each series, -1 where it is never invested.
        selected: (T,) return days within the dates and the sample.
        earned: (P, T, 4) sums by information day, in the columns that `return_kernels` names.
        of_fractiles: (2, T, G) sums of the returns and of the residual returns of the names of each fractile.
        trading: the books and their trades.
    """

    shift: int
    first: Ints
    last: Ints
    selected: NDArray[np.bool_]
    earned: Floats
    of_fractiles: Floats
    trading: Trading

    def days(self, portfolio: int = 0) -> Ints:
        """Return days of a portfolio's series, in order; none where it is never invested."""
        return _series_days(self.first[portfolio], self.last[portfolio], self.selected)

    def traded(self, portfolio: int = 0) -> Floats:
        """Sums of a portfolio's trades over the days of its series; the first entry of the run is not counted."""
        traded: Floats = self.trading.daily[portfolio, self.days(portfolio) - self.shift]
        traded[:1, [kernels.TRADED, kernels.COST]] = 0.0
        return traded

    def returns(self, portfolio: int = 0, borrow: float = 0.0) -> tuple[Floats, Floats]:
        """Daily return of a portfolio's series, and net of trading cost and of `borrow` a day on the short side."""
        earned, traded = self.earned[portfolio, self.days(portfolio) - self.shift], self.traded(portfolio)
        ret = earned[:, kernels.RET_LONG] + earned[:, kernels.RET_SHORT]
        return ret, ret - traded[:, kernels.COST] - traded[:, kernels.SHORT] * borrow


def trade_books(formation: Formation, config: BacktestConfig, panel: Panel, *, threads: int = 1) -> Trading:
    """Keep target books for their period, average them over `holding_days`, and trade from each day's to the next."""
    books = formation.books
    if config.holding_days > 1 or config.rebalance != "daily":
        where = (panel.offsets, panel.security, len(panel.securities))
        start, row, weight = kernels.hold_books(*books, *where, config.holding_days, formation.formed_on)
        books = Books(read_only(start), read_only(row), read_only(weight), books.n_portfolios)
    return trade(books, config, panel, threads=threads)


def trade(books: Books, config: BacktestConfig, panel: Panel, *, threads: int = 1) -> Trading:
    """Trade from each day's held book to the next."""
    parts = _trade_blocks(books, config, panel, listed=False, threads=threads)
    daily = np.concatenate([part[0] for part in parts], axis=1)
    overall = books
    if books.n_portfolios > 1:
        start, row, weight = kernels.first_books(*books)
        overall = Books(read_only(start), read_only(row), read_only(weight), n_portfolios=1)
    return Trading(books=books, overall=overall, daily=read_only(daily))


def list_trades(books: Books, config: BacktestConfig, panel: Panel) -> tuple[Ints, Ints, Floats]:
    """The single trades of held books of all names: (T + 1,) start of each day's, (trades,) row, (trades,) cost."""
    _, starts, rows, costs = zip(*_trade_blocks(books, config, panel, listed=True, threads=1), strict=True)
    return read_only(join_starts(starts)), read_only(np.concatenate(rows)), read_only(np.concatenate(costs))


def _trade_blocks(books: Books, config: BacktestConfig, panel: Panel, *, listed: bool, threads: int) -> list[Any]:
    """What `return_kernels.trade_books` gives for each block of days."""
    where = (panel.offsets, panel.security, len(panel.securities), panel.rows_after(1))
    cost_inputs = (panel.known_cap, panel.known_vol, panel.known_adv)
    by_impact = config.tc_model == "power_law"
    cost_settings = (by_impact, np.array(config.tc_bps, float), np.array(config.tc_power, float), config.gmv)
    return over_blocks(
        lambda days: kernels.trade_books(*books, *where, cost_inputs, cost_settings, listed, days),
        panel.offsets,
        threads=threads,
    )


def hold(
    trading: Trading, config: BacktestConfig, panel: Panel, *, fractile: Ints | None = None, threads: int = 1
) -> Held:
    """Delay the books by the lag and let them earn.

    Args:
        fractile: (R,) fractile of each name, for the returns of all of them; None: G is 0.

    Raises:
        BacktestError: the snapshot lacks the returns or the sample that `config` asks for, or no day is chosen.
    """
    selected = _selected(config, panel)
    shift = 1 + config.lag
    first, last = _series_bounds(trading.books, selected, shift)
    where = (panel.offsets, panel.security, panel.rows_after(shift))
    returns = (panel.returns[return_name(panel, config)], residual_returns(config, panel))
    group, n_groups = (_NO_FRACTILES, 0) if fractile is None else (fractile, n_fractiles(config))
    parts = over_blocks(
        lambda days: kernels.earn(*trading.books, *where, *returns, shift, group, n_groups, days),
        panel.offsets,
        threads=threads,
    )
    earned, of_fractiles = (read_only(np.concatenate(part, axis=1)) for part in zip(*parts, strict=True))
    return Held(
        shift=shift,
        first=first,
        last=last,
        selected=selected,
        earned=earned,
        of_fractiles=of_fractiles,
        trading=trading,
    )


def residual_returns(config: BacktestConfig, panel: Panel) -> Floats:
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


def _series_bounds(books: Books, selected: NDArray[np.bool_], shift: int) -> tuple[Ints, Ints]:
    """First and last selected return day on which each portfolio holds a book, (P,) each; -1 for never."""
    n_days = len(selected)
    held = (np.diff(books.start) > 0).reshape(n_days, books.n_portfolios)
    invested = np.zeros_like(held)
    invested[shift:] = held[: max(n_days - shift, 0)]
    invested &= selected[:, None]
    some = invested.any(axis=0)
    first = np.where(some, invested.argmax(axis=0), -1)
    last = np.where(some, n_days - 1 - invested[::-1].argmax(axis=0), -1)
    return first, last
