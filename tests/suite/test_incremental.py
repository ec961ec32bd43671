"""What a signal adds to the baselines, against plain loops and on planted clones."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from poc.baselines.library import generate_reversal_signal
from poc.data.catalog import DataCatalog
from poc.data.demo_signals import DemoSignal
from poc.data.sort_kernels import order_by_day
from poc.engine.config import BacktestConfig
from poc.engine.cross_section_kernels import average_ranks
from poc.engine.formation import candidates
from poc.engine.placing import place_signal
from poc.engine.wrapper import check_signal
from poc.stats.newey_west import newey_west_t
from poc.stats.sharpe_difference import sharpe_difference
from poc.suite.config import SuiteConfig
from poc.suite.grid import place_baseline
from poc.suite.incremental import rank_residuals
from poc.suite.result import SuiteResult
from poc.suite.runner import run_suite

SUITE = SuiteConfig(name="small", lags=(0,), residualize=("off",), placebos=0, report_evidence=False)


def residual_by_loop(x: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of one day: least squares of ranks on an intercept and ranks, a missing one at the mean rank."""
    rows = ~np.isnan(x)
    columns = [np.ones(rows.sum())]
    for other in others[:, rows]:
        there = ~np.isnan(other)
        if 2 * there.sum() >= len(other):
            column = np.zeros(len(other))
            column[there] = rankdata(other[there]) - (there.sum() + 1) / 2
            columns.append(column)
    ranks = rankdata(x[rows])
    design = np.column_stack(columns)
    out = np.full(len(x), np.nan)
    out[rows] = ranks - design @ np.linalg.lstsq(design, ranks, rcond=1e-10)[0]
    return out


@given(seed=st.integers(0, 2**32 - 1), n_others=st.integers(0, 4), collinear=st.booleans())
def test_residuals_equal_least_squares_of_each_day(seed: int, n_others: int, collinear: bool) -> None:
    rng = np.random.default_rng(seed)
    offsets = np.append(0, np.cumsum(rng.integers(0, 15, 4))).astype(np.int64)
    n = int(offsets[-1])
    x = np.where(rng.random(n) < 0.9, rng.integers(0, 9, n), np.nan)
    others = np.where(rng.random((n_others, n)) < 0.7, rng.integers(0, 9, (n_others, n)), np.nan)
    if collinear and n_others > 1:
        others[1] = 5 * others[0] + 1
    among = [x, *(np.where(np.isnan(x), np.nan, other) for other in others)]
    ranks = [average_ranks(v, order_by_day(v, offsets), offsets) for v in among]
    found = rank_residuals(ranks, offsets)
    for begin, end in pairwise(offsets):
        for values, rank in zip(among, ranks, strict=True):
            np.testing.assert_array_equal(rank[begin:end], rankdata(values[begin:end], nan_policy="omit"))
        expected = residual_by_loop(x[begin:end], others[:, begin:end])
        np.testing.assert_allclose(found[begin:end], expected, atol=1e-8)


