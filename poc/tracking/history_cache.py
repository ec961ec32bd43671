"""The history in a file, so that a store of a hundred thousand runs is read once and then only for what is new.

The file is a copy and can be deleted at any time. What other programs change on a run that was read before is not seen
until it is.
"""

import hashlib
import os
import secrets
from datetime import timedelta
from pathlib import Path

import pandas as pd

from poc.tracking.mlflow_logger import HISTORY_COLUMNS, NOTE_TAGS, annotate_run, history

FILE_NAME = "history.parquet"
OVERLAP = timedelta(minutes=10)
"""What ended so long before the newest known run is read again: clocks of machines differ."""


def cached_history(workspace: Path) -> pd.DataFrame:
    """All finished runs, newest first, with the columns of `history`; only new ones are fetched.

    Raises:
        TrackingError: the store cannot be reached.
    """
    known = _read(workspace)
    since = None if known is None or known.empty else known["ended"].max().to_pydatetime() - OVERLAP
    new = history(workspace, ended_since=since).query("status == 'FINISHED'")
    if known is not None and new["run_id"].isin(known["run_id"]).all():
        return known
    table = new if known is None else pd.concat([new, known[~known["run_id"].isin(new["run_id"])]])
    table = table.sort_values("started", ascending=False, kind="stable", ignore_index=True)
    if len(table):
        _write(table, workspace)
    return table


def annotate(
    run_id: str, *, workspace: Path, labels: str | None = None, note: str | None = None, archived: bool | None = None
) -> None:
    """Write onto a run, in the store (`annotate_run`) and in the file.

    Raises:
        TrackingError: no such run, or the store cannot be reached.
    """
    annotate_run(run_id, workspace=workspace, labels=labels, note=note, archived=archived)
    table = _read(workspace)
    if table is not None:
        for column, value in zip(NOTE_TAGS, (labels, note, archived), strict=True):
            if value is not None:
                table.loc[table["run_id"] == run_id, column] = value
        _write(table, workspace)


def forget(workspace: Path) -> None:
    """Delete the file, so that everything is read again."""
    (workspace / FILE_NAME).unlink(missing_ok=True)


def _read(workspace: Path) -> pd.DataFrame | None:
    """What is known of the store that is used now; None: nothing."""
    try:
        table = pd.read_parquet(workspace / FILE_NAME)
    except (OSError, ValueError):
        return None
    if not set(HISTORY_COLUMNS) <= set(table) or not (table["store"] == _store_name()).all():
        return None
    return table.drop(columns="store")


def _write(table: pd.DataFrame, workspace: Path) -> None:
    """Written beside and renamed: a reader sees the old file or the new one."""
    path = workspace / f".{FILE_NAME}.{secrets.token_hex(4)}"
    table.assign(store=_store_name()).to_parquet(path, index=False)
    path.replace(workspace / FILE_NAME)


def _store_name() -> str:
    """Tells stores apart without giving away an address, which may hold a password."""
    return hashlib.sha256(os.environ.get("MLFLOW_TRACKING_URI", "").encode()).hexdigest()
