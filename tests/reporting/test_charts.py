from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from poc.engine.result import BacktestResult
from poc.reporting import charts
from poc.reporting.measures import base_baselines
from poc.suite.result import SuiteResult
from tests.reporting import shown_evidence


@pytest.fixture
def result(suite_result: SuiteResult) -> BacktestResult:
    base = suite_result.variant()
    assert base is not None
    return base


def _traces(figure: go.Figure) -> dict[str, np.ndarray]:
    return {trace.name: np.asarray(trace.y, dtype=float) for trace in figure.data}


def test_the_cumulative_chart_shows_the_series_to_seven_digits(result: BacktestResult) -> None:
    traces = _traces(charts.cumulative_chart(result))
    assert list(traces) == ["gross", "net", "drawdown of net"]
    for name, column in (("gross", "cumret"), ("net", "cumret_net"), ("drawdown of net", "drawdown")):
        np.testing.assert_allclose(traces[name], result.daily_series[column], rtol=1e-6, atol=1e-9)


def test_the_cumulative_chart_is_over_the_days_of_the_series(result: BacktestResult) -> None:
    dates = charts.cumulative_chart(result).data[0].x
    assert (dates[0], dates[-1], len(dates)) == ("2015-01-02", "2017-12-29", len(result.daily_series))


def test_baselines_lie_below_the_signal_and_look_different(suite_result: SuiteResult, result: BacktestResult) -> None:
    figure = charts.cumulative_chart(result, baselines=base_baselines(suite_result))
    assert list(_traces(figure)) == ["reversal_5d, net", "value, net", "gross", "net", "drawdown of net"]
    looks = {(trace.line.color, trace.line.dash) for trace in figure.data}
    assert len(looks) == len(figure.data)


def test_a_long_only_book_is_shown_beside_its_market(result: BacktestResult) -> None:
    daily = result.daily_series.assign(ret_market=0.001, ret_active=0.0)
    traces = _traces(charts.cumulative_chart(replace(result, daily_series=daily)))
    np.testing.assert_allclose(traces["market"], 0.001 * np.arange(1, len(daily) + 1), rtol=1e-6)


def test_a_slice_chart_leaves_out_groups_that_were_never_invested(result: BacktestResult) -> None:
    summary = result.summary_table.copy()
    summary.loc[summary["group"] == "Mid Cap", "num_days"] = 0
    net, gross = charts.slice_chart(replace(result, summary_table=summary), "cap").data
    assert net.x == gross.x == ("Large Cap", "Small Cap")
    kept = summary[summary["group"].isin(net.x)]
    np.testing.assert_allclose(np.asarray(net.y, float), kept["ret_net_ann"], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(gross.y, float), kept["ret_ann"], rtol=1e-6)


def test_a_slice_series_chart_has_a_line_a_group(result: BacktestResult) -> None:
    traces = _traces(charts.slice_series_chart(result, "cap"))
    assert list(traces) == ["Large Cap", "Mid Cap", "Small Cap"]
    last = result.slice_series.groupby("group", sort=False)["ret_net"].sum()
    np.testing.assert_allclose([values[-1] for values in traces.values()], last, rtol=1e-6)


def test_the_book_chart_shows_means_of_each_month(result: BacktestResult) -> None:
    figure = charts.book_chart(result)
    daily = result.daily_series
    january = daily[daily["date"] < pd.Timestamp("2015-02-01")]
    first = {name: values[0] for name, values in _traces(figure).items()}
    expected = [january[column].mean() for column in ("turnover", "n_long", "n_short")]
    np.testing.assert_allclose(list(first.values()), expected, rtol=1e-6)
    assert list(first) == ["turnover", "names long", "names short"]
    assert len(figure.data[0].x) == 36


def test_the_exposure_chart_has_a_line_a_style(result: BacktestResult) -> None:
    assert list(_traces(charts.exposure_chart(result))) == ["size", "value", "momentum"]


def test_the_ic_chart_sums_up_and_rolls(result: BacktestResult) -> None:
    total, rolling = _traces(charts.ic_chart(result)).values()
    ic = result.ic_series["ic"]
    np.testing.assert_allclose(total[-1], ic.sum(), rtol=1e-6)
    np.testing.assert_allclose(rolling[-1], ic.iloc[-252:].mean(), rtol=1e-6)
    assert np.isnan(rolling[:251]).all()


