"""Jobs are real processes: they end as they should, are killed, cancelled, queued, and never run for ever."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from poc.errors import ConfigError
from poc.settings import Settings
from poc.tracking.mlflow_logger import history
from poc.ui import worker
from poc.ui.jobs import DIED, Job, JobStore

Wait = Callable[..., Job]


def _verify(store: JobStore, snapshot_id: str = "demo") -> str:
    return store.submit("verify", {"snapshot_id": snapshot_id}, label="verify", author="ann")


def _held(store: JobStore, wait: Wait) -> Job:
    """A job whose process stands still, so that it can be looked at for as long as a test likes."""
    wait(job_id := _verify(store), "running")
    while (pid := store.job(job_id).pid) is None:
        time.sleep(0.01)
    os.kill(pid, signal.SIGSTOP)
    return store.job(job_id)


def _parent(pid: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout)


def _settings(**more: Any) -> dict[str, Any]:
    return {"snapshot_id": "demo", "author": "ann", "name": "mine", "preset": "quick"} | more


def test_a_run_is_done_logged_and_tells_its_progress(demo: Any, store: JobStore, wait: Wait, tmp_path: Path) -> None:
    path = tmp_path / "signal.parquet"
    demo.signals["real_alpha"].frame.to_parquet(path)
    request = {"source": {"kind": "upload", "name": ".parquet"}, "settings": _settings()}
    job = wait(store.submit("run", request, label="mine", author="ann", uploads={"signal.parquet": path.read_bytes()}))
    assert (job.status, job.reason) == ("done", "")
    assert job.created <= (job.started or "") <= (job.finished or "")
    runs = history(store.workspace)
    assert runs["run_id"].tolist() == [job.result["run_id"]]
    assert runs["verdict"].tolist() == [job.result["verdict"]]
    assert (store.workspace / "artifacts" / job.result["folder"] / "tearsheet.html").is_file()
    steps = [step["step"] for step in store.steps(job.id)]
    assert steps[0] == "reading the signal"
    assert {"mine off", "writing the results", "logging the run"} <= set(steps)
    assert "mine off: " in store.log(job.id)


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("upload", ".csv", "Required columns are missing: date_sig"),
        ("upload", ".pkl", "opening one can run any code"),
        ("run", "0" * 32, "The tracking store"),
        ("else", "", "A signal cannot come from 'else'"),
    ],
)
def test_a_job_that_cannot_be_done_says_why(store: JobStore, wait: Wait, kind: str, name: str, reason: str) -> None:
    request = {"source": {"kind": kind, "name": name}, "settings": _settings()}
    job = wait(store.submit("run", request, label="bad", author="ann", uploads={f"signal{name}": b"security_id\n1\n"}))
    assert job.status == "failed"
    assert reason in job.reason
    assert "Traceback" not in store.log(job.id)


def test_an_error_that_is_not_expected_is_named_and_its_traceback_is_in_the_log(store: JobStore, wait: Wait) -> None:
    job = wait(store.submit("verify", {}, label="verify", author="ann"))
    assert job.status == "failed"
    assert job.reason == "It ended with an error that is not expected: KeyError: 'snapshot_id'. The log says where."
    assert "Traceback" in store.log(job.id)


def test_a_killed_process_is_failed_within_seconds_with_the_signal(store: JobStore, wait: Wait) -> None:
    job = _held(store, wait)
    assert job.pid is not None
    os.kill(job.pid, signal.SIGKILL)
    killed = time.monotonic()
    job = wait(job.id)
    assert time.monotonic() - killed < 5
    assert job.status == "failed"
    assert job.reason.startswith("Its process was killed (signal SIGKILL). Memory may have run out")


def test_when_the_watcher_is_killed_the_job_is_failed_and_its_child_ends(store: JobStore, wait: Wait) -> None:
    job_id = _verify(store)
    wait(job_id, "running")
    while (pid := store.job(job_id).pid) is None:
        time.sleep(0.01)
    os.kill(_parent(pid), signal.SIGKILL)
    job = wait(job_id)
    assert (job.status, job.reason) == ("failed", DIED)
    latest = time.monotonic() + 30
    while _runs(pid):
        assert time.monotonic() < latest
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip() != "" and not state.startswith("Z")


def test_jobs_wait_for_their_turn_in_order_and_can_be_cancelled(store: JobStore, wait: Wait) -> None:
    first = _held(store, wait)
    second, third = _verify(store), _verify(store)
    time.sleep(1)
    assert [job.status for job in store.jobs()] == ["queued", "queued", "running"]
    store.cancel(second)
    assert wait(second).status == "cancelled"
    assert store.job(third).status == "queued"
    store.cancel(first.id)
    assert wait(first.id).status == "cancelled"
    assert wait(third).status == "done"
    store.cancel(third)
    assert store.job(third).status == "done"


def test_more_workers_run_side_by_side(store: JobStore, wait: Wait) -> None:
    (store.workspace / "poc.toml").write_text("workers = 2\n")
    held = [_held(store, wait), _held(store, wait)]
    assert [store.job(job.id).status for job in held] == ["running", "running"]


def test_a_job_that_takes_too_long_is_ended(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MINUTE", 0)
    store.folder("slow").mkdir(parents=True)
    with (store.folder("slow") / "lock").open("w") as lock, store._database() as database:
        fcntl.flock(lock, fcntl.LOCK_EX)
        database.execute(
            "INSERT INTO jobs (id, kind, label, author, request, status, created)"
            " VALUES ('slow', 'verify', '', '', '{}', 'queued', '')"
        )
        database.commit()
        worker.supervise(store, "slow", Settings())
    job = store.job("slow")
    assert (job.status, job.reason[:29]) == ("failed", "It took longer than 720 minut")


def test_uploads_are_deleted_so_many_days_after_their_job_has_ended(store: JobStore, wait: Wait) -> None:
    request = {"source": {"kind": "upload", "name": ".csv"}, "settings": _settings()}
    uploads = {"signal.csv": b"no signal", "trials.json": b"no list"}
    old, young = (store.submit("run", request, label="bad", author="ann", uploads=uploads) for _ in range(2))
    wait(old)
    wait(young)
    for job_id, days in ((old, 31), (young, 29)):
        finished = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
        assert store.update(job_id, only_if=("failed",), finished=finished)
    running = _held(store, wait)
    assert {path.name for path in store.folder(old).iterdir()} == {"lock", "log.txt"}
    assert (store.folder(young) / "signal.csv").read_bytes() == b"no signal"
    assert store.job(old).status == "failed"
    (store.folder(running.id) / "signal.csv").touch()
    store.delete_uploads(days=1)
    assert (store.folder(running.id) / "signal.csv").is_file()
    assert not (store.folder(young) / "signal.csv").exists()


def test_bad_settings_end_a_job_with_a_sentence(store: JobStore, wait: Wait) -> None:
    (store.workspace / "poc.toml").write_text("workers = 0\n")
    job = wait(_verify(store))
    assert job.status == "failed"
    assert "workers=0 is not allowed" in job.reason


def test_the_table_is_in_write_ahead_mode_and_holds_plain_values(store: JobStore, wait: Wait) -> None:
    job = wait(_verify(store))
    assert job.result == {"snapshot_id": "demo"}
    with store._database() as database:
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        row = database.execute("SELECT request FROM jobs").fetchone()
    assert json.loads(row["request"]) == {"snapshot_id": "demo"}


@pytest.mark.parametrize("name", ["../x", "", "a/b", "."])
def test_a_job_is_confined_to_its_folder(store: JobStore, name: str) -> None:
    with pytest.raises(ConfigError, match="is not the name of a job"):
        store.folder(name)
    with pytest.raises(ConfigError, match="There is no job"):
        store.job(name)
