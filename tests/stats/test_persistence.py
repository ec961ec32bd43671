import math

import pytest
from scipy.optimize import brentq

from poc.stats.persistence import half_life


@pytest.mark.parametrize("days", [0.3, 1.0, 4.0, 15.0, 300.0])
def test_the_half_life_of_an_autoregression_is_found(days: float) -> None:
    decay = {lag: 0.5 ** (lag / days) for lag in (1, 5, 21)}
    assert half_life(decay) == pytest.approx(days)


def test_between_two_lags_the_fall_is_geometric() -> None:
    measured = {1: 0.9, 5: 0.7, 21: 0.1}
    assert half_life(measured) == pytest.approx(brentq(lambda day: 0.7 * (0.1 / 0.7) ** ((day - 5) / 16) - 0.5, 5, 21))


def test_ranks_that_never_change_have_no_half_life() -> None:
    assert half_life({1: 1.0, 5: 1.0}) == math.inf
    assert math.isnan(half_life({}))
    assert math.isnan(half_life({1: math.nan, 5: 0.5}))


def test_ranks_that_turn_round_are_gone_within_the_lag() -> None:
    assert 0 < half_life({1: -0.2, 5: 0.1, 21: 0.0}) < 1
