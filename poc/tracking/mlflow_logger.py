"""The tracking store: one MLflow run a suite, and the list of earlier runs.

The store is `MLFLOW_TRACKING_URI` where that is set, else the workspace's own: `mlflow.db` (SQLite) and `mlartifacts/`.
"""

import fcntl
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
import threading
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from poc.data.catalog import DataCatalog, default_workspace
from poc.errors import PocError, TrackingError
from poc.reporting.files import write_result_files
from poc.reporting.verdict import Verdict, compute_verdict
from poc.suite.result import SuiteResult
from poc.tracking.embedded import embedded_runs
from poc.tracking.record import RunRecord, run_record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "backtest-poc"
HISTORY_COLUMNS = {
    "signal": "signal_name",
    "author": "author",
    "family": "family",
    "snapshot": "data_snapshot_id",
    "verdict": "verdict",
    "unseals": "unseals",
}
"""Column of `history` and the tag that it comes from."""
NOTE_TAGS = {"labels": "labels", "note": "mlflow.note.content", "archived": "archived"}
"""What can be written onto a run later: column of `history`, and the tag. MLflow shows the note as the description."""
_HISTORY_METRICS = ("sharpe", "sharpe_net")
_HISTORY = ["run_id", "name", *HISTORY_COLUMNS, *_HISTORY_METRICS, "started", "status", "ended", *NOTE_TAGS, "curve"]
_LOADING = threading.Lock()  # its modules import each other in circles: of two threads at once one finds half of them
_EMPTY_STORE = Path(__file__).parent / "__pycache__" / f"mlflow-{version('mlflow')}.db"
"""An embedded store with its tables and nothing in them, kept where Python keeps what it has compiled."""
_BATCH = 1000  # MLflow takes at most this many metrics in one call
_FIXED_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout belongs to the command, which may be asked for JSON
}
_DEFAULT_SETTINGS = {
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A server that does not answer must not hold up a run whose results are on disk already.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """What the store keeps of a run beside its numbers.

    Attributes:
        folder: with its files.
        experiment_id: MLflow's id of the experiment.
        tags: all of them (docs/operations.md).
    """

    folder: Path
    experiment_id: str
    tags: dict[str, str]


def log_suite_run(  # noqa: PLR0913 - the first five are the published signature
    suite_result: SuiteResult,
    signal_name: str,
    author: str,
    catalog: DataCatalog,
    tearsheet_path: str | Path,
    *,
    verdict: Verdict | None = None,
    artifacts: Sequence[Path] = (),
    signal: pd.DataFrame | None = None,
    family: str | None = None,
    workspace: Path | None = None,
    now: datetime | None = None,
    git_sha: str | None = None,
) -> str:
    """Log one suite as one run.

    Args:
        suite_result: what is logged.
        signal_name: becomes part of the run's name.
        author: whose run it is.
        catalog: the snapshot that the suite ran on.
        tearsheet_path: HTML file, stored with the run.
        verdict: None: judged by the default thresholds.
        artifacts: more files to store; none: the result files are written and stored.
        signal: the signal frame, stored as `signal.parquet` where `artifacts` is empty.
        family: signals of one idea share a family.
        workspace: folder of the embedded store; None: the current workspace.
        now: moment of the run; None: the clock.
        git_sha: version of the code.

    Returns:
        The id of the run.

    Raises:
        TrackingError: the store cannot be reached or refuses the run, or the suite ran on another snapshot.
    """
    if suite_result.snapshot.fingerprint != catalog.fingerprint:
        raise TrackingError(
            f"The suite ran on snapshot {suite_result.snapshot.snapshot_id} "
            f"({suite_result.snapshot.fingerprint[:12]}), but the catalog given is {catalog.snapshot_id} "
            f"({catalog.fingerprint[:12]}). Give the catalog that the suite ran on."
        )
    verdict = verdict or compute_verdict(suite_result)
    suite_result = replace(suite_result, signal_name=signal_name)
    now = now or datetime.now().astimezone()
    record = run_record(suite_result, verdict, author=author, family=family, now=now, git_sha=git_sha)
    with tempfile.TemporaryDirectory() as folder:
        files = artifacts or write_result_files(suite_result, verdict, Path(folder), signal=signal)
        return log_record(record, [Path(tearsheet_path), *files], workspace=workspace or default_workspace())


def log_record(record: RunRecord, files: Sequence[Path], *, workspace: Path) -> str:
    """Log one run and its files. A run that breaks off is marked FAILED.

    Returns:
        The id of the run.

    Raises:
        TrackingError: the store cannot be reached or refuses the run.
    """
    with _store(workspace) as client:
        from mlflow.entities import Metric, Param

        started = _milliseconds(record.started)
        metrics = [Metric(name, value, started, 0) for name, value in record.metrics.items()]
        params = [Param(name, value) for name, value in record.params.items()]
        run = client.create_run(
            _experiment_id(client, workspace), start_time=started, tags=record.tags, run_name=record.name
        )
        run_id: str = run.info.run_id
        try:
            client.log_batch(run_id, params=params)
            for first in range(0, len(metrics), _BATCH):
                client.log_batch(run_id, metrics=metrics[first : first + _BATCH])
            for file in files:
                client.log_artifact(run_id, str(file))
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id, "FINISHED")
    return run_id


