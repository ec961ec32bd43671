"""Held: the target books of a formation, held with a lag, costs and dates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine import return_kernels as rk
from poc.engine.config import BacktestConfig
from poc.engine.formation import Formation, traded_return
from poc.errors import BacktestError

Floats = NDArray[np.float64]
Ints = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Held:
    """Daily accounts. T days, P portfolios, N securities.

    Attributes:
        shift: trading days from the information day of a book to the day of its return.
        first, last: (P,) first and last return day of each series, -1 where it is never invested.
        selected: (T,) return days within the dates and the sample.
        daily: (P, T, 10) sums, in the columns that `return_kernels` names.
        by_name, by_sector: (N,) and (sectors + 1,) net contribution to the book of all names.
        gross: sum of absolute weights that turnover is measured against, by portfolio (P,).
    """

    shift: int
    first: Ints
    last: Ints
    selected: NDArray[np.bool_]
    daily: Floats
    by_name: Floats
    by_sector: Floats
    gross: Floats

    def days(self, portfolio: int = 0) -> Ints:
        """Return days of a portfolio's series, in order; none where it is never invested."""
        if self.first[portfolio] < 0:
            return np.empty(0, np.int64)
        span = np.arange(self.first[portfolio], self.last[portfolio] + 1)
        return span[self.selected[span]]

    def formation_days(self) -> Ints:
        """Information days behind the series of all names."""
        return self.days() - self.shift


def hold_books(formation: Formation, config: BacktestConfig, panel: Panel) -> Held:
    """Delay the books by the lag and account for returns, trades and costs.

    Raises:
        BacktestError: the snapshot lacks the returns or the sample that `config` asks for, or no day is chosen.
    """
    selected = _selected(config, panel)
    shift = 1 + config.lag
    first, last = _series_bounds(formation, selected, shift, config.holding_days)
    daily, by_name, by_sector = rk.simulate(
        (formation.start, formation.row, formation.weight, len(formation.portfolios)),
        shift,
        config.holding_days,
        (first, last, selected),
        (panel.offsets, panel.security, len(panel.securities), len(panel.sector_ids)),
        (traded_return(panel, config), residual_returns(config, panel)),
        (panel.known_cap, panel.known_sector, panel.known_vol, panel.known_adv),
        (config.tc_model == "power_law", np.array(config.tc_bps, float), np.array(config.tc_power, float), config.gmv),
        config.borrow_bps / 1e4 / panel.days_per_year,
    )
    return Held(
        shift=shift,
        first=first,
        last=last,
        selected=selected,
        daily=daily,
        by_name=by_name,
        by_sector=by_sector,
        gross=_gross(daily[:, :, rk.GROSS], config),
    )


def residual_returns(config: BacktestConfig, panel: Panel) -> Floats:
    """(R,) residual return of the kind that `config` trades; all NaN where the snapshot has none."""
    values = panel.returns.get("resopenret" if config.from_open else "resret")
    return np.full(len(panel.security), np.nan) if values is None else values.astype(np.float64, copy=False)


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


def _series_bounds(
    formation: Formation, selected: NDArray[np.bool_], shift: int, holding_days: int
) -> tuple[Ints, Ints]:
    """First and last selected return day on which each portfolio holds a book, (P,) each; -1 for never."""
    n_days, n_portfolios = len(selected), len(formation.portfolios)
    formed = (np.diff(formation.start) > 0).reshape(n_days, n_portfolios)
    invested = np.zeros((n_days + shift + holding_days, n_portfolios), bool)
    for wait in range(shift, shift + holding_days):
        invested[wait : wait + n_days] |= formed
    invested = invested[:n_days] & selected[:, None]
    some = invested.any(axis=0)
    first = np.where(some, invested.argmax(axis=0), -1)
    last = np.where(some, n_days - 1 - invested[::-1].argmax(axis=0), -1)
    return first, last


def _gross(daily_gross: Floats, config: BacktestConfig) -> Floats:
    if config.input_type == "weight" and not config.rescale_weights:
        days = np.maximum((daily_gross > 0).sum(axis=1), 1)
        return np.asarray(daily_gross.sum(axis=1) / days)
    return np.full(len(daily_gross), 1.0 if config.method == "long_only" else 2.0)
