"""The inference of a suite is that of the series of its base variant."""

import pytest

from poc.data.catalog import DataCatalog
from poc.data.demo_signals import DemoSignal
from poc.engine.config import BacktestConfig
from poc.engine.wrapper import run_backtest
from poc.stats.bootstrap import mean_p_value
from poc.stats.sharpe import minimum_track_record_length, probabilistic_sharpe_ratio, sharpe_moments
from poc.stats.sharpe_interval import sharpe_interval
from poc.suite.inference import measure_inference


def test_it_is_measured_on_net_return_and_on_the_ic(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    result = run_backtest(signals["real_alpha"].frame, BacktestConfig(), catalog)
    found, net = measure_inference(result, 252), result.daily_series["ret_net"]
    interval = sharpe_interval(net)
    assert (found.sharpe_net_low.value, found.sharpe_net_high.value) == (interval.low, interval.high)
    assert found.sharpe_net_low.value < result.overall()["sharpe_net"] < found.sharpe_net_high.value
    assert found.net_return_p.value == mean_p_value(net)
    assert found.ic_p.value == mean_p_value(result.ic_series["ic"])
    assert found.probabilistic_sharpe.value == probabilistic_sharpe_ratio(sharpe_moments(net))
    assert found.min_track_record.value == pytest.approx(minimum_track_record_length(sharpe_moments(net)) / 252)


def test_a_losing_signal_has_no_track_record_that_is_long_enough(
    catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    frame = signals["real_alpha"].frame
    result = run_backtest(frame.assign(signal=-frame["signal"]), BacktestConfig(), catalog)
    assert measure_inference(result, 252).min_track_record.status == "not_applicable"


def test_without_a_base_variant_nothing_is_measured() -> None:
    found = measure_inference(None, 252)
    assert {found.sharpe_net_low.status, found.ic_p.status, found.min_track_record.status} == {"not_run"}
