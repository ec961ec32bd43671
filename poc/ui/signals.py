"""Where the signal of a job comes from: an uploaded file, a baseline, a planted demo signal, or an earlier run."""

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from poc.errors import ConfigError

SUFFIXES = (".parquet", ".csv", ".feather")
"""Kinds of file that can be uploaded."""


def read_signal(source: dict[str, Any], workspace: Path, *, folder: Path) -> pd.DataFrame | pl.DataFrame:
    """The contract frame that a job's `source` names.

    Args:
        source: `kind` (`upload`, `baseline`, `demo` or `run`) and `name` (ending of the file, name, name, run id);
            for a baseline also `snapshot_id`.
        workspace: folder of the snapshots and the tracking store.
        folder: folder of the job, which holds the uploaded file.

    Raises:
        PocError: it is not there or cannot be made; the message says why.
    """
    kind, name = source["kind"], source["name"]
    if kind == "upload":
        from poc.contract.files import read_signal_file

        return read_signal_file(folder / f"signal{name}")
    if kind == "baseline":
        from poc.baselines.library import BASELINE_REGISTRY
        from poc.data.catalog import DataCatalog

        return BASELINE_REGISTRY[name].generate(DataCatalog(source["snapshot_id"], root=workspace / "snapshots"))
    if kind == "demo":
        from poc.data.demo_signals import demo_signals

        return demo_signals()[name].frame
    if kind == "run":
        from poc.contract.files import read_signal_file
        from poc.tracking.mlflow_logger import fetch_run

        return read_signal_file(fetch_run(name, workspace=workspace).folder / "signal.parquet")
    raise ConfigError(f"A signal cannot come from {kind!r}.")
