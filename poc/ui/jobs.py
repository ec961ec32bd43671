"""Background jobs: a table in `runs.sqlite`, and one process a job (`poc.ui.worker`) that outlives the app.

A job's process holds a lock on a file of its own as long as it lives. The system releases the lock however the process
ends, so a job that is said to be under way and whose lock is free has died: the next look at the table says so.
"""

import fcntl
import json
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from poc.errors import ConfigError
from poc.reporting.files import TRIALS_FILE

ACTIVE = ("queued", "running", "cancelling")
"""States of a job whose process is alive; the others are `done, failed, cancelled`."""
DIED = "Its process ended without a word: it was killed, or the machine stopped. Start it again."
_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, label TEXT NOT NULL, author TEXT NOT NULL, request TEXT NOT NULL,
    status TEXT NOT NULL, step TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT '{}',
    created TEXT NOT NULL, started TEXT, finished TEXT, pid INTEGER
);
CREATE TABLE IF NOT EXISTS steps (job TEXT NOT NULL, step TEXT NOT NULL, done INTEGER, total INTEGER, moment TEXT);
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job, as the table has it.

    Attributes:
        id: its name, and that of its folder below `jobs` in the workspace.
        kind: what is done, a key of `poc.ui.worker.KINDS`.
        label: what it is called on a page.
        author: whose it is.
        request: what to do, as plain values.
        status: `queued, running, cancelling, done, failed` or `cancelled`.
        step: what is being done.
        done, total: how much of it.
        reason: why it failed, a sentence.
        result: what came out, as plain values.
        created, started, finished: moments in UTC, ISO 8601; None: not yet.
        pid: of the process that computes; None: not yet.
    """

    id: str
    kind: str
    label: str
    author: str
    request: dict[str, Any]
    status: str
    step: str
    done: int
    total: int
    reason: str
    result: dict[str, Any]
    created: str
    started: str | None
    finished: str | None
    pid: int | None

    @property
    def is_active(self) -> bool:
        """Whether it waits or is under way."""
        return self.status in ACTIVE

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Self:
        """The job of a row of the table."""
        return cls(**{**row, "request": json.loads(row["request"]), "result": json.loads(row["result"])})


class JobStore:
    """The jobs of a workspace.

    Args:
        workspace: folder that holds `runs.sqlite` and, below `jobs`, a folder a job with its log.
    """

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace

    def folder(self, job_id: str) -> Path:
        """Where the files of a job are.

        Raises:
            ConfigError: no name of a job.
        """
        if not job_id.isalnum():
            raise ConfigError(f"{job_id!r} is not the name of a job.")
        return self.workspace / "jobs" / job_id

    def submit(
        self,
        kind: str,
        request: dict[str, Any],
        *,
        label: str,
        author: str,
        uploads: Mapping[str, bytes] = MappingProxyType({}),
    ) -> str:
        """Put a job into the queue and start its process, which waits for its turn.

        Args:
            kind: a key of `poc.ui.worker.KINDS`.
            request: what it needs, as plain values.
            label: what it is called on a page.
            author: whose it is.
            uploads: content of files that are written into the folder of the job, by their names there.

        Returns:
            The id of the job.
        """
        job_id = f"{datetime.now(UTC):%Y%m%d%H%M%S}{secrets.token_hex(3)}"
        folder = self.folder(job_id)
        folder.mkdir(parents=True)
        for name, content in uploads.items():
            (folder / name).write_bytes(content)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._database() as database:
                database.execute(
                    "INSERT INTO jobs (id, kind, label, author, request, status, created)"
                    " VALUES (?, ?, ?, ?, ?, 'queued', ?)",
                    (job_id, kind, label, author, json.dumps(request), now()),
                )
            command = [sys.executable, "-m", "poc.ui.worker", str(self.workspace), job_id]
            # The lock is inherited; a session of its own keeps Ctrl-C in the app's terminal away from the job.
            subprocess.run(command, pass_fds=[lock.fileno()], start_new_session=True, check=True)  # noqa: S603 - own module
        return job_id

    def jobs(self, *, limit: int = 50) -> list[Job]:
        """The newest jobs first, the dead ones marked as failed."""
        self.reap()
        with self._database() as database:
            rows = database.execute("SELECT * FROM jobs ORDER BY created DESC, id DESC LIMIT ?", (limit,)).fetchall()
        return [Job.from_row(row) for row in rows]

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            ConfigError: there is none of this id.
        """
        with self._database() as database:
            row = database.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise ConfigError(f"There is no job {job_id!r}.")
        return Job.from_row(row)

    def last_end(self) -> str:
        """When the last job ended; empty: none has."""
        with self._database() as database:
            return str(database.execute("SELECT max(finished) FROM jobs").fetchone()[0] or "")

    def steps(self, job_id: str) -> list[dict[str, Any]]:
        """What a job has told of its progress, oldest first: `step, done, total, moment`."""
        with self._database() as database:
            found = database.execute(
                "SELECT step, done, total, moment FROM steps WHERE job = ? ORDER BY rowid", (job_id,)
            )
            return [dict(row) for row in found]

    def log(self, job_id: str, *, size: int = 20_000) -> str:
        """The end of what a job wrote."""
        path = self.folder(job_id) / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace")[-size:] if path.is_file() else ""

    def cancel(self, job_id: str) -> None:
        """Ask a job to end; one that has ended stays as it is."""
        self.update(job_id, only_if=ACTIVE, status="cancelling")

    def tell(self, job_id: str, step: str, done: int, total: int) -> None:
        """Write down how far a job is."""
        with self._database() as database:
            database.execute("UPDATE jobs SET step = ?, done = ?, total = ? WHERE id = ?", (step, done, total, job_id))
            database.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?)", (job_id, step, done, total, now()))

    def update(self, job_id: str, *, only_if: tuple[str, ...], **values: str | int) -> bool:
        """Change columns of a job while its status is one of `only_if`. Returns whether it was."""
        columns = ", ".join(f"{column} = ?" for column in values)
        states = ", ".join("?" * len(only_if))
        with self._database() as database:
            changed = database.execute(
                f"UPDATE jobs SET {columns} WHERE id = ? AND status IN ({states})",  # noqa: S608 - names of columns
                (*values.values(), job_id, *only_if),
            )
            return changed.rowcount == 1

    def delete_uploads(self, *, days: int) -> None:
        """Delete the uploaded files of the jobs that ended more than so many days ago; logs and results stay."""
        before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
        with self._database() as database:
            rows = database.execute("SELECT id FROM jobs WHERE finished < ?", (before,)).fetchall()
        for row in rows:
            folder = self.folder(row["id"])
            for path in (*folder.glob("signal.*"), folder / TRIALS_FILE):
                path.unlink(missing_ok=True)

    def take_turn(self, job_id: str, *, workers: int) -> bool:
        """Start a queued job if fewer than `workers` are under way and no other has waited longer."""
        self.reap()
        with self._database() as database:
            changed = database.execute(
                "UPDATE jobs SET status = 'running', started = ? WHERE status = 'queued' AND id = ?"
                " AND id = (SELECT id FROM jobs WHERE status = 'queued' ORDER BY created, id LIMIT 1)"
                " AND (SELECT count(*) FROM jobs WHERE started IS NOT NULL AND finished IS NULL) < ?",
                (now(), job_id, workers),
            )
            return changed.rowcount == 1

    def reap(self) -> None:
        """Mark the jobs whose process has died as failed."""
        with self._database() as database:
            rows = database.execute("SELECT id FROM jobs WHERE status IN (?, ?, ?)", ACTIVE).fetchall()
        for row in rows:
            if self._is_dead(row["id"]):
                self.update(row["id"], only_if=ACTIVE, status="failed", reason=DIED, finished=now())

    def _is_dead(self, job_id: str) -> bool:
        try:
            with (self.folder(job_id) / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except FileNotFoundError:
            return True
        return True

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """One transaction in a connection of its own, so that any thread and any process may come."""
        self.workspace.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.workspace / "runs.sqlite", timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_TABLES)
            with connection:
                yield connection
        finally:
            connection.close()


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
