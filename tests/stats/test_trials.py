"""Which earlier backtests are tries at the same idea."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from poc.stats.trials import SAME, SAME_DAYS, SIMILAR, SIMILAR_DAYS, distinct_trials

Floats = NDArray[np.float64]
RNG = np.random.default_rng(7)
OWN = RNG.standard_normal(600)
NOISE = RNG.standard_normal((4, 600))


def like(correlation: float, noise: Floats) -> Floats:
    """A series whose sample correlation with OWN is exactly this."""
    own = (OWN - OWN.mean()) / OWN.std()
    rest = noise - noise.mean()
    rest = rest - own * (rest @ own) / (own @ own)
    return np.asarray(0.01 + correlation * own + np.sqrt(1 - correlation**2) * rest / rest.std())


def count(*earlier: Floats, family: tuple[bool, ...] | None = None) -> list[int]:
    return distinct_trials(OWN, np.array(earlier), np.array(family or (False,) * len(earlier)))


def test_a_renamed_run_counts_by_its_returns() -> None:
    assert count(like(0.49, NOISE[0]), like(0.51, NOISE[1]), like(-0.51, NOISE[2])) == [1, 2]


def test_a_run_of_the_family_counts_whatever_its_returns() -> None:
    assert count(like(0.1, NOISE[0]), like(0.2, NOISE[1]), family=(True, False)) == [0]


def test_the_signal_itself_is_no_earlier_try_but_its_mirror_image_is() -> None:
    assert count(3 * OWN + 1, like(0.96, NOISE[0]), like(0.94, NOISE[1]), -OWN, family=(True,) * 4) == [2, 3]


def test_a_rerun_of_one_already_counted_is_the_same_try() -> None:
    first = like(0.6, NOISE[0])
    assert count(first, like(0.6, NOISE[1]), 2 * first - 1) == [0, 1]


@pytest.mark.parametrize(("days", "expected"), [(SIMILAR_DAYS - 1, []), (SIMILAR_DAYS, [0])])
def test_similar_returns_take_enough_common_days(days: int, expected: list[int]) -> None:
    short = np.full(600, np.nan)
    short[:days] = 0.7 * OWN[:days] + np.sqrt(1 - 0.7**2) * NOISE[0][:days]
    assert count(short) == expected


@pytest.mark.parametrize(("days", "expected"), [(SAME_DAYS - 1, [0]), (SAME_DAYS, [])])
def test_few_common_days_do_not_show_that_two_are_the_same(days: int, expected: list[int]) -> None:
    short = np.full(600, np.nan)
    short[:days] = OWN[:days]
    assert count(short, family=(True,)) == expected


def test_a_run_without_returns_counts_by_its_family_alone() -> None:
    nothing, flat = np.full(600, np.nan), np.zeros(600)
    assert count(nothing, flat, nothing, flat, family=(True, True, False, False)) == [0, 1]
    assert distinct_trials(np.full(600, np.nan), np.array([OWN, NOISE[0]]), np.array([True, False])) == [0]


def test_no_earlier_run_is_no_trial() -> None:
    assert distinct_trials(OWN, np.empty((0, 600)), np.empty(0, dtype=bool)) == []


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        distinct_trials(OWN, np.zeros((2, 5)), np.array([True, True]))


def slow(own: Floats, earlier: Floats, in_family: NDArray[np.bool_]) -> list[int]:
    """Pair by pair, with pandas."""

    def same(a: Floats, b: Floats) -> bool:
        return bool(pd.Series(a).corr(pd.Series(b), min_periods=SAME_DAYS) >= SAME)

    counted: list[int] = []
    for place, row in enumerate(earlier):
        similar = abs(pd.Series(row).corr(pd.Series(own), min_periods=SIMILAR_DAYS)) >= SIMILAR
        if (in_family[place] or similar) and not same(row, own) and not any(same(row, earlier[i]) for i in counted):
            counted.append(place)
    return counted


@given(st.integers(0, 10_000))
def test_it_agrees_with_pandas_pair_by_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ideas = rng.standard_normal((3, 400))
    own = ideas[0] + rng.uniform(0, 1) * rng.standard_normal(400)
    earlier = ideas[rng.integers(3, size=30)] * rng.choice([-1.0, 1.0], (30, 1))
    earlier = earlier + rng.choice([0.0, 0.1, 0.3, 1.0], (30, 1)) * rng.standard_normal((30, 400))
    for row in earlier[::2]:
        row[rng.integers(400) :] = np.nan
    in_family = rng.random(30) < 0.3
    assert distinct_trials(own, earlier.astype(np.float32), in_family) == slow(own, earlier, in_family)


def test_many_runs_are_more_than_one_block() -> None:
    tries = np.array([like(0.6, noise) for noise in RNG.standard_normal((300, 600))])
    found = distinct_trials(OWN, np.concatenate([tries, tries]), np.zeros(600, dtype=bool))
    assert found == list(range(300))
