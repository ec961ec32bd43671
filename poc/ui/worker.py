"""The process of a job: wait for a turn, compute in a child, and write down how it ended.

`python -m poc.ui.worker WORKSPACE JOB` is started by `poc.ui.jobs`. The computing is done by a child of it, so that
somebody is left to say that the child was killed. The child ends itself when its parent is gone.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from poc.errors import PocError
from poc.settings import Settings
from poc.ui.jobs import ACTIVE, Job, JobStore, now

LOOK_EVERY = 0.2
"""Seconds between two looks at the table and the child."""
MINUTE = 60.0
GRACE = 5.0
"""Seconds that a cancelled child has to clean up."""
Tell = Callable[[str, int, int], None]

logger = logging.getLogger(__name__)


def main(workspace: Path, job_id: str) -> None:
    """Detach from the app, and see the job through."""
    if os.fork():  # the parent ends at once, the job belongs to no app
        os._exit(0)
    store = JobStore(workspace)
    try:
        supervise(store, job_id, Settings.load(workspace))
    except PocError as error:
        _finish(store, job_id, status="failed", reason=str(error))


def supervise(store: JobStore, job_id: str, settings: Settings) -> None:
    """Wait for a turn, start the child, and watch it until it ends or has to. Old uploads are deleted first."""
    store.delete_uploads(days=settings.upload_days)
    while not store.take_turn(job_id, workers=settings.workers):
        if store.job(job_id).status != "queued":
            _finish(store, job_id, status="cancelled", reason="It was cancelled before it began.")
            return
        time.sleep(LOOK_EVERY)
    command = [sys.executable, "-m", "poc.ui.worker", str(store.workspace), job_id, "compute"]
    with (
        (store.folder(job_id) / "log.txt").open("w") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as child,  # noqa: S603 - own module
    ):
        store.update(job_id, only_if=ACTIVE, pid=child.pid)
        _watch(store, job_id, child, minutes=settings.job_minutes)
    _finish(store, job_id, status="failed", reason=_why(child.returncode, store.log(job_id)))


def _watch(store: JobStore, job_id: str, child: "subprocess.Popen[bytes]", *, minutes: int) -> None:
    """Wait for the child; end it when the job is cancelled or takes too long."""
    latest = time.monotonic() + MINUTE * minutes
    while child.poll() is None:
        if store.job(job_id).status == "cancelling":
            _end(child)
            _finish(store, job_id, status="cancelled", reason="It was cancelled.")
        elif time.monotonic() > latest:
            _end(child)
            reason = f"It took longer than {minutes} minutes (setting job_minutes) and was ended."
            _finish(store, job_id, status="failed", reason=reason)
        time.sleep(LOOK_EVERY)


def _finish(store: JobStore, job_id: str, *, status: str, reason: str = "", result: str = "{}") -> None:
    """Write down the end of a job, unless another end is written already."""
    store.update(job_id, only_if=ACTIVE, status=status, reason=reason, result=result, finished=now())


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _why(code: int, log: str) -> str:
    if code < 0:
        memory = (
            "Memory may have run out: end other programs, or take a smaller grid. " if -code == signal.SIGKILL else ""
        )
        return f"Its process was killed (signal {signal.Signals(-code).name}). {memory}Start it again."
    last = log.strip().rpartition("\n")[2]
    return f"It ended with an error that is not expected: {last or f'exit code {code}'}. The log says where."


def compute(store: JobStore, job_id: str) -> None:
    """Do what the job asks for, in this process."""
    from poc.reporting.files import to_json

    job = store.job(job_id)
    logger.info("Process %d: %s", os.getpid(), job.label)

    def tell(step: str, done: int, total: int) -> None:
        logger.info("%s: %d of %d", step, done, total)
        store.tell(job_id, step, done, total)

    try:
        result = KINDS[job.kind](store, job, tell)
    except PocError as error:
        logger.info("%s", error)
        _finish(store, job_id, status="failed", reason=str(error))
    else:
        _finish(store, job_id, status="done", result=to_json(result))


def _run_suite(store: JobStore, job: Job, tell: Tell) -> dict[str, Any]:
    from poc.evaluate import RunRequest, evaluate_frame
    from poc.reporting.files import TRIALS_FILE
    from poc.ui.signals import read_signal

    tell("reading the signal", 0, 1)
    folder = store.folder(job.id)
    signal_frame = read_signal(job.request["source"], store.workspace, folder=folder)
    trials = folder / TRIALS_FILE
    done = evaluate_frame(
        signal_frame,
        RunRequest(**job.request["settings"], trials=trials if trials.is_file() else None),
        workspace=store.workspace,
        now=datetime.now().astimezone(),
        jobs=Settings.load(store.workspace).job_threads,
        progress=tell,
    )
    return _outcome(done.to_dict())


def _unseal(store: JobStore, job: Job, tell: Tell) -> dict[str, Any]:
    """`poc unseal` in a process of its own."""
    from poc.tracking.run_folder import unseal_arguments

    words = unseal_arguments(job.request["run_id"], workspace=store.workspace)
    tell("evaluating what was sealed", 0, 1)
    threads = str(Settings.load(store.workspace).job_threads)
    command = [sys.executable, "-m", "poc", *words, "--jobs", threads, "--workspace", str(store.workspace), "--json"]
    done = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)  # noqa: S603 - our own command
    if "error" in done:
        raise PocError(done["error"]["message"])
    return _outcome(done)


def _outcome(done: dict[str, Any]) -> dict[str, Any]:
    """What a page needs of an `Evaluation`."""
    folder, verdict = Path(done["out_dir"]).name, done["verdict"]["color"]
    return {"folder": folder, "verdict": verdict} | {name: done[name] for name in ("run_id", "tracking_error")}


def _create_demo(store: JobStore, _job: Job, tell: Tell) -> dict[str, Any]:
    from poc.data.demo import create_demo_snapshot

    tell("making the market", 0, 1)
    return {"snapshot_id": create_demo_snapshot(store.workspace / "snapshots").name}


def _verify(store: JobStore, job: Job, tell: Tell) -> dict[str, Any]:
    from poc.data.catalog import DataCatalog

    snapshot_id = job.request["snapshot_id"]
    tell("reading the tables", 0, 1)
    DataCatalog(snapshot_id, root=store.workspace / "snapshots").verify()
    return {"snapshot_id": snapshot_id}


KINDS: dict[str, Callable[[JobStore, Job, Tell], dict[str, Any]]] = {
    "run": _run_suite,
    "unseal": _unseal,
    "demo": _create_demo,
    "verify": _verify,
}
"""What a job can do: gets the store, the job, and what to tell its progress to; returns plain values."""


def _leave_with_parent() -> None:
    """End this process when the other end of its standard input is gone."""

    def watch() -> None:
        os.read(0, 1)  # nothing is ever written: this returns when the parent is gone
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _exit_on_signal(number: int, _frame: object) -> None:
    """Leave through the clean-up of what is under way."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    if sys.argv[3:] == ["compute"]:
        logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
        signal.signal(signal.SIGTERM, _exit_on_signal)
        _leave_with_parent()
        compute(JobStore(Path(sys.argv[1])), sys.argv[2])
    else:
        main(Path(sys.argv[1]), sys.argv[2])
