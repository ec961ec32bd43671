"""A workspace with the small demo snapshot, and waiting for jobs."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from poc.ui.jobs import Job, JobStore
from tests.ui.desk import Server, free_port

Wait = Callable[..., Job]


@pytest.fixture
def workspace(demo: Any, tmp_path: Path) -> Path:
    """The workspace that `POC_WORKSPACE` names, with the small demo snapshot and no run."""
    folder: Path = demo.new_workspace(tmp_path / "workspace")
    return folder


@pytest.fixture
def store(workspace: Path) -> Iterator[JobStore]:
    """Its jobs, which are cancelled at the end of the test."""
    jobs = JobStore(workspace)
    yield jobs
    for job in jobs.jobs():
        jobs.cancel(job.id)
    _until(lambda: not any(job.is_active for job in jobs.jobs()), what="all jobs to end")


@pytest.fixture
def wait(store: JobStore) -> Wait:
    """Wait until a job has one of the given states, or any that is final."""

    def until(job_id: str, *states: str) -> Job:
        def reached() -> bool:
            store.reap()
            job = store.job(job_id)
            return job.status in states or (not states and not job.is_active)

        _until(reached, what=f"{states or 'the end'}; it is {store.job(job_id)}, {store.log(job_id)}")
        return store.job(job_id)

    return until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that is not started yet, in an empty workspace; it is stopped at the end of the test."""
    workspace = tmp_path / "desk"
    workspace.mkdir()
    desk = Server(workspace, free_port())
    yield desk
    desk.stop()


def _until(reached: Callable[[], bool], *, what: str, seconds: float = 90) -> None:
    latest = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < latest, f"waited {seconds} seconds for {what}"
        time.sleep(0.05)
