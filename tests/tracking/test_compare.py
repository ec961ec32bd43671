"""A comparison says what differs before it says what came of it, and compares like with like."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.errors import ConfigError
from poc.reporting.charts import comparison_chart
from poc.stats.sharpe_difference import sharpe_difference
from poc.tracking.compare import compare_runs
from poc.tracking.stored_run import StoredRun, load_folder


@pytest.fixture
def run(demo: Any) -> StoredRun:
    return load_folder(demo.evaluation.out_dir)


def _earns(run: StoredRun, *, more: float, first_day: int = 0) -> StoredRun:
    """The same run, with the judged variant earning `more` a day, from its `first_day` on."""

    def changed(days: pd.DataFrame) -> pd.DataFrame:
        noise = np.random.default_rng(1).normal(more, 0.001, len(days))
        return days.assign(ret_net=days["ret_net"] + noise).iloc[first_day:]

    series = [
        replace(one, daily_series=changed(one.daily_series)) if one.key == run.judged_key else one for one in run.series
    ]
    return replace(run, series=tuple(series))


def test_equal_runs_differ_by_nothing(run: StoredRun) -> None:
    found = compare_runs({"a": run, "b": run})
    assert (found.notes, len(found.settings)) == ((), 0)
    assert (found.metrics["b - a"].dropna() == 0).all()
    assert found.tests.loc[0, "difference"] == 0


def test_what_differs_in_the_making_is_listed_and_said(run: StoredRun) -> None:
    snapshot = run.snapshot | {"snapshot_id": "other", "fingerprint": "f" * 64}
    other = replace(run, snapshot=snapshot, settings=run.settings | {"universe": "all"}, engine_version="0")
    found = compare_runs({"a": run, "b": other})
    assert found.settings["setting"].tolist() == ["snapshot", "snapshot fingerprint", "engine version", "universe"]
    assert found.settings[["a", "b"]].iloc[0].to_list() == ["demo", "other"]
    assert ["different data" in note or "different versions" in note for note in found.notes] == [True, True]


def test_returns_are_compared_on_the_days_that_all_have(run: StoredRun) -> None:
    judged = run.judged()
    assert judged is not None
    days = judged.daily_series
    found = compare_runs({"a": run, "b": _earns(run, more=0.001, first_day=100), "c": run})
    assert len(found.net) == len(days) - 100
    assert found.net["date"].iloc[0] == days["date"].iloc[100]
    assert f"use the {len(days) - 100:,} days that all have, {days['date'].iloc[100]:%Y-%m-%d} to" in found.notes[0]
    common = found.metrics.query("days == 'common'").set_index("metric")
    assert common.loc["ret_net_ann", "a"] == pytest.approx(days["ret_net"].iloc[100:].mean() * 252)
    assert common.loc["ret_net_ann", "b - a"] == pytest.approx(0.252, abs=0.05)
    own = found.metrics.query("days == 'own'").set_index("metric")
    base = run.suite_summary.query("kind == 'signal' and key == @run.judged_key").iloc[0]
    assert own.loc["sharpe_net", "a"] == base["sharpe_net"]
    expected = sharpe_difference(found.net["b"], found.net["a"])
    assert found.tests["run"].tolist() == ["b", "c"]
    assert found.tests[["difference", "p_value"]].iloc[0].to_list() == [expected.difference, expected.p_value]
    assert expected.p_value < 0.01


def test_annual_numbers_use_the_days_per_year_of_the_run(run: StoredRun) -> None:
    assert run.days_per_year == 252
    other = _earns(replace(run, snapshot=run.snapshot | {"days_per_year": 365}), more=0.001)
    found = compare_runs({"a": run, "b": other})
    assert found.notes == (
        "The runs count different days to a year (a 252, b 365): metrics use their own, tests the first run's.",
    )
    assert found.settings["setting"].tolist() == ["days per year"]
    common = found.metrics.query("days == 'common'").set_index("metric")
    net = found.net["b"]
    assert common.loc["ret_net_ann", "b"] == pytest.approx(net.mean() * 365)
    assert common.loc["sharpe_net", "b"] == pytest.approx(net.mean() / net.std() * 365**0.5)
    turned = compare_runs({"b": other, "a": run})
    assert turned.tests["difference"][0] == pytest.approx(-found.tests["difference"][0] * (365 / 252) ** 0.5)


def test_the_chart_shows_each_run_and_the_difference_from_the_first(run: StoredRun) -> None:
    net = compare_runs({"a": run, "b": _earns(run, more=0.001)}).net
    traces = {trace.name: np.asarray(trace.y, dtype=float) for trace in comparison_chart(net).data}
    assert list(traces) == ["a", "b", "b less a"]
    np.testing.assert_allclose(traces["b less a"], (net["b"] - net["a"]).cumsum(), rtol=1e-5, atol=1e-7)


def test_without_a_common_day_or_a_result_only_the_making_is_compared(run: StoredRun) -> None:
    judged = run.judged()
    assert judged is not None
    last = replace(judged, daily_series=judged.daily_series.iloc[-5:])
    first = replace(judged, daily_series=judged.daily_series.iloc[:5])
    apart = compare_runs({"a": replace(run, series=(last,)), "b": replace(run, series=(first,))})
    assert apart.notes == ("The runs have no day in common, so their returns cannot be compared.",)
    assert (len(apart.net), len(apart.tests), set(apart.metrics["days"])) == (0, 0, {"own"})
    failed = compare_runs({"a": run, "b": replace(run, series=(), judged_key=None)})
    assert failed.notes == ("The judged variant of b has no result, so returns cannot be compared.",)
    assert failed.metrics["b"].isna().all()


def test_one_run_is_no_comparison(run: StoredRun) -> None:
    with pytest.raises(ConfigError, match="two runs or more"):
        compare_runs({"a": run})
