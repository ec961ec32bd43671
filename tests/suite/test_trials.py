"""The Sharpe ratio deflated for earlier tries, whose list is an input."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from poc.data.catalog import DataCatalog
from poc.data.demo_signals import DemoSignal
from poc.suite.config import QUICK_SUITE, STANDARD_SUITE
from poc.suite.result import SuiteResult
from poc.suite.runner import run_suite
from poc.suite.trials import EarlierTrials, Trial, with_trials

TRIALS = tuple(
    Trial(run_id=f"run{i}", signal_hash="ab", sharpe=sharpe, why="family")
    for i, sharpe in enumerate((0.05, -0.1, 0.02, None))
)


@pytest.fixture(scope="module")
def suite_result(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> SuiteResult:
    suite = replace(STANDARD_SUITE, baselines=())
    return run_suite(signals["real_alpha"].frame, catalog, suite, n_jobs=1)


def by_hand(returns: np.ndarray, sharpes: list[float], n_trials: int) -> tuple[float, float]:
    """Deflated Sharpe ratio and SR0, as in Bailey and Lopez de Prado (2014), with the error of dependent days."""
    sharpe, n_days = returns.mean() / returns.std(ddof=1), len(returns)
    z = (returns - returns.mean()) / returns.std()
    variance = max(float(np.var(sharpes, ddof=1)), 1 / (n_days - 1))
    lucky = np.sqrt(variance) * (
        (1 - np.euler_gamma) * norm.ppf(1 - 1 / n_trials) + np.euler_gamma * norm.ppf(1 - 1 / (n_trials * math.e))
    )
    error = np.sqrt(1 - (z**3).mean() * sharpe + ((z**4).mean() - 1) / 4 * sharpe**2)
    influence = z - sharpe / 2 * (z**2 - 1)
    lags = {"maxlags": math.floor(4 * (n_days / 100) ** (2 / 9))}
    dependent = sm.OLS(influence, np.ones(n_days)).fit(cov_type="HAC", cov_kwds=lags)
    error *= dependent.bse[0] / (influence.std() / math.sqrt(n_days))
    return float(norm.cdf((sharpe - lucky) * np.sqrt(n_days - 1) / error)), float(lucky)


def daily(suite_result: SuiteResult, lag: int, residualize: str) -> np.ndarray:
    result = suite_result.variant(lag=lag, residualize=residualize)
    assert result is not None
    return result.daily_series["ret_net"].to_numpy()


def test_the_tries_are_the_judged_set_and_the_earlier_ones(suite_result: SuiteResult) -> None:
    trials = with_trials(suite_result, EarlierTrials(trials=TRIALS, author_runs=9)).evidence.trials
    judged = [daily(suite_result, lag, name) for lag in (0, 1, 2) for name in ("off", "industry")]
    sharpes = [returns.mean() / returns.std(ddof=1) for returns in judged] + [0.05, -0.1, 0.02]
    expected, lucky = by_hand(judged[0], sharpes, 10)
    assert trials.n_trials == 10
    assert trials.deflated_sharpe.value == pytest.approx(expected, rel=1e-12)
    assert trials.lucky_sharpe.value == pytest.approx(lucky * math.sqrt(252), rel=1e-12)
    assert trials.earlier.author_runs == 9
    best = max(judged, key=lambda returns: returns.mean() / returns.std(ddof=1))
    assert trials.best_deflated_sharpe.value == pytest.approx(by_hand(best, sharpes, 10)[0], rel=1e-12)


def test_more_tries_leave_less(suite_result: SuiteResult) -> None:
    values = []
    for n in (0, 4, 40, 400):
        earlier = EarlierTrials(trials=tuple(replace(TRIALS[0], sharpe=0.1 * (-1) ** i) for i in range(n)))
        deflated = with_trials(suite_result, earlier).evidence.trials.deflated_sharpe.value
        assert deflated is not None
        values.append(deflated)
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


def test_without_a_history_it_is_not_computed_and_says_why(suite_result: SuiteResult) -> None:
    reasons = {
        "the earlier tries are not known: no run history was given": suite_result,
        "the earlier tries are not known: the store is away": with_trials(
            suite_result, EarlierTrials(why_unknown="the store is away")
        ),
    }
    for reason, suite in reasons.items():
        trials = suite.evidence.trials
        for measure in (trials.deflated_sharpe, trials.best_deflated_sharpe, trials.lucky_sharpe):
            assert (measure.status, measure.reason) == ("not_run", reason)
        assert trials.n_trials is None


def test_a_preset_with_fewer_variants_is_judged_by_as_many_tries(
    catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    frame = signals["real_alpha"].frame
    quick = run_suite(frame, catalog, QUICK_SUITE, n_jobs=1, trials=EarlierTrials())
    both = [daily(quick, lag, "off") for lag in (0, 1)]
    expected, _ = by_hand(both[0], [returns.mean() / returns.std(ddof=1) for returns in both], 6)
    assert quick.evidence.trials.n_trials == 6
    assert quick.evidence.trials.deflated_sharpe.value == pytest.approx(expected, rel=1e-12)


def test_a_base_variant_without_returns_has_no_number(suite_result: SuiteResult) -> None:
    failed = replace(suite_result, signal_results={})
    trials = with_trials(failed, EarlierTrials()).evidence.trials
    assert trials.deflated_sharpe.reason == "the net Sharpe ratio is undefined"
    assert trials.best_deflated_sharpe.status == "not_run"


def test_the_list_survives_json() -> None:
    earlier = EarlierTrials(trials=TRIALS, author_runs=4)
    assert EarlierTrials.from_dict(json.loads(json.dumps(earlier.to_dict())) | {"new": 1}) == earlier
    with pytest.raises(KeyError):
        EarlierTrials.from_dict({"trials": []})
