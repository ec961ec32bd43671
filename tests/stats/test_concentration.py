import math

import numpy as np
import pytest
from numpy.typing import NDArray

from poc.stats.concentration import LargestShare, largest_share


def test_the_largest_contributor_and_its_share_of_the_net_total() -> None:
    assert largest_share([1.0, 6.0, 5.0, -2.0]) == LargestShare(share=0.6, index=1)


def test_a_winner_can_earn_more_than_the_total() -> None:
    assert largest_share([3.0, -2.0]).share == 3.0


def test_of_equals_the_first_is_named() -> None:
    assert largest_share([1.0, 2.0, 2.0]).index == 1


@pytest.mark.parametrize("contributions", [[1.0, -1.0], [1.0, -3.0], [0.0, 0.0]])
def test_a_total_that_is_not_positive_has_no_shares(contributions: list[float]) -> None:
    largest = largest_share(contributions)
    assert math.isnan(largest.share)
    assert largest.index == 0


def test_nothing_has_no_largest_part() -> None:
    largest = largest_share([])
    assert math.isnan(largest.share)
    assert largest.index is None


@pytest.mark.parametrize("contributions", [np.array([1.0, np.nan]), np.array([np.inf]), np.ones((2, 2))])
def test_undefined_contributions_are_refused(contributions: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="expected finite numbers"):
        largest_share(contributions)
