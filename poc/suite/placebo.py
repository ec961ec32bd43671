"""The signal against copies of itself that know nothing."""

from dataclasses import dataclass

from poc.suite.measure import Measure


@dataclass(frozen=True, kw_only=True)
class Placebo:
    """The base net Sharpe ratio among those of placebos.

    Attributes:
        p_value: (1 + placebos at least as good) / (1 + placebos).
    """

    p_value: Measure
