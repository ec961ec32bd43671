"""The file of the history holds what the store holds, and is read anew only for what is new."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from poc.errors import TrackingError
from poc.tracking import history_cache
from poc.tracking.history_cache import FILE_NAME, annotate, cached_history, forget
from poc.tracking.mlflow_logger import history, log_record
from poc.tracking.record import RunRecord

RECORD = RunRecord(
    name="a_20260102_030405",
    started="2026-01-02T03:04:05+00:00",
    tags={"signal_name": "a", "author": "ann", "family": "", "verdict": "red", "curve": "[0.0, 0.5]"},
    params={},
    metrics={"sharpe": 1.5},
)


def test_no_run_is_an_empty_table_and_nothing_is_written(tmp_path: Path) -> None:
    assert cached_history(tmp_path).empty
    assert list(tmp_path.iterdir()) == []


def test_the_file_holds_what_the_store_holds(tmp_path: Path) -> None:
    log_record(RECORD, [], workspace=tmp_path)
    with pytest.raises(TrackingError):
        log_record(RECORD, [tmp_path / "nowhere"], workspace=tmp_path)  # a FAILED run
    finished = history(tmp_path).query("status == 'FINISHED'").reset_index(drop=True)
    for _ in range(2):
        pd.testing.assert_frame_equal(cached_history(tmp_path), finished)
    assert finished[["curve", "labels", "archived"]].iloc[0].to_list() == ["[0.0, 0.5]", "", False]


def test_only_what_ended_lately_is_fetched_and_an_old_run_that_is_logged_late_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = log_record(RECORD, [], workspace=tmp_path)
    cached_history(tmp_path)
    asked: list[object] = []

    def told(workspace: Path, *, ended_since: object) -> pd.DataFrame:
        asked.append(ended_since)
        return history(workspace, ended_since=ended_since)  # type: ignore[arg-type]  # what the function was given

    monkeypatch.setattr(history_cache, "history", told)
    older = log_record(replace(RECORD, started="2020-01-01T00:00:00+00:00"), [], workspace=tmp_path)
    assert cached_history(tmp_path)["run_id"].tolist() == [first, older]
    assert asked[0] is not None
    forget(tmp_path)
    assert cached_history(tmp_path)["run_id"].tolist() == [first, older]
    assert asked[1] is None


def test_what_is_written_onto_a_run_is_in_the_store_and_in_the_file(tmp_path: Path) -> None:
    run_id = log_record(RECORD, [], workspace=tmp_path)
    annotate(run_id, workspace=tmp_path, note="before the file is there")
    cached_history(tmp_path)
    annotate(run_id, workspace=tmp_path, labels="good, old", archived=True)
    for runs in (history(tmp_path), cached_history(tmp_path)):
        written = runs[["labels", "note", "archived"]].iloc[0].to_list()
        assert written == ["good, old", "before the file is there", True]
    with pytest.raises(TrackingError):
        annotate("0" * 32, workspace=tmp_path, note="nobody")


def test_another_store_is_not_mixed_with_it_and_its_address_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_record(RECORD, [], workspace=tmp_path)
    cached_history(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'secret.db'}")
    assert cached_history(tmp_path).empty
    log_record(RECORD, [], workspace=tmp_path)
    assert len(cached_history(tmp_path)) == 1
    assert b"secret" not in (tmp_path / FILE_NAME).read_bytes()


def test_a_broken_file_is_written_again(tmp_path: Path) -> None:
    run_id = log_record(RECORD, [], workspace=tmp_path)
    (tmp_path / FILE_NAME).write_text("no parquet")
    assert cached_history(tmp_path)["run_id"].tolist() == [run_id]
