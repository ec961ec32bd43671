"""The query on the embedded store gives what MLflow's own client gives."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from poc.errors import TrackingError
from poc.tracking.mlflow_logger import annotate_run, history, log_record
from poc.tracking.record import RunRecord

RECORD = RunRecord(
    name="a_1",
    started="2026-01-02T03:04:05.678+00:00",
    tags={"signal_name": "a", "author": "ann", "family": "", "verdict": "red", "curve": "[0.0, 0.5]"},
    params={"lag": "0"},
    metrics={"sharpe": 1.5, "sharpe_net": -1e-9, "lag0.off.naive/sharpe": 1.5},
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Runs in every state: finished, failed, running, deleted, without tags or metrics, in another experiment."""
    folder = tmp_path / "a space & more"
    first = log_record(RECORD, [], workspace=folder)
    annotate_run(first, workspace=folder, labels="good", note="two\nlines", archived=True)
    log_record(RunRecord(name="b_1", started=RECORD.started, tags={}, params={}, metrics={}), [], workspace=folder)
    with pytest.raises(TrackingError):
        log_record(RECORD, [folder / "nowhere"], workspace=folder)
    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_run(first).info.experiment_id
    running = client.create_run(experiment, run_name="running", tags={"author": "ben"}).info.run_id
    client.log_metric(running, "sharpe_net", float("nan"))
    client.delete_run(log_record(RECORD, [], workspace=folder))
    client.create_run(client.create_experiment("other"), run_name="elsewhere")
    return folder


@pytest.mark.parametrize("ended_since", [None, datetime.fromisoformat("2026-01-02T03:04:05+00:00")])
def test_the_query_and_the_client_agree(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, ended_since: datetime | None
) -> None:
    queried = history(workspace, ended_since=ended_since)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workspace / 'mlflow.db'}")
    pd.testing.assert_frame_equal(queried, history(workspace, ended_since=ended_since))
    expected = {"FINISHED": 2, "FAILED": 1} | ({} if ended_since else {"RUNNING": 1})
    assert queried["status"].value_counts().to_dict() == expected
    assert queried["note"].max() == "two\nlines"


def test_filters_and_the_limit_apply_to_the_query(workspace: Path) -> None:
    assert set(history(workspace, author="ann")["name"]) == {"a_1"}
    assert history(workspace, author="ann", limit=1)["name"].tolist() == ["a_1"]
    assert history(workspace, author="nobody").empty


def test_a_file_that_is_no_store_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database")
    with pytest.raises(TrackingError, match=r"The tracking store .*mlflow\.db cannot be used: file is not a database"):
        history(tmp_path)
