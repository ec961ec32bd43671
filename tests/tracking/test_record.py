"""What is logged of a suite."""

import json
import math
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from poc.engine.config import BacktestConfig
from poc.evaluate import Evaluation
from poc.tracking.record import METRICS, RunRecord, run_name, run_record


def _record(evaluation: Evaluation, **changes: Any) -> RunRecord:
    suite = replace(evaluation.suite_result, **changes)
    now = datetime.fromisoformat("2026-01-02T03:04:05+01:00")
    return run_record(suite, evaluation.verdict, author="ann", family=None, now=now, git_sha=None)


def test_the_tags_say_who_what_and_on_which_data(demo: Any) -> None:
    suite = demo.evaluation.suite_result
    tags = _record(demo.evaluation).tags
    assert tags["signal_name"] == "real alpha"
    assert (tags["author"], tags["mlflow.user"], tags["family"], tags["git_sha"]) == ("ann", "ann", "", "unknown")
    assert (tags["region"], tags["data_snapshot_id"], tags["synthetic"]) == ("US", "demo", "true")
    assert tags["data_snapshot_fingerprint"] == suite.snapshot.fingerprint
    assert tags["signal_hash"] == suite.signal_hash
    assert tags["verdict"] == demo.evaluation.verdict.color
    assert (tags["variants_failed"], tags["metrics_left_out"]) == ("0", "0")


def test_runs_of_one_second_keep_their_order(demo: Any) -> None:
    evaluation, now = demo.evaluation, datetime.fromisoformat("2026-01-02T03:04:05.678901+01:00")
    record = run_record(evaluation.suite_result, evaluation.verdict, author="ann", family=None, now=now, git_sha=None)
    assert datetime.fromisoformat(record.started) == now.replace(microsecond=678000)


def test_the_params_are_every_field_of_the_judged_configuration_and_the_grid(demo: Any) -> None:
    params = _record(demo.evaluation).params
    config = {name: str(value) for name, value in asdict(BacktestConfig()).items()}
    assert {name: value for name, value in params.items() if "." not in name} == config
    assert (params["suite.name"], params["suite.lags"], params["suite.baselines"]) == ("quick", "(0, 1)", "()")


def test_the_metrics_are_those_of_each_variant_and_of_the_judged_one(demo: Any) -> None:
    metrics = _record(demo.evaluation).metrics
    labels = ("", "lag0.off.naive/", "lag1.off.naive/")
    assert set(metrics) == {f"{label}{name}" for label in labels for name in METRICS}
    rows = demo.evaluation.suite_result.suite_summary.set_index("lag")
    assert metrics["sharpe_net"] == metrics["lag0.off.naive/sharpe_net"] == rows.loc[0, "sharpe_net"]
    assert metrics["lag1.off.naive/maxDD"] == rows.loc[1, "max_drawdown"]


def test_a_metric_that_is_not_finite_is_left_out_and_counted(demo: Any) -> None:
    summary = demo.evaluation.suite_result.suite_summary.copy()
    summary.loc[0, "sharpe"] = math.inf
    summary.loc[1, ["sharpe_net", "ret_ann"]] = np.nan
    summary.loc[1, "status"] = "failed"
    record = _record(demo.evaluation, suite_summary=summary)
    assert all(math.isfinite(value) for value in record.metrics.values())
    assert record.tags["metrics_left_out"] == "4"  # two of variant 1; one of variant 0, which is the judged one too
    assert record.tags["variants_failed"] == "1"


def test_a_record_survives_json(demo: Any) -> None:
    record = _record(demo.evaluation)
    stored = json.loads(json.dumps({"more": 1} | record.to_dict()))
    assert RunRecord.from_dict(stored) == record
    with pytest.raises(KeyError, match="params"):
        RunRecord.from_dict({name: value for name, value in stored.items() if name != "params"})


def test_a_run_is_named_after_signal_and_moment(demo: Any) -> None:
    assert run_name("real alpha", datetime.fromisoformat("2026-01-02T03:04:05")) == "real_alpha_20260102_030405"
    assert datetime.fromisoformat(_record(demo.evaluation).started) == datetime.fromisoformat("2026-01-02T02:04:05Z")
