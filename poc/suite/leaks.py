"""Whether the signal knows what it could not know."""

from dataclasses import dataclass

from poc.suite.measure import Measure


@dataclass(frozen=True, kw_only=True)
class Leaks:
    """Probes for look-ahead.

    Attributes:
        pre_entry_ic: mean rank correlation with the returns between `date_sig` and entry.
        survivorship_p: log-rank p-value that covered and uncovered names leave the panel at the same rate.
        survivorship_rate: the rate at which covered names leave, as a share of that of uncovered names.
    """

    pre_entry_ic: Measure
    survivorship_p: Measure
    survivorship_rate: Measure