def load_mlflow() -> None:
    """Import MLflow, which takes seconds, once a process; a run does it in the background, while the suite runs."""
    os.environ |= _FIXED_SETTINGS
    for name, value in _DEFAULT_SETTINGS.items():
        os.environ.setdefault(name, value)
    with _LOADING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.store.db import utils

        utils.MAX_RETRY_COUNT = 3  # of 10, which wait for 100 seconds


def open_store(workspace: Path) -> None:
    """Open the store and do nothing: its library takes seconds to load, once a process.

    Raises:
        TrackingError: the store cannot be reached.
    """
    with _store(workspace):
        pass


def fetch_run(run_id: str, *, workspace: Path) -> LoggedRun:
    """A logged run and its files. In the embedded store they lie there already; from a server they are fetched.

    Raises:
        TrackingError: no such run, or the store cannot be reached.
    """
    with _store(workspace) as client:
        run = client.get_run(run_id)
        folder = Path(client.download_artifacts(run_id, ""))
        return LoggedRun(folder=folder, experiment_id=run.info.experiment_id, tags=dict(run.data.tags))


def run_folders(run_ids: Sequence[str], names: Sequence[str], *, workspace: Path) -> Iterator[tuple[str, Path]]:
    """Each run and a folder with these files of it, as far as it has them; gone when the next is asked for.

    Raises:
        TrackingError: the store cannot be reached.
    """
    if "MLFLOW_TRACKING_URI" not in os.environ:
        yield from ((run_id, workspace / "mlartifacts" / run_id / "artifacts") for run_id in run_ids)
        return
    with _store(workspace) as client:
        for run_id in run_ids:
            with tempfile.TemporaryDirectory() as folder:
                there = {file.path for file in client.list_artifacts(run_id)}
                for name in there.intersection(names):
                    client.download_artifacts(run_id, name, folder)
                yield run_id, Path(folder)


def is_logged(run_id: str, *, workspace: Path) -> bool:
    """Whether the store holds this run, whole.

    Raises:
        TrackingError: the store cannot be reached.
    """
    return run_id in set(history(workspace).query("status == 'FINISHED'")["run_id"])


def annotate_run(
    run_id: str, *, workspace: Path, labels: str | None = None, note: str | None = None, archived: bool | None = None
) -> None:
    """Write onto a logged run. None leaves what is there.

    Args:
        run_id: of the run.
        workspace: folder of the embedded store.
        labels: words, separated by commas.
        note: free text.
        archived: hide the run from lists that do not ask for archived ones.

    Raises:
        TrackingError: no such run, or the store cannot be reached.
    """
    given = {"labels": labels, "note": note, "archived": None if archived is None else str(archived).lower()}
    with _store(workspace) as client:
        for name, value in given.items():
            if value is not None:
                client.set_tag(run_id, NOTE_TAGS[name], value)


def history(
    workspace: Path | None = None,
    *,
    signal: str | None = None,
    author: str | None = None,
    family: str | None = None,
    limit: int | None = None,
    ended_since: datetime | None = None,
) -> pd.DataFrame:
    """Earlier runs, newest first.

    Args:
        workspace: folder of the embedded store; None: the current workspace.
        signal: only runs of this signal name.
        author: only runs of this author.
        family: only runs of this family.
        limit: at most this many; None: all.
        ended_since: only runs that were logged at or after this moment.

    Returns:
        A row a run: `run_id, name, signal, author, family, snapshot, verdict, sharpe, sharpe_net` (annual, of the
        judged variant, NaN where there is none), `started, ended` (UTC; a run ends when it is logged), `status`
        (FINISHED, FAILED or RUNNING), `labels, note, archived` (what was written onto it), `curve` (points of the
        cumulative net return, as JSON).

    Raises:
        TrackingError: the store cannot be reached.
    """
    workspace = workspace or default_workspace()
    wanted = {"signal": signal, "author": author, "family": family}
    since = round(ended_since.timestamp() * 1000) if ended_since else 0
    with closing(_rows(workspace, since)) as rows:
        fitting = (row for row in rows if all(value in (None, row[name]) for name, value in wanted.items()))
        table = pd.DataFrame(list(islice(fitting, limit)), columns=_HISTORY)
    texts = [*HISTORY_COLUMNS, "labels", "note"]
    return table.assign(
        **{name: table[name].fillna("").astype("str") for name in texts},
        **{name: table[name].astype("float64") for name in _HISTORY_METRICS},
        **{name: pd.to_datetime(table[name], unit="ms", utc=True).dt.as_unit("ms") for name in ("started", "ended")},
        archived=table["archived"] == "true",
        curve=table["curve"].fillna("[]").astype("str"),
    )


