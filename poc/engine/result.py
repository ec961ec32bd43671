"""BacktestResult: what one backtest gives back."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine.attribution import attribute
from poc.engine.books import Books, BooksByBlock
from poc.engine.config import BacktestConfig
from poc.errors import BacktestError


@dataclass(frozen=True, kw_only=True)
class HeldBooks:
    """The books of all names behind a result, from which the weights of any day can be had. T days, R rows.

    Attributes:
        panel: what the rows of the books count.
        held: by information day; None where what was held was not kept, which is most of the memory of a result.
        shift: trading days from the information day of a book to the day of its return.
        days: return days of the series, as indices of `panel.dates`.
    """

    panel: Panel
    held: BooksByBlock | None
    shift: int
    days: NDArray[Any]

    def entries(self) -> Books:
        """What is held by information day.

        Raises:
            BacktestError: it was not kept.
        """
        if self.held is None:
            raise BacktestError(
                "What this variant held was not kept: a suite keeps it of the signal's own variants alone. "
                "run_backtest on the same signal and configuration gives it."
            )
        return self.held.joined()

    def weights(self, days: NDArray[Any]) -> pd.DataFrame:
        """`date, security_id, weight` held on the given return days, sorted by date and security."""
        held, book = self.entries(), days - self.shift
        first, size = held.start[book], held.start[book + 1] - held.start[book]
        entry = np.repeat(first - np.cumsum(size) + size, size) + np.arange(size.sum())
        day, security = np.repeat(days, size), self.panel.security[held.row[entry]]
        entry, day, security = (values[np.lexsort((security, day))] for values in (entry, day, security))
        return pd.DataFrame(
            {
                "date": self.panel.dates[day].astype("datetime64[s]"),
                "security_id": self.panel.securities[security],
                "weight": held.weight[entry],
            }
        )


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """One backtest. Rates are fractions; annual in the tables, daily in the series.

    Attributes:
        config: the variant that was run, with `universe` and `carry_days` as given (not resolved).
        daily_series: a row a day from the first to the last invested day: `date, ret, ret_net, resret, ret_long,
            ret_short, cost, turnover, cumret, cumret_net, drawdown, n_long, n_short, missing_return_share`, then one
            column a style exposure of the book. For `long_only` also `ret_market`, `ret_active`,
            and `ret_benchmark` where there is one.
        summary_table: a row a group of each slice: `slice, group, num_days, n_long, n_short, ret_ann, ret_std, sharpe,
            ret_net_ann, ret_net_std, sharpe_net, resret_ann, resret_std, sharpe_resret, max_drawdown, turnover,
            hit_rate, hit_rate_gross, hit_rate_resret, skew, worst_month, beta`, then one column a style exposure.
        fractile_analysis: `fractile` (1 lowest), `n, ret_ann, resret_ann`, then the style exposures.
        diagnostics: `ledger, coverage, carry_days, universe, tail_share, flat_days, missing_return_share, ic,
            fractile_monotonicity` (documented in docs/methodology.md).
        ic_series: `date` (of the first holding day), `ic`, a row a day on which it is defined.
        slice_series: `slice, group, date, ret, ret_net`, the daily series of every group that is its own portfolio.
        books: the held books, for `holdings` and `attribution`.
        factor_regression: `term` (`alpha` first), `coefficient, std_error, t, p_value, r_squared, num_days`; alpha and
            its error annual. None without a `factor_model`.
    """

    config: BacktestConfig
    daily_series: pd.DataFrame
    summary_table: pd.DataFrame
    fractile_analysis: pd.DataFrame
    diagnostics: dict[str, Any]
    ic_series: pd.DataFrame
    slice_series: pd.DataFrame
    books: HeldBooks = field(repr=False)
    factor_regression: pd.DataFrame | None = None

    def holdings(self, *, last_day_only: bool = True) -> pd.DataFrame:
        """The book as `date, security_id, weight`: of the last invested day, or of every day."""
        return self.books.weights(self.books.days[-1:] if last_day_only else self.books.days)

    @cached_property
    def attribution(self) -> pd.DataFrame:
        """`kind` (`name`, `sector` or `month`), `id`, `ret_net`: the sum over days of what each contributed.

        Made when it is first asked for: most variants of a suite are never looked at so closely.
        """
        books = self.books
        return attribute(books.entries(), books.days, books.shift, self.daily_series, self.config, books.panel)

    def overall(self) -> pd.Series:
        """The row of `summary_table` for the whole period and universe."""
        return self.summary_table.iloc[0]
