from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.data.catalog import DataCatalog
from poc.data.demo_signals import DemoSignal
from poc.data.panel import Panel, make_panel
from poc.data.sort_kernels import order_by_day
from poc.engine.config import BacktestConfig
from poc.engine.formation import candidates
from poc.engine.placebo_kernels import move_values
from poc.engine.placing import PlacedSignal, place_signal
from poc.engine.wrapper import check_signal, run_backtest
from poc.errors import ConfigError
from poc.suite.config import FULL_SUITE, QUICK_SUITE, STANDARD_SUITE, SuiteConfig
from poc.suite.placebo import BLOCK, _Book, measure_placebos, names_by_life, permuted
from poc.suite.runner import run_suite

CONFIGS = {
    "base": BacktestConfig(),
    "impact": BacktestConfig(tc_model="power_law", weight="value", borrow_bps=50),
    "overlapping": BacktestConfig(holding_days=3, rebalance="weekly"),
    "double sort": BacktestConfig(double_sort=("momentum", 3)),
    "long only, in dates": BacktestConfig(method="long_only", start=date(2011, 6, 1)),
}


def place(catalog: DataCatalog, frame: pd.DataFrame, config: BacktestConfig) -> PlacedSignal:
    return place_signal(check_signal(frame, config, catalog).clean, catalog.panel, config)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_placebo_that_exchanges_nothing_is_the_variant(
    name: str, catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    config, frame = CONFIGS[name], signals["real_alpha"].frame
    book = _Book(place(catalog, frame, config), catalog.panel, replace(config, slices=("overall",)))
    books, kept = book.placebo(np.arange(len(catalog.panel.securities)))
    expected = run_backtest(frame, config, catalog)
    assert kept == 1
    np.testing.assert_array_equal(book.net_returns([books]), expected.daily_series["ret_net"])
    found = measure_placebos(book.formation.placed, catalog.panel, config, count=1, n_jobs=1)
    assert found.sharpe_net == expected.overall()["sharpe_net"]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_placebo_is_a_backtest_of_a_frame_with_permuted_ids(
    name: str, catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    panel, config = catalog.panel, replace(CONFIGS[name], slices=("overall",), carry_days=1)
    own = place(catalog, signals["real_alpha"].frame, config)
    book = _Book(own, panel, config)
    recipient = permuted(names_by_life(book.values, panel), len(panel.securities), np.random.default_rng(5))
    books, kept = book.placebo(recipient)

    rows = np.flatnonzero(candidates(panel, config) & ~np.isnan(own.values))
    day = panel.dates[np.searchsorted(panel.offsets, rows, side="right") - 1]
    frame = pd.DataFrame(
        {
            "security_id": panel.securities[recipient[panel.security[rows]]],
            "date_sig": day,
            "date_avail": day,
            "avail_hour": 15.0,
            "signal": own.values[rows],
        }
    )
    expected = run_backtest(frame, config, catalog)
    assert 0.5 < kept < 1
    np.testing.assert_array_equal(book.net_returns([books]), expected.daily_series["ret_net"])


def test_the_p_value_counts_the_placebos_at_least_as_good(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    found = {
        name: measure_placebos(
            place(catalog, signals[name].frame, BacktestConfig()), catalog.panel, BacktestConfig(), count=39
        )
        for name in ("real_alpha", "noise")
    }
    for placebo in found.values():
        assert placebo.sharpe_net is not None
        as_good = sum(sharpe is None or sharpe >= placebo.sharpe_net for sharpe in placebo.sharpes_net)
        assert placebo.p_value.value == (1 + as_good) / 40
    assert found["real_alpha"].p_value.value == 1 / 40
    assert found["noise"].p_value.value is not None
    assert found["noise"].p_value.value > 0.05


def test_the_placebos_do_not_depend_on_the_threads_or_on_their_number(
    catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    own = place(catalog, signals["noise"].frame, BacktestConfig())
    one = measure_placebos(own, catalog.panel, BacktestConfig(), count=6, n_jobs=1)
    two = measure_placebos(own, catalog.panel, BacktestConfig(), count=6, n_jobs=3)
    few = measure_placebos(own, catalog.panel, BacktestConfig(), count=2, n_jobs=1)
    other = measure_placebos(own, catalog.panel, BacktestConfig(), count=2, n_jobs=1, seed=1)
    assert one == two
    assert few.sharpes_net == one.sharpes_net[:2] != other.sharpes_net
    assert len(set(one.sharpes_net)) == 6


def two_generations(rng: np.random.Generator) -> Panel:
    """Twelve names trade on the first twenty days, twelve others on the next twenty."""
    calendar = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 2, 9), eager=True)
    day, name = np.repeat(np.arange(40), 12), np.tile(np.arange(12), 40)
    keys = {"date": calendar[day], "security_id": name + 12 * (day >= 20)}
    ret = pl.DataFrame(keys | {"ret": rng.normal(0, 0.01, 480)})
    risk = pl.DataFrame(keys | {"mcap": np.full(480, 1e9), "cap": np.ones(480, np.int8)})
    tables = {"ret": ret, "risk": risk, "trading_date": calendar.to_frame("date")}
    return make_panel(tables, days_per_year=252, open_cutoff=8, close_cutoff=15)


def test_a_placebo_that_is_never_invested_speaks_for_chance() -> None:
    """Half of the names of a day are those of the other generation, which do not trade: too few are left."""
    rng = np.random.default_rng(0)
    own = PlacedSignal(values=rng.normal(size=480), carry_days=1, dropped={})
    config = BacktestConfig(mincos=6, fractile=(50, 50))
    found = measure_placebos(own, two_generations(rng), config, count=4, n_jobs=1)
    assert found.sharpe_net is not None
    assert found.sharpes_net == (None,) * 4
    assert found.p_value.value == 1
    assert found.coverage.value == pytest.approx(0.5, abs=0.1)


def test_without_a_result_or_names_to_exchange_there_is_no_placebo() -> None:
    rng = np.random.default_rng(0)
    panel, nothing = two_generations(rng), np.full(480, np.nan)
    own = PlacedSignal(values=nothing, carry_days=1, dropped={})
    none = measure_placebos(own, panel, BacktestConfig(), count=1, n_jobs=1)
    assert none.p_value.reason == none.coverage.reason == "the base variant has no net Sharpe ratio"
    alone = np.where(panel.security == 0, 1.0, np.nan)
    own = PlacedSignal(values=alone, carry_days=1, dropped={})
    config = BacktestConfig(mincos=1, method="long_only", input_type="position")
    single = measure_placebos(own, panel, config, count=1, n_jobs=1)
    assert single.p_value.reason == "a single name has a signal, there is none to exchange it with"


@given(n_names=st.integers(1, 170), n_others=st.integers(0, 5), seed=st.integers(0, 2**32 - 1))
def test_names_change_places_within_their_block_only(n_names: int, n_others: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = rng.permutation(n_names + n_others)[:n_names]
    recipient = permuted(names, n_names + n_others, rng)
    assert sorted(recipient) == list(range(n_names + n_others))
    place_of = {name: place for place, name in enumerate(names)}
    for name, to in enumerate(recipient):
        if name in place_of:
            assert place_of[name] // BLOCK == place_of[int(to)] // BLOCK
        else:
            assert to == name


@given(seed=st.integers(0, 2**32 - 1), n_days=st.integers(1, 5), n_names=st.integers(1, 8))
def test_moved_values_are_those_of_a_loop_and_in_order(seed: int, n_days: int, n_names: int) -> None:
    rng = np.random.default_rng(seed)
    there = rng.random((n_days, n_names)) < 0.8
    day, name = np.nonzero(there)
    offsets = np.searchsorted(day, np.arange(n_days + 1))
    values = np.where(rng.random(len(day)) < 0.7, rng.integers(0, 4, len(day)).astype(float), np.nan)
    candidate, recipient = rng.random(len(day)) < 0.8, rng.permutation(n_names)
    moved, order = move_values(
        values, order_by_day(values, offsets), offsets, name.astype(np.int32), n_names, recipient, candidate
    )
    expected = np.full(len(day), np.nan)
    row: dict[Any, int] = {key: r for r, key in enumerate(zip(day, name, strict=True))}
    for r in range(len(day)):
        to = row.get((day[r], recipient[name[r]]))
        if to is not None and candidate[to]:
            expected[to] = values[r]
    np.testing.assert_array_equal(moved, expected)
    for begin, end in pairwise(offsets):
        assert sorted(order[begin:end]) == list(range(begin, end))
        np.testing.assert_array_equal(moved[order[begin:end]], np.sort(moved[begin:end]))


def test_names_are_ordered_by_their_first_and_last_day(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    panel = catalog.panel
    book = _Book(place(catalog, signals["real_alpha"].frame, BacktestConfig()), panel, BacktestConfig())
    rows = ~np.isnan(book.values)
    day = np.repeat(np.arange(panel.n_days), np.diff(panel.offsets))
    lives = pd.DataFrame({"name": panel.security[rows], "day": day[rows]}).groupby("name")["day"].agg(["min", "max"])
    expected = lives.reset_index().sort_values(["min", "max", "name"])["name"]
    np.testing.assert_array_equal(names_by_life(book.values, panel), expected)


def test_the_presets_that_can_be_green_have_placebos() -> None:
    assert [suite.placebos for suite in (QUICK_SUITE, STANDARD_SUITE, FULL_SUITE)] == [0, 200, 200]
    with pytest.raises(ConfigError, match="placebos=-1 is not allowed"):
        SuiteConfig(name="mine", placebos=-1)


def test_a_suite_runs_its_placebos_or_says_why_not(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    suite = SuiteConfig(name="small", lags=(0,), residualize=("off",), baselines=(), placebos=3)
    seen = []
    result = run_suite(signals["real_alpha"].frame, catalog, suite, n_jobs=1, progress=lambda *said: seen.append(said))
    own = place(catalog, signals["real_alpha"].frame, BacktestConfig())
    assert result.evidence.placebo == measure_placebos(own, catalog.panel, suite.base_variant(), count=3, n_jobs=1)
    assert seen[-3:] == [("placebos", 1, 3), ("placebos", 2, 3), ("placebos", 3, 3)]

    without = run_suite(signals["real_alpha"].frame, catalog, replace(suite, placebos=0), n_jobs=1)
    assert without.evidence.placebo.p_value.reason == "the suite leaves placebos out"
    failed = run_suite(signals["real_alpha"].frame, catalog, replace(suite, base=BacktestConfig(mincos=150)), n_jobs=1)
    assert failed.evidence.placebo.p_value.reason == "the base variant failed"
    assert {p.evidence.placebo.p_value.status for p in (without, failed)} == {"not_run"}
