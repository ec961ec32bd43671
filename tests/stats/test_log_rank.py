"""The stratified log-rank test against statsmodels and a loop."""

import math
from itertools import product

import numpy as np
import pytest
from statsmodels.duration.survfunc import survdiff

from poc.stats.log_rank import FEW_EVENTS, log_rank


def watched(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    in_group, stratum = rng.random(n) < 0.4, rng.integers(3, size=n)
    life = rng.exponential(60 + 40 * in_group + 30 * stratum)
    limit = rng.uniform(20, 120, n)
    return np.ceil(np.minimum(life, limit)).astype(int), life <= limit, in_group, stratum


@pytest.mark.parametrize("seed", range(4))
def test_the_p_value_equals_statsmodels(seed: int) -> None:
    duration, ended, in_group, stratum = watched(seed)
    _, p_value = survdiff(duration, ended.astype(int), in_group.astype(int), strata=stratum)
    assert log_rank(duration, ended, in_group, stratum).p_value == pytest.approx(p_value, rel=1e-9)


def test_expected_events_equal_a_loop() -> None:
    duration, ended, in_group, stratum = watched(7, n=60)
    expected = of_others = 0.0
    for label in set(stratum):
        for time in set(duration[(stratum == label) & ended]):
            at_risk = (stratum == label) & (duration >= time)
            events = np.sum((stratum == label) & ended & (duration == time))
            share = np.sum(at_risk & in_group) / np.sum(at_risk)
            expected += events * share
            of_others += events * (1 - share)
    found = log_rank(duration, ended, in_group, stratum)
    assert (found.expected, found.expected_of_others) == pytest.approx((expected, of_others), rel=1e-12)
    observed, others = np.sum(ended & in_group), np.sum(ended & ~in_group)
    assert found.rate == pytest.approx((observed / expected) / (others / of_others), rel=1e-12)


def test_the_two_groups_change_places() -> None:
    duration, ended, in_group, stratum = watched(3)
    one, other = log_rank(duration, ended, in_group, stratum), log_rank(duration, ended, ~in_group, stratum)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9)
    assert one.rate == pytest.approx(1 / other.rate, rel=1e-9)


def test_groups_that_never_meet_in_a_stratum_cannot_be_compared() -> None:
    duration, ended, in_group, _ = watched(1)
    found = log_rank(duration, ended, in_group, in_group.astype(int))
    assert math.isnan(found.p_value)
    nobody = log_rank(duration, np.zeros_like(ended), in_group, np.zeros(len(ended)))
    assert math.isnan(nobody.p_value)
    assert math.isnan(nobody.rate)


def test_a_true_null_is_rejected_about_as_often_as_it_should_be() -> None:
    rng = np.random.default_rng(11)
    p_values = []
    for _ in range(600):
        life = rng.exponential(100, 150)
        limit = np.full(150, 80.0)
        found = log_rank(np.minimum(life, limit), life <= limit, rng.random(150) < 0.5, np.zeros(150))
        p_values.append(found.p_value)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.025)


def test_few_events_are_counted_out_exactly() -> None:
    duration, ended, in_group, stratum = watched(5, n=200)
    ended &= np.cumsum(ended) <= 9
    found = log_rank(duration, ended, in_group, stratum)
    assert min(found.expected, found.expected_of_others) < FEW_EVENTS
    shares = []
    for row in np.flatnonzero(ended):
        at_risk = (stratum == stratum[row]) & (duration >= duration[row])
        shares.append(np.mean(in_group[at_risk]))
    likelihood = np.zeros(10)
    for falls in product((0, 1), repeat=9):
        likelihood[sum(falls)] += math.prod(s if f else 1 - s for f, s in zip(falls, shares, strict=True))
    observed = np.sum(ended & in_group)
    assert found.p_value == pytest.approx(2 * min(likelihood[: observed + 1].sum(), likelihood[observed:].sum()))


def test_few_events_reject_a_true_null_no_more_often_than_they_should() -> None:
    rng = np.random.default_rng(12)
    p_values = []
    for _ in range(600):
        life = rng.exponential(1000, 150)
        found = log_rank(np.minimum(life, 60.0), life <= 60, rng.random(150) < 0.15, np.zeros(150))
        p_values.append(found.p_value)
    assert np.mean(np.array(p_values) < 0.05) <= 0.05
