"""Whether one group of names leaves earlier than another: the stratified log-rank test.

Sources: [M] Mantel (1966), "Evaluation of survival data and two new rank order statistics arising in its
consideration", Cancer Chemotherapy Reports 50, 163-170; [P] Peto et al. (1977), "Design and analysis of randomized
clinical trials requiring prolonged observation of each patient II", British Journal of Cancer 35, 1-39: the ratio of
rates.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW_EVENTS = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LogRank:
    """The group against the others.

    Attributes:
        p_value: two-sided, that both leave at the same rate; NaN where no event tells them apart.
        rate: (observed / expected) of the group over that of the others [P]; NaN where one of them expects no event.
        expected, expected_of_others: how many would have left if both left at the same rate.
    """

    p_value: float
    rate: float
    expected: float
    expected_of_others: float


def log_rank(
    duration: NDArray[Any], ended: NDArray[np.bool_], in_group: NDArray[np.bool_], stratum: NDArray[Any]
) -> LogRank:
    """Compare two groups within strata [M].

    At each time of an event in a stratum, with n names at risk, n1 of them in the group, and d events, the group
    expects d n1 / n of them, with variance d (n1 / n) (1 - n1 / n) (n - d) / (n - 1). Observed less expected, squared,
    over the variance, all summed over times and strata, is chi-squared with one degree of freedom. That holds for many
    events. Where fewer than `FEW_EVENTS` are expected in either group, the p-value is twice the smaller tail of the
    number of events in the group, each of which falls to it with probability n1 / n (Poisson binomial distribution).

    Args:
        duration: (n,) time watched, above 0.
        ended: (n,) whether the name left at that time; else it was watched no longer.
        in_group: (n,) whether it belongs to the group.
        stratum: (n,) names are compared within the same one only.
    """
    expected = expected_of_others = variance = 0.0
    shares = []
    for label in np.unique(stratum):
        inside = stratum == label
        share, spread = _terms(duration[inside], ended[inside], in_group[inside])
        expected, expected_of_others = expected + float(share.sum()), expected_of_others + float((1 - share).sum())
        variance += spread
        shares.append(share)
    n_events = int(np.count_nonzero(ended & in_group))
    n_others = int(np.count_nonzero(ended & ~in_group))
    z = (n_events - expected) / math.sqrt(variance) if variance > 0 else math.nan
    p_value = math.erfc(abs(z) / math.sqrt(2))
    if variance > 0 and min(expected, expected_of_others) < FEW_EVENTS:
        p_value = _exact_p_value(np.concatenate(shares), n_events)
    comparable = expected > 0 and expected_of_others > 0 and n_others > 0
    return LogRank(
        p_value=p_value,
        rate=(n_events / expected) / (n_others / expected_of_others) if comparable else math.nan,
        expected=expected,
        expected_of_others=expected_of_others,
    )


def _exact_p_value(shares: Floats, n_events: int) -> float:
    """Twice the smaller tail, at most 1, of the number of events that fall to the group."""
    likelihood = np.ones(1)
    for share in shares:
        likelihood = np.convolve(likelihood, (1 - share, share))
    return float(min(1.0, 2 * min(likelihood[: n_events + 1].sum(), likelihood[n_events:].sum())))


def _terms(duration: NDArray[Any], ended: NDArray[np.bool_], in_group: NDArray[np.bool_]) -> tuple[Floats, float]:
    """The share of the group in those at risk at each event, and the variance of its events, in one stratum."""
    times, events = np.unique(duration[ended], return_counts=True)
    at_risk = len(duration) - np.searchsorted(np.sort(duration), times)
    of_group = duration[in_group]
    share = (len(of_group) - np.searchsorted(np.sort(of_group), times)) / at_risk
    spread = events * share * (1 - share) * (at_risk - events) / np.maximum(at_risk - 1, 1)
    return np.repeat(share, events), float(spread.sum())