def test_the_fractile_chart_has_a_bar_a_fractile(result: BacktestResult) -> None:
    (bars,) = charts.fractile_chart(result).data
    assert bars.x == tuple(map(str, range(1, 11)))
    np.testing.assert_allclose(np.asarray(bars.y, float), result.fractile_analysis["ret_ann"], rtol=1e-6)


def test_style_columns_are_what_is_left(result: BacktestResult) -> None:
    assert charts.style_columns(result.daily_series.assign(ret_market=0.0)) == ["size", "value", "momentum"]


def test_coverage_is_a_line_a_column() -> None:
    days = pd.date_range("2020-01-01", periods=3)
    traces = _traces(charts.coverage_chart(pd.DataFrame({"date": days, "traded": [1, 2, 3], "flagged": [0, 1, 1]})))
    assert {name: values.tolist() for name, values in traces.items()} == {"traded": [1, 2, 3], "flagged": [0, 1, 1]}


def test_on_a_log_scale_one_plus_the_return_is_shown(result: BacktestResult) -> None:
    figure = charts.cumulative_chart(result, log_scale=True)
    assert figure.layout.yaxis.type == "log"
    np.testing.assert_allclose(_traces(figure)["net"], 1 + result.daily_series["cumret_net"], rtol=1e-6)
    np.testing.assert_allclose(
        _traces(figure)["drawdown of net"], result.daily_series["drawdown"], rtol=1e-6, atol=1e-9
    )


def test_the_placebo_chart_counts_every_placebo_and_marks_the_signal(suite_result: SuiteResult) -> None:
    placebo = suite_result.evidence.placebo
    bars, signal = charts.placebo_chart(placebo).data
    invested = [value for value in placebo.sharpes_net if value is not None]
    assert sum(bars.y) == len(invested) == len(placebo.sharpes_net) - 1
    half = (bars.x[1] - bars.x[0]) / 2
    for middle, count in zip(bars.x.astype(float), bars.y, strict=True):
        assert count == pytest.approx(sum(middle - half <= value < middle + half for value in invested), abs=1)
    assert set(signal.x) == {placebo.sharpe_net}


def test_the_horizon_chart_has_a_bar_a_day_and_tells_before_from_after(suite_result: SuiteResult) -> None:
    horizons = suite_result.evidence.leaks.horizons
    before, after = charts.horizon_chart((replace(horizons[0], mean=None), *horizons[1:])).data
    assert list(before.x) == list(range(-5, 1))
    assert list(after.x) == list(range(1, 22))
    assert np.isnan(before.y[0])
    np.testing.assert_allclose(after.y, [0.02 / day for day in range(1, 22)], rtol=1e-6)


def test_the_capacity_chart_shows_the_curve_and_its_band() -> None:
    curve = shown_evidence.capacity().curve
    figure = charts.capacity_chart(curve)
    names = {"power law": 1.0, "impact halved": 0.5, "impact doubled": 2.0}
    for trace in figure.data:
        points = curve[curve["coefficient"] == names[trace.name]]
        column = "sharpe_net" if trace.yaxis == "y" else "ret_net_ann"
        np.testing.assert_allclose(np.asarray(trace.x, float), points["gmv"])
        np.testing.assert_allclose(np.asarray(trace.y, float), points[column], rtol=1e-6)
    assert len(figure.data) == 6
    assert figure.layout.xaxis.type == "log"
    band = [trace.name for trace in figure.data if trace.fill == "tonexty"]
    assert band == ["impact halved", "impact halved"]  # each drawn right after the doubled one that it fills to
    assert [trace.name for trace in figure.data][:2] == ["impact doubled", "impact halved"]


def test_the_coverage_of_a_signal_is_shown_in_all_and_by_bucket() -> None:
    monthly = shown_evidence.coverage().monthly
    traces = _traces(charts.signal_coverage_chart(monthly))
    assert list(traces) == ["names", "all names", "Large Cap", "Mid Cap", "Small Cap"]
    np.testing.assert_allclose(traces["all names"], monthly["share"], rtol=1e-6)
    np.testing.assert_allclose(traces["Mid Cap"], monthly["Mid Cap"], rtol=1e-6)
