"""Earlier tries are found in the history, by family or by returns, each once."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from poc.errors import TrackingError
from poc.suite.result import SuiteResult
from poc.tracking import mlflow_logger
from poc.tracking import trials as tracked
from poc.tracking.mlflow_logger import log_record
from poc.tracking.record import RunRecord
from poc.tracking.trials import FILE_NAME, earlier_trials

START = datetime(2026, 1, 2, tzinfo=UTC)


class Desk:
    """A workspace in which runs are logged, each with the returns given."""

    def __init__(self, workspace: Path, suite_result: SuiteResult) -> None:
        self.workspace, self.suite_result = workspace, suite_result
        base = suite_result.variant()
        assert base is not None
        self.dates = base.daily_series["date"].to_numpy().astype("datetime64[ms]")
        self.own = base.daily_series["ret_net"].to_numpy()
        self.noise = np.random.default_rng(1).standard_normal((20, len(self.own))) * self.own.std()
        self.runs = 0

    def log(
        self,
        returns: Any,
        *,
        family: str = "",
        signal: str = "x",
        author: str = "ben",
        years_ago: int = 0,
        fail: bool = False,
    ) -> str:
        self.runs += 1
        folder = self.workspace / f"files{self.runs}"
        folder.mkdir(parents=True)
        document = {"judged": {"key": "k"}, "signal": {"hash": f"hash{self.runs}"}}
        (folder / "result.json").write_text(json.dumps(document))
        dates = self.dates - np.timedelta64(365 * years_ago, "D")
        frame = pl.DataFrame({"kind": "signal", "key": "k", "date": dates, "ret_net": returns})
        other = frame.with_columns(key=pl.lit("other"), ret_net=pl.lit(1.0))
        pl.concat([other, frame]).write_parquet(folder / "daily_series.parquet")
        files = [folder / "nothing"] if fail else sorted(folder.iterdir())
        started = (START + timedelta(minutes=self.runs)).isoformat()
        tags = {"signal_name": signal, "author": author, "family": family}
        record = RunRecord(name="r", started=started, tags=tags, params={}, metrics={})
        return log_record(record, files, workspace=self.workspace)

    def found(self, *, family: str | None = None, unseals: str | None = None) -> list[tuple[str, str]]:
        found = earlier_trials(
            self.suite_result, author="ann", family=family, workspace=self.workspace, unseals=unseals
        )
        assert found.why_unknown == ""
        return [(trial.run_id, trial.why) for trial in found.trials]


@pytest.fixture
def desk(demo: Any, tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk", demo.evaluation.suite_result)


def test_no_run_is_no_trial_and_nothing_is_written(desk: Desk) -> None:
    assert desk.found() == []
    assert not desk.workspace.exists()


def test_a_run_is_a_trial_by_family_or_by_returns(desk: Desk) -> None:
    desk.log(desk.noise[0])
    by_family = desk.log(desk.noise[1], family="test")
    renamed = desk.log(desk.own + desk.noise[2])
    desk.log(desk.own)  # the signal itself, under another name
    assert desk.found(family="test") == [(by_family, "family"), (renamed, "returns")]
    assert desk.found(family="other") == [(renamed, "returns")]


def test_the_family_is_the_name_of_the_signal_where_none_is_given(desk: Desk) -> None:
    name = desk.suite_result.signal_name
    same_name = desk.log(desk.noise[0], signal=name)
    desk.log(desk.noise[1], signal=name, family="another idea")
    named = desk.log(desk.noise[2], family=name)
    assert desk.found() == [(same_name, "family"), (named, "family")]


def test_a_rerun_is_the_same_trial_and_a_run_that_broke_off_is_none(desk: Desk) -> None:
    first = desk.log(desk.noise[0], family="test")
    desk.log(desk.noise[0] * 2, family="test")
    with pytest.raises(TrackingError):
        desk.log(desk.noise[1], family="test", fail=True)
    assert desk.found(family="test") == [(first, "family")]


def test_what_is_unsealed_is_one_try_with_the_sealed_run_and_its_reruns(desk: Desk) -> None:
    sealed, rerun = (desk.log(desk.noise[0], family="test", years_ago=40) for _ in range(2))
    renamed = desk.log(desk.noise[0] + desk.noise[1], years_ago=40)
    other = desk.log(desk.noise[2], family="test", years_ago=40)
    assert desk.found(family="test") == [(sealed, "family"), (other, "family")]
    for run_id in (sealed, rerun):
        assert desk.found(family="test", unseals=run_id) == [(renamed, "returns"), (other, "family")]


def test_what_is_kept_of_a_trial(desk: Desk) -> None:
    returns = desk.noise[0] + 0.0004
    desk.log(returns, family="test", author="ann")
    desk.log(desk.noise[5], author="ann")
    found = earlier_trials(desk.suite_result, author="ann", family="test", workspace=desk.workspace)
    (trial,) = found.trials
    assert trial.signal_hash == "hash1"
    assert trial.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1), rel=1e-12)
    assert found.author_runs == 2


def test_only_new_runs_are_read_and_the_file_can_be_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = mlflow_logger.run_folders

    def told(run_ids: list[str], *args: Any, **kwargs: Any) -> Any:
        asked.append(len(run_ids))
        return read(run_ids, *args, **kwargs)

    monkeypatch.setattr(tracked, "run_folders", told)
    for i in range(2):
        desk.log(desk.noise[i], family="test")
    first = desk.found(family="test")
    desk.log(desk.noise[2], family="test")
    second = desk.found(family="test")
    assert second[:2] == first
    assert desk.found(family="test") == second
    (desk.workspace / FILE_NAME).write_text("broken")
    assert desk.found(family="test") == second
    assert asked == [2, 1, 3]


def test_a_run_without_its_files_counts_by_its_family(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    run_id = desk.log(desk.noise[0], family="test")
    (desk.workspace / "mlartifacts" / run_id / "artifacts" / "result.json").unlink()
    found = earlier_trials(desk.suite_result, author="ann", family="test", workspace=desk.workspace)
    assert [(trial.run_id, trial.sharpe) for trial in found.trials] == [(run_id, None)]
    assert run_id in caplog.text


def test_a_run_is_read_through_the_client_where_a_store_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = desk.log(desk.noise[0], family="test")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{desk.workspace / 'mlflow.db'}")
    assert desk.found(family="test") == [(run_id, "family")]


def test_a_store_that_cannot_be_reached_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    found = earlier_trials(desk.suite_result, author="ann", family=None, workspace=desk.workspace)
    assert found.trials == ()
    assert "The tracking store http://127.0.0.1:9 cannot be used" in found.why_unknown


def test_a_suite_whose_base_variant_failed_has_trials_of_its_family_only(desk: Desk) -> None:
    desk.log(desk.own)
    run_id = desk.log(desk.noise[0], family="test")
    failed = replace(desk.suite_result, signal_results={})
    found = earlier_trials(failed, author="ann", family="test", workspace=desk.workspace)
    assert [trial.run_id for trial in found.trials] == [run_id]
