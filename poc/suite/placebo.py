"""The signal against copies of itself that know nothing: the same values, handed to other names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.data.sort_kernels import order_by_day
from poc.engine.books import Books, BooksByBlock
from poc.engine.config import BacktestConfig
from poc.engine.formation import candidates, find_recipe, form_books, target_books
from poc.engine.holding import borrow_a_day, hold
from poc.engine.placebo_kernels import move_values
from poc.engine.placing import PlacedSignal
from poc.stats.sharpe import sharpe_ratio
from poc.suite.measure import Measure

BLOCK = 50
"""Identities are permuted among so many names of about the same life."""
SEED = 20_141_031

Progress = Callable[[str, int, int], None]
Floats = NDArray[np.float64]
Ints = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Placebo:
    """The base net Sharpe ratio among those of placebos.

    Attributes:
        p_value: (1 + placebos at least as good) / (1 + placebos); a placebo that is never invested counts as as good.
        coverage: mean share of the signal's values that a placebo keeps, since their recipients can be traded.
        sharpe_net: of the signal, None where it is undefined.
        sharpes_net: of each placebo in turn, None where it is never invested.
    """

    p_value: Measure
    coverage: Measure
    sharpe_net: float | None = None
    sharpes_net: tuple[float | None, ...] = ()

    @classmethod
    def not_run(cls, reason: str) -> "Placebo":
        """No placebo, and why."""
        missing = Measure.not_run(reason)
        return cls(p_value=missing, coverage=missing)


def measure_placebos(  # noqa: PLR0913  # three inputs; the rest are options
    own: PlacedSignal,
    panel: Panel,
    config: BacktestConfig,
    *,
    count: int,
    n_jobs: int = -1,
    progress: Progress | None = None,
    seed: int = SEED,
) -> Placebo:
    """Run a variant on placebos: its eligible values with the identities of the names permuted.

    A placebo has the persistence and, but for the values that it drops, the turnover of the signal, and none of its
    knowledge. It is a permutation test (Phipson and Smyth 2010, Statistical Applications in Genetics and Molecular
    Biology 9(1), article 39: why 1 is added) of no relation between names and values.

    Args:
        own: the signal on the panel's rows.
        panel: the data.
        config: the variant; slices make no difference.
        count: how many placebos, at least 1. The first ones are the same for any count.
        n_jobs: threads; -1 uses every core. The result is the same for any number.
        progress: called with (what was done, how many are done, how many there are).
        seed: of the permutations.

    Returns:
        What came out; not run where the variant itself is never invested.
    """
    book = _Book(own, panel, replace(config, slices=("overall",)))
    real = book.net_returns(book.formation.books.blocks)
    sharpe = sharpe_ratio(real, days_per_year=panel.days_per_year)
    if np.isnan(sharpe):
        return Placebo.not_run("the base variant has no net Sharpe ratio")
    names = names_by_life(book.values, panel)
    if len(names) < 2:
        return Placebo.not_run("a single name has a signal, there is none to exchange it with")

    def run(number: int) -> tuple[float, float]:
        recipient = permuted(names, len(panel.securities), np.random.default_rng([seed, number]))
        books, kept = book.placebo(recipient)
        return sharpe_ratio(book.net_returns([books]), days_per_year=panel.days_per_year), kept

    done: list[tuple[float, float]] = []
    for outcome in Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(map(delayed(run), range(count))):
        done.append(outcome)
        if progress is not None:
            progress("placebos", len(done), count)
    sharpes, kept = np.array(done).T
    return Placebo(
        p_value=Measure.of((1 + np.count_nonzero(~(sharpes < sharpe))) / (1 + count)),
        coverage=Measure.of(kept.mean()),
        sharpe_net=sharpe,
        sharpes_net=tuple(None if np.isnan(value) else float(value) for value in sharpes),
    )


def names_by_life(values: Floats, panel: Panel) -> Ints:
    """The names that ever have a value, ordered by the first and then by the last day on which they have one."""
    rows = np.flatnonzero(~np.isnan(values))
    day, name = np.searchsorted(panel.offsets, rows, side="right") - 1, panel.security[rows]
    first, last = np.full(len(panel.securities), -1), np.full(len(panel.securities), -1)
    first[name[::-1]] = day[::-1]  # of equal indices the last is written
    last[name] = day
    names = np.flatnonzero(first >= 0)
    return names[np.lexsort((last[names], first[names]))]


def permuted(names: Ints, n_securities: int, rng: np.random.Generator) -> Ints:
    """(N,) the name that receives the values of each: names change places within blocks of `BLOCK`, the rest stay."""
    recipient = np.arange(n_securities)
    for begin in range(0, len(names), BLOCK):
        block = names[begin : begin + BLOCK]
        recipient[block] = rng.permutation(block)
    return recipient


class _Book:
    """One variant, run from its ranked values on: the book of all names, without what a placebo does not need."""

    def __init__(self, own: PlacedSignal, panel: Panel, config: BacktestConfig) -> None:
        self.panel, self.config = panel, config
        self.recipe = find_recipe(own, panel, config, groups={})
        self.candidate = candidates(panel, config)
        self.values = np.where(self.candidate, own.values, np.nan)
        self.order = order_by_day(self.values, panel.offsets)
        self.formation = form_books(own, panel, config)

    def placebo(self, recipient: Ints) -> tuple[Books, float]:
        """The target books of the permuted values, and the share of the values that are kept."""
        panel, names = self.panel, len(self.panel.securities)
        values, order = move_values(
            self.values, self.order, panel.offsets, panel.security, names, recipient, self.candidate
        )
        books, n_eligible, _, _ = target_books(values, order, self.recipe, (0, panel.n_days))
        return books, n_eligible.sum() / self.formation.n_eligible.sum()

    def net_returns(self, blocks: Sequence[Books]) -> Floats:
        """The daily net returns of target books; none where they are never invested."""
        formation = replace(self.formation, books=BooksByBlock(blocks))
        [held] = hold(formation, [self.config], self.panel, with_fractiles=False)
        return held.returns(borrow=borrow_a_day(self.config, self.panel))[1]
