"""BacktestResult: what one backtest gives back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.engine.config import BacktestConfig


@dataclass(frozen=True, kw_only=True)
class HeldBooks:
    """The weights held on each return day, as read-only arrays of equal length, sorted by day and security."""

    day: NDArray[np.datetime64]
    security_id: NDArray[Any]
    weight: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """One backtest. Rates are fractions; annual in the tables, daily in the series.

    Attributes:
        config: the variant that was run, with `universe` and `carry_days` as given (not resolved).
        daily_series: a row a day from the first to the last invested day: `date, ret, ret_net, resret, ret_long,
            ret_short, cost, turnover, cumret, cumret_net, drawdown, n_long, n_short, missing_return_share`, then one
            column a style exposure of the book. For `long_only` also `ret_market`, `ret_active`.
        summary_table: a row a group of each slice: `slice, group, num_days, n_long, n_short, ret_ann, ret_std, sharpe,
            ret_net_ann, sharpe_net, resret_ann, sharpe_resret, max_drawdown, turnover, hit_rate, skew, worst_month,
            beta`, then one column a style exposure.
        fractile_analysis: `fractile` (1 lowest), `n, ret_ann, resret_ann`, then the style exposures.
        diagnostics: `ledger, coverage, carry_days, universe, tail_share, flat_days, missing_return_share, ic,
            fractile_monotonicity` (documented in docs/methodology.md).
        ic_series: `date` (of the first holding day), `ic`, a row a day on which it is defined.
        slice_series: `slice, group, date, ret, ret_net`, the daily series of every group that is its own portfolio.
        attribution: `kind` (`name`, `sector` or `month`), `id`, `ret_net`: the sum over days of what each contributed.
        books: the weights of every return day.
    """

    config: BacktestConfig
    daily_series: pd.DataFrame
    summary_table: pd.DataFrame
    fractile_analysis: pd.DataFrame
    diagnostics: dict[str, Any]
    ic_series: pd.DataFrame
    slice_series: pd.DataFrame
    attribution: pd.DataFrame
    books: HeldBooks = field(repr=False)

    def holdings(self, *, last_day_only: bool = True) -> pd.DataFrame:
        """The book as `date, security_id, weight`: of the last invested day, or of every day."""
        books = self.books
        keep = books.day == books.day[-1] if last_day_only else slice(None)
        return pd.DataFrame(
            {"date": books.day[keep], "security_id": books.security_id[keep], "weight": books.weight[keep]}
        )

    def overall(self) -> pd.Series:
        """The row of `summary_table` for the whole period and universe."""
        return self.summary_table.iloc[0]
