"""The tracking store holds each run whole, or says that it does not."""

import math
import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from poc.data.catalog import DataCatalog
from poc.errors import TrackingError
from poc.tracking import mlflow_logger
from poc.tracking.mlflow_logger import EXPERIMENT, history, is_logged, log_record, log_suite_run, open_store
from poc.tracking.record import RunRecord

RECORD = RunRecord(
    name="a_20260102_030405",
    started="2026-01-02T03:04:05+00:00",
    tags={"signal_name": "a", "author": "ann", "family": "", "data_snapshot_id": "demo", "verdict": "red"},
    params={"lag": "0"},
    metrics={"sharpe": 1.5, "lag0.off.naive/sharpe": 1.5},
)


def _client(workspace: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{workspace / 'mlflow.db'}")


def test_a_run_has_its_tags_params_metrics_and_files(demo: Any) -> None:
    client, evaluation = _client(demo.workspace), demo.evaluation
    run = client.get_run(evaluation.run_id)
    assert client.get_experiment(run.info.experiment_id).name == EXPERIMENT
    assert run.info.run_name == "real_alpha_20260102_030405"
    assert run.info.status == "FINISHED"
    assert run.info.start_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp() * 1000
    assert run.data.tags["signal_hash"] == evaluation.suite_result.signal_hash
    assert run.data.params["suite.name"] == "quick"
    assert run.data.metrics["sharpe_net"] == evaluation.suite_result.suite_summary["sharpe_net"][0]
    logged = {file.path for file in client.list_artifacts(evaluation.run_id)}
    assert logged == {path.name for path in evaluation.out_dir.iterdir()} - {"run.json"}
    assert "tearsheet.html" in logged
    assert (demo.workspace / "mlartifacts" / evaluation.run_id / "artifacts" / "tearsheet.html").is_file()


def test_a_suite_can_be_logged_without_the_one_button(demo: Any, tmp_path: Path) -> None:
    suite = demo.evaluation.suite_result
    page = tmp_path / "tearsheet.html"
    page.write_text("<p>page</p>")
    catalog = DataCatalog("demo", root=demo.workspace / "snapshots")
    signal = demo.signals["real_alpha"].frame
    workspace = tmp_path / "a space & more"
    run_id = log_suite_run(suite, "other name", "ben", catalog, page, signal=signal, workspace=workspace)
    run = history(workspace).iloc[0]
    assert run[["run_id", "signal", "author", "family"]].tolist() == [run_id, "other name", "ben", ""]
    assert run["verdict"] == demo.evaluation.verdict.color
    stored = workspace / "mlartifacts" / run_id / "artifacts"
    assert len(pd.read_parquet(stored / "signal.parquet")) == len(signal)
    assert (stored / "result.json").is_file()
    elsewhere = replace(suite, snapshot=replace(suite.snapshot, fingerprint="0" * 64))
    with pytest.raises(TrackingError, match="Give the catalog that the suite ran on"):
        log_suite_run(elsewhere, "other name", "ben", catalog, page, workspace=workspace)
    assert len(history(workspace)) == 1


def test_more_metrics_than_one_call_takes_are_all_kept_and_history_is_newest_first(tmp_path: Path) -> None:
    many = replace(RECORD, metrics={f"m{i}": float(i) for i in range(2001)})
    first = log_record(many, [], workspace=tmp_path)
    later = replace(RECORD, started="2026-01-03T00:00:00+00:00", tags=RECORD.tags | {"author": "ben", "family": "f"})
    second = log_record(later, [], workspace=tmp_path)
    assert _client(tmp_path).get_run(first).data.metrics["m2000"] == 2000
    runs = history(tmp_path)
    assert runs["run_id"].tolist() == [second, first]
    assert runs["sharpe"][0] == 1.5
    assert math.isnan(runs["sharpe"][1])
    assert runs["started"][1] == pd.Timestamp("2026-01-02T03:04:05Z")
    assert history(tmp_path, author="ann")["run_id"].tolist() == [first]
    assert history(tmp_path, family="f", signal="a")["run_id"].tolist() == [second]
    assert history(tmp_path, signal="b").empty
    assert history(tmp_path, limit=1)["run_id"].tolist() == [second]


def test_a_run_that_breaks_off_is_marked_failed(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="nowhere"):
        log_record(RECORD, [tmp_path / "nowhere.html"], workspace=tmp_path)
    runs = history(tmp_path)
    assert runs["status"].tolist() == ["FAILED"]
    assert not is_logged(runs["run_id"][0], workspace=tmp_path)


def test_no_run_is_an_empty_table_and_nothing_is_made(tmp_path: Path) -> None:
    runs = history(tmp_path)
    assert runs.empty
    assert {"run_id", "name", "signal", "author", "family", "snapshot", "verdict", "sharpe_net", "started"} <= set(runs)
    assert list(tmp_path.iterdir()) == []


def test_a_new_store_has_the_tables_that_mlflow_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tables(workspace: Path) -> list[list[str]]:
        with closing(sqlite3.connect(workspace / "mlflow.db")) as connection:
            rows = [row for row in connection.iterdump() if not row.startswith('INSERT INTO "experiments"')]
        return sorted(sorted(re.findall(r"\w+", row)) for row in rows)  # MLflow makes some in any order

    kept = tmp_path / "kept" / "empty.db"
    monkeypatch.setattr(mlflow_logger, "_EMPTY_STORE", kept)
    made, first, second = (tmp_path / name for name in ("made", "first", "second"))
    open_store(made)  # by MLflow, for the folder that would keep the empty store is not there
    kept.parent.mkdir()
    open_store(first)
    assert [path.name for path in kept.parent.iterdir()] == ["empty.db"]
    open_store(second)
    assert tables(made) == tables(first) == tables(second)
    for workspace in (first, second):
        assert sorted(path.name for path in workspace.iterdir()) == [".mlflow.lock", "mlflow.db"]
        assert [found.name for found in _client(workspace).search_experiments()] == ["Default"]
        assert log_record(RECORD, [], workspace=workspace) == history(workspace)["run_id"].item()


def test_another_store_is_used_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'team.db'}")
    assert history(tmp_path / "workspace").empty
    run_id = log_record(RECORD, [], workspace=tmp_path / "workspace")
    assert history(tmp_path / "workspace")["run_id"].tolist() == [run_id]
    assert not (tmp_path / "workspace" / "mlflow.db").exists()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] == "true"  # a server would be announced there


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ann:secret@127.0.0.1:9", r"http://\*\*\*@127\.0\.0\.1:9"),
        ("sqlite:////proc/no/such/folder/runs.db", "sqlite:////proc/no/such"),
        ("nonsense://somewhere", "nonsense://somewhere"),
    ],
)
def test_a_store_that_cannot_be_reached_is_said_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, shown: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    started = time.monotonic()
    with pytest.raises(TrackingError, match=f"The tracking store {shown}.* cannot be used: ") as caught:
        log_record(RECORD, [], workspace=tmp_path)
    assert "secret" not in str(caught.value)
    assert time.monotonic() - started < 30


def test_processes_that_log_at_once_into_a_new_workspace_do_not_disturb_each_other(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from poc.tracking.mlflow_logger import log_record
from poc.tracking.record import RunRecord
log_record(RunRecord(**{RECORD.to_dict()!r}), [], workspace=Path({str(tmp_path)!r}))
"""
    command = [sys.executable, "-c", code]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    said = [process.communicate(timeout=100)[0] for process in running]
    assert said == ["", ""]  # no error, and none of MLflow's own messages
    assert history(tmp_path)["status"].tolist() == ["FINISHED"] * 2