def _rows(workspace: Path, ended_since: int) -> Generator[dict[str, object]]:
    """Runs with the columns of `history` as they are stored, newest first; None: the run has none."""
    tags = HISTORY_COLUMNS | NOTE_TAGS | {"curve": "curve"}
    if "MLFLOW_TRACKING_URI" in os.environ:
        with _store(workspace) as client:
            for run in _runs(client, ended_since):
                yield _row(run, tags)
    elif (database := workspace / "mlflow.db").exists():
        with _locked(workspace):
            pass  # a process that makes the tables is done with it
        with _told_as_tracking_error(str(database)):
            yield from embedded_runs(
                database, experiment=EXPERIMENT, tags=tags, metrics=_HISTORY_METRICS, ended_since=ended_since
            )


def _row(run: "Run", tags: dict[str, str]) -> dict[str, object]:
    info = run.info
    own = {"run_id": info.run_id, "name": info.run_name, "status": info.status}
    own |= {"started": info.start_time, "ended": info.end_time}
    own |= {column: run.data.tags.get(tag) for column, tag in tags.items()}
    return own | {name: run.data.metrics.get(name) for name in _HISTORY_METRICS}


def _runs(client: "MlflowClient", ended_since: int) -> "Iterator[Run]":
    experiment = client.get_experiment_by_name(EXPERIMENT)
    since = f"attributes.end_time >= {ended_since}" if ended_since else ""
    order, token = ["attributes.start_time DESC"], None
    while experiment:
        ids = [experiment.experiment_id]
        page = client.search_runs(ids, since, order_by=order, max_results=_BATCH, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _experiment_id(client: "MlflowClient", workspace: Path) -> str:
    with _locked(workspace):
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment:
            return str(experiment.experiment_id)
        # A server knows where its artifacts belong; a bare database does not.
        embedded = "://" in client.tracking_uri and not client.tracking_uri.startswith("http")
        location = (workspace / "mlartifacts").resolve().as_uri() if embedded else None
        return str(client.create_experiment(EXPERIMENT, artifact_location=location))


@contextmanager
def _locked(workspace: Path) -> Iterator[None]:
    """One process at a time: two that create the same tables or the same experiment break each other."""
    with (workspace / ".mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _store(workspace: Path) -> "Iterator[MlflowClient]":
    """A client of the store, with MLflow's own warnings silent and whatever it raises as TrackingError."""
    database = workspace.resolve() / "mlflow.db"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database}"
    with _told_as_tracking_error(uri), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        load_mlflow()
        from mlflow import MlflowClient

        workspace.mkdir(parents=True, exist_ok=True)
        with _locked(workspace):
            if "MLFLOW_TRACKING_URI" not in os.environ and not database.exists():
                _make_tables(database)
            client = MlflowClient(tracking_uri=uri)
        yield client


def _make_tables(database: Path) -> None:
    """Copy the empty store, for MLflow takes seconds to make one. Where it cannot be kept, MLflow makes each."""
    from mlflow import MlflowClient

    if not _EMPTY_STORE.exists():
        if not os.access(_EMPTY_STORE.parent, os.W_OK):
            return
        beside = _EMPTY_STORE.with_name(f"{_EMPTY_STORE.name}.{secrets.token_hex(4)}")
        MlflowClient(tracking_uri=f"sqlite:///{beside}")
        with closing(sqlite3.connect(beside)) as connection, connection:
            connection.execute("DELETE FROM experiments")  # the default one, which belongs to the current folder
        beside.replace(_EMPTY_STORE)
    beside = database.with_name(f".{database.name}.{secrets.token_hex(4)}")
    shutil.copyfile(_EMPTY_STORE, beside)
    beside.replace(database)


@contextmanager
def _told_as_tracking_error(uri: str) -> Iterator[None]:
    """Whatever a store raises, as TrackingError; a password in the address is left out."""
    try:
        yield
    except PocError:
        raise
    except Exception as error:  # every database driver and object store brings its own classes
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        message = re.sub(r"//[^/@\s]*@", "//***@", f"The tracking store {uri} cannot be used: {reason}")
        raise TrackingError(message) from error
