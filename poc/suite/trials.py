"""How many tries came before this signal, and the Sharpe ratio deflated for them."""

from dataclasses import dataclass

from poc.suite.measure import Measure


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Earlier tries.

    Attributes:
        deflated_sharpe: probability that the true Sharpe ratio is above 0, after allowing for the tries.
    """

    deflated_sharpe: Measure
