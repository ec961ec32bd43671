"""A folder of results: what it holds, its `run.json`, and how it is logged, now or later."""

import json
import platform
import shlex
import subprocess
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from poc.errors import ConfigError, TrackingError
from poc.reporting.files import SIGNAL_FILE, TRIALS_FILE, to_json
from poc.tracking.mlflow_logger import fetch_run, history, is_logged, log_record
from poc.tracking.record import RunRecord

RUN_SCHEMA_VERSION = 1
"""Version of `run.json`, counted as that of `result.json` is."""
RUN_FILE = "run.json"
LOGGED_FILES = (
    "tearsheet.html",
    "result.json",
    "suite_summary.csv",
    "daily_series.parquet",
    "holdings.parquet",
    SIGNAL_FILE,
    TRIALS_FILE,
)
_LIBRARIES = ("backtest-poc", "mlflow", "numba", "numpy", "pandas", "polars", "pyarrow", "scipy")


def write_run_file(record: RunRecord, folder: Path, *, rerun_command: str) -> None:
    """Write `run.json`: what differs from one run to the next of the same result (docs/result-schema.md)."""
    content = {
        "schema_version": RUN_SCHEMA_VERSION,
        **record.to_dict(),
        "rerun_command": rerun_command,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
        "run_id": None,
    }
    (folder / RUN_FILE).write_text(to_json(content), encoding="utf-8")


def log_directory(folder: Path, *, workspace: Path) -> str:
    """Log results that are on disk. Logged already: nothing is done.

    Args:
        folder: as `poc.evaluate.evaluate` leaves it.
        workspace: folder of the embedded store.

    Returns:
        The id of the run, which is written into `run.json` as well.

    Raises:
        ConfigError: the folder does not hold the results of a run.
        TrackingError: the store cannot be reached or refuses the run.
    """
    missing = [name for name in (*LOGGED_FILES, RUN_FILE) if not (folder / name).is_file()]
    if missing:
        raise ConfigError(f"{folder} is no folder of results: it lacks {', '.join(missing)}. Give one that is whole.")
    try:
        content: dict[str, Any] = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        run_id: str | None = content["run_id"]
        record = RunRecord.from_dict(content)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder / RUN_FILE} cannot be read: {error!r}. Run the signal again.") from None
    if run_id is not None and is_logged(run_id, workspace=workspace):
        return run_id
    record = replace(record, tags=record.tags | {"rerun_command": content["rerun_command"]})
    run_id = log_record(record, [folder / name for name in LOGGED_FILES], workspace=workspace)
    (folder / RUN_FILE).write_text(to_json(content | {"run_id": run_id}), encoding="utf-8")
    return run_id


def rerun_arguments(run_id: str, *, workspace: Path) -> list[str]:
    """The rerun command of a logged run as words after `poc`, with its stored signal and its stored earlier tries.

    Raises:
        TrackingError: no such run, the store cannot be reached, or the run was logged without what a rerun needs.
    """
    logged = fetch_run(run_id, workspace=workspace)
    words = shlex.split(logged.tags.get("rerun_command", ""))[1:]
    files = {name: str(logged.folder / name) for name in (SIGNAL_FILE, TRIALS_FILE)}
    missing = [name for name in files if not (logged.folder / name).is_file()]
    if not words or missing:
        raise TrackingError(
            f"Run {run_id} cannot be run again: it was logged without {', '.join(missing) or 'its command'}. "
            "Run its signal with `poc run`."
        )
    return [files.get(word, word) for word in words]


def unseal_arguments(run_id: str, *, workspace: Path) -> list[str]:
    """The command that evaluates what a sealed run left out, as words after `poc`.

    Raises:
        ConfigError: the run is not sealed.
        TrackingError: as in `rerun_arguments`.
    """
    words = rerun_arguments(run_id, workspace=workspace)
    if "--seal-from" not in words:
        raise ConfigError(f"Run {run_id} is not sealed. Give a run that was made with --seal-from.")
    start = words[words.index("--seal-from") + 1]
    replaced = {"--seal-from", "--start", "--trials"}
    kept = [word for before, word in zip(["", *words], words, strict=False) if not replaced & {before, word}]
    return [*kept, "--start", start, "--unseals", run_id]


def refuse_second_unsealing(run_id: str, *, workspace: Path) -> None:
    """Raise ConfigError if the holdout of a sealed run was evaluated before."""
    done = history(workspace).query("unseals == @run_id and status == 'FINISHED'")
    if len(done):
        first = done.iloc[-1]
        raise ConfigError(
            f"Run {run_id} was unsealed on {first['started']:%Y-%m-%d}, by run {first['run_id']}: verdict "
            f"{first['verdict']}, net Sharpe ratio {first['sharpe_net']:.2f}. A holdout is looked at once; read that "
            f"run with `poc report {first['run_id']}`."
        )


def git_sha() -> str:
    """The commit that this code is checked out from, with `-dirty` where files differ; `unknown` outside a checkout."""
    here = Path(__file__).parent
    if not _git(here, "ls-files", Path(__file__).name):
        return "unknown"
    return _git(here, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty") or "unknown"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
