"""Numbers do not depend on how days are cut into blocks, on threads, or on which other days are there."""

from itertools import combinations_with_replacement, pairwise, product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.engine import blocks, wrapper
from poc.engine.blocks import blocks_of_days
from poc.engine.books import Books, BooksByBlock, join_books
from poc.engine.config import BacktestConfig
from poc.engine.wrapper import run_backtest
from tests.engine.conftest import Snapshot
from tests.engine.test_properties import DEMANDING, SORTED, assert_identical
from tests.reference.random_panels import PanelShape, random_signal

MARKET = PanelShape(seed=5)
USUAL: dict[str, Any] = {"mincos": 3, "slice_mincos": 2, "fractile": (20, 80)}
VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "demanding": DEMANDING,
    "sorted": SORTED,
    "delayed": {"lag": 2, "weight": "volume", "residualize": "industry"},
}


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_and_threads_play_no_part(
    changes: dict[str, Any], threads: int, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, signal, variant = snapshot(MARKET), random_signal(MARKET), BacktestConfig(**(USUAL | changes))
    monkeypatch.setattr(wrapper, "cpu_count", lambda: 1)
    whole = run_backtest(signal, variant, catalog)
    assert len(blocks_of_days(catalog.panel.offsets)) == 1

    monkeypatch.setattr(wrapper, "cpu_count", lambda: threads)
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 70)
    assert len(blocks_of_days(catalog.panel.offsets)) > 5
    cut = run_backtest(signal, variant, catalog)
    assert_identical(cut, whole)
    assert_identical(run_backtest(signal, variant, catalog), cut)


def test_a_day_does_not_depend_on_later_days(snapshot: Snapshot) -> None:
    catalog, signal, variant = snapshot(MARKET), random_signal(MARKET), BacktestConfig(**USUAL, carry_days=3)
    last = pd.Timestamp(catalog.calendar[40])
    series = run_backtest(signal, variant, catalog).daily_series
    short = run_backtest(signal[signal["date_avail"] <= last], variant, catalog).daily_series
    days = [(s["date"] > series["date"].iloc[0]) & (s["date"] <= last) for s in (series, short)]
    pd.testing.assert_frame_equal(series[days[0]], short[days[1]], check_exact=True)
    assert days[0].sum() > 20


def test_every_day_is_in_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 3)
    offsets = np.array([0, 0, 4, 9, 9, 40, 41, 50, 50])
    cut = blocks_of_days(offsets)
    assert [day for first, end in cut for day in range(first, end)] == list(range(8))
    assert len(cut) > 2


def _entries(books: Books, *, day: int, portfolio: int) -> list[tuple[int, float]]:
    book = day * books.n_portfolios + portfolio
    entries = slice(*books.start[book : book + 2])
    return list(zip(books.row[entries].tolist(), books.weight[entries].tolist(), strict=True))


@pytest.mark.parametrize("cuts", [[0, 6], [0, 1, 2, 3, 4, 5, 6], [0, 2, 5, 6]])
def test_books_in_blocks_are_those_of_the_days_that_are_asked_for(cuts: list[int]) -> None:
    rng = np.random.default_rng(5)
    start = np.append(0, np.cumsum(rng.integers(0, 4, 12)))  # six days of two portfolios
    whole = Books(start, rng.integers(0, 99, start[-1]).astype(np.int32), rng.normal(size=start[-1]), 2)
    blocked = BooksByBlock([whole.on(*days) for days in pairwise(cuts)])
    for first, end in combinations_with_replacement(range(7), 2):
        some = blocked.on(first, end)
        assert some.n_days == end - first
        for day, portfolio in product(range(end - first), range(2)):
            found = _entries(some, day=day, portfolio=portfolio)
            assert found == _entries(whole, day=first + day, portfolio=portfolio)
    firsts, invested = blocked.first_portfolio().joined(), blocked.invested()
    for day in range(6):
        assert _entries(firsts, day=day, portfolio=0) == _entries(whole, day=day, portfolio=0)
        for portfolio in range(2):
            assert invested[day, portfolio] == bool(_entries(whole, day=day, portfolio=portfolio))
    assert join_books(blocked.blocks).start.tolist() == start.tolist()


def test_the_arrays_of_a_result_are_read_only(snapshot: Snapshot) -> None:
    books = run_backtest(random_signal(MARKET), BacktestConfig(**USUAL), snapshot(MARKET)).books.entries()
    for array in (books.start, books.row, books.weight):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