@pytest.fixture(scope="module")
def results(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> dict[str, SuiteResult]:
    names = ("real_alpha", "noise", "clone")
    chosen = {name: signals[name].frame for name in names if name in signals}
    clones = {name: signal.frame for name, signal in signals.items() if "reversal baseline" in signal.truth}
    found = {name: run_suite(frame, catalog, SUITE, n_jobs=1) for name, frame in chosen.items()}
    found["clone"] = run_suite(next(iter(clones.values())), catalog, SUITE, n_jobs=1)
    return found


def test_the_incremental_ic_equals_a_loop(
    results: dict[str, SuiteResult], catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    panel, config = catalog.panel, BacktestConfig()
    own = place_signal(check_signal(signals["real_alpha"].frame, config, catalog).rows, panel, config)
    values = np.where(candidates(panel, config), own.values, np.nan)
    placed = [place_baseline(name, own, config, catalog).placed for name in SUITE.baselines]
    others = np.array([one.values for one in placed if one is not None])
    day = np.repeat(np.arange(panel.n_days), np.diff(panel.offsets))
    ret = dict(zip(zip(day, panel.security, strict=True), panel.returns["ret"], strict=True))
    next_ret = np.array([ret.get((d + 1, s), np.nan) for d, s in zip(day, panel.security, strict=True)])
    daily = []
    for begin, end in pairwise(panel.offsets):
        residual = residual_by_loop(values[begin:end], others[:, begin:end]).round(9)
        both = ~np.isnan(residual) & ~np.isnan(next_ret[begin:end])
        if both.sum() >= 10 and np.ptp(residual[both]) > 0:
            daily.append(spearmanr(residual[both], next_ret[begin:end][both]).statistic)
    found = results["real_alpha"].evidence.incremental
    assert found.ic.value == pytest.approx(np.mean(daily), abs=1e-9)
    assert found.ic_t.value == pytest.approx(newey_west_t(daily), abs=1e-6)


def test_a_clone_adds_nothing_and_a_real_signal_does(results: dict[str, SuiteResult]) -> None:
    clone, real = results["clone"], results["real_alpha"]
    corr = {b.name: b.signal_corr.value for b in clone.evidence.baselines}
    assert corr["reversal_5d"] is not None
    assert corr["reversal_5d"] > 0.7
    assert clone.evidence.incremental.ic_t.value is not None
    assert clone.evidence.incremental.ic_t.value < 2
    assert clone.evidence.spanning_alpha_t.value is not None
    assert clone.evidence.spanning_alpha_t.value < 2
    to_reversal = {one.name: one for one in clone.evidence.sharpe_differences}["reversal_5d"]
    assert to_reversal.low.value is not None
    assert to_reversal.low.value < 0.5
    assert to_reversal.p_value.value is not None
    assert to_reversal.p_value.value > 0.01

    assert real.evidence.incremental.ic_t.value is not None
    assert real.evidence.incremental.ic_t.value > 3
    own = {one.name: one.difference.value or 0 for one in real.evidence.sharpe_differences}
    assert own["reversal_5d"] > (to_reversal.difference.value or 0)


def test_of_a_baseline_nothing_is_left(catalog: DataCatalog) -> None:
    found = run_suite(generate_reversal_signal(catalog), catalog, SUITE, n_jobs=1).evidence
    assert found.incremental.ic.status == "not_applicable"
    assert found.incremental.ic.reason == "the baselines leave nothing of the ranking"
    itself = {one.name: one for one in found.sharpe_differences}["reversal_5d"]
    assert itself.difference.value == pytest.approx(0, abs=1e-9)
    assert itself.p_value.status == "not_run"


def test_the_sharpe_difference_is_that_of_the_common_days(results: dict[str, SuiteResult]) -> None:
    result = results["noise"]
    key = result.base_config().key
    own = result.signal_results[key].daily_series.set_index("date")["ret_net"]
    for one in result.evidence.sharpe_differences:
        other = result.baseline_results[one.name][key].daily_series.set_index("date")["ret_net"]
        days = own.index.union(other.index)
        first, last = max(own.index[0], other.index[0]), min(own.index[-1], other.index[-1])
        days = days[(days >= first) & (days <= last)]
        expected = sharpe_difference(own.reindex(days, fill_value=0), other.reindex(days, fill_value=0))
        assert (one.difference.value, one.low.value, one.high.value, one.p_value.value) == pytest.approx(
            (expected.difference, expected.low, expected.high, expected.p_value), abs=1e-12
        )


def test_what_could_not_be_compared_says_why(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    frame = signals["noise"].frame
    alone = run_suite(frame, catalog, SUITE, include_baselines=False, n_jobs=1).evidence
    assert alone.incremental.ic.reason == "no baseline was run"
    assert alone.sharpe_differences == ()
    failing = SuiteConfig(name="failing", base=BacktestConfig(mincos=150), residualize=("off",), placebos=0)
    failed = run_suite(frame, catalog, failing, n_jobs=1).evidence
    assert failed.incremental.ic.reason == "the base variant failed"
    assert {one.difference.reason for one in failed.sharpe_differences} == {"the base variant failed"}
