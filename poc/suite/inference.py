"""How far the net return and the information coefficient of the base variant can be told from luck."""

from dataclasses import dataclass, fields
from typing import Self

from poc.engine.result import BacktestResult
from poc.stats.bootstrap import LEAST_DAYS, mean_p_value
from poc.stats.sharpe import minimum_track_record_length, probabilistic_sharpe_ratio, sharpe_moments
from poc.stats.sharpe_interval import sharpe_interval
from poc.suite.measure import Measure

TOO_SHORT = f"it takes {LEAST_DAYS} days that are not all alike"


@dataclass(frozen=True, kw_only=True)
class Inference:
    """What the base variant shows, with its uncertainty.

    Attributes:
        sharpe_net_low, sharpe_net_high: 95% interval of the annual net Sharpe ratio.
        net_return_p: bootstrap p-value that its true mean is 0.
        ic_p: the same of the information coefficient of the first holding day.
        probabilistic_sharpe: probability that the true net Sharpe ratio is above 0, for one try.
        min_track_record: years after which that is 95%.
    """

    sharpe_net_low: Measure
    sharpe_net_high: Measure
    net_return_p: Measure
    ic_p: Measure
    probabilistic_sharpe: Measure
    min_track_record: Measure

    @classmethod
    def not_run(cls) -> Self:
        """Nothing, because the base variant failed."""
        return cls(**{field.name: Measure.not_run() for field in fields(cls)})


def measure_inference(result: BacktestResult | None, days_per_year: int) -> Inference:
    """The inference on a result; the same result gives the same numbers."""
    if result is None:
        return Inference.not_run()
    net = result.daily_series["ret_net"]
    interval, moments = sharpe_interval(net, days_per_year=days_per_year), sharpe_moments(net)
    return Inference(
        sharpe_net_low=Measure.of(interval.low, otherwise=TOO_SHORT),
        sharpe_net_high=Measure.of(interval.high, otherwise=TOO_SHORT),
        net_return_p=Measure.of(mean_p_value(net), otherwise=TOO_SHORT),
        ic_p=Measure.of(mean_p_value(result.ic_series["ic"]), otherwise=TOO_SHORT),
        probabilistic_sharpe=Measure.of(probabilistic_sharpe_ratio(moments)),
        min_track_record=_track_record(minimum_track_record_length(moments) / days_per_year),
    )


def _track_record(years: float) -> Measure:
    if years == float("inf"):
        return Measure.not_applicable("the net Sharpe ratio is not above 0")
    return Measure.of(years)
