"""Earlier tries at the idea of a signal, found in the run history by family and by the returns of the runs.

The daily net returns of the judged variant of every run are kept in one file of the workspace, so that thousands of
runs are compared in a second. The file is a copy and can be deleted at any time.
"""

import json
import logging
import math
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.errors import TrackingError
from poc.stats.sharpe import sharpe_ratio
from poc.stats.trials import distinct_trials
from poc.suite.result import SuiteResult
from poc.suite.trials import EarlierTrials, Trial
from poc.tracking.history_cache import cached_history
from poc.tracking.mlflow_logger import run_folders

Floats = NDArray[np.float64]
FILE_NAME = "run_returns.parquet"
logger = logging.getLogger(__name__)

_SCHEMA = pl.Schema(
    {
        "run_id": pl.String(),
        "signal_hash": pl.String(),
        "sharpe": pl.Float64(),
        "day": pl.List(pl.Int32),
        "ret_net": pl.List(pl.Float32),
    }
)


def earlier_trials(
    suite_result: SuiteResult, *, author: str, family: str | None, workspace: Path, unseals: str | None = None
) -> EarlierTrials:
    """The finished runs of the history that were tries at the same idea (docs/methodology.md).

    Args:
        suite_result: the signal, evaluated and not logged yet.
        author: whose earlier runs are counted.
        family: of the signal; None: its name. A run that was given none has its signal's name, too.
        workspace: folder of the embedded store and of the file.
        unseals: the sealed run whose rest is evaluated now: both are one try, whose days are those of both.
    """
    try:
        runs = cached_history(workspace).sort_values(["started", "run_id"], ignore_index=True)
        returns = _returns(runs["run_id"].tolist(), workspace)
    except TrackingError as error:
        return EarlierTrials(why_unknown=str(error))
    in_family = runs["family"].where(runs["family"] != "", runs["signal"]) == (family or suite_result.signal_name)
    own, earlier = _on_same_days(suite_result, returns)
    # Left out by its id too, for its returns may be too few to know it by.
    is_unsealed = returns["run_id"].eq_missing(unseals).to_numpy()
    for sealed in earlier[is_unsealed]:  # one, or none: all days of the try
        own = np.where(np.isnan(own), sealed, own)
    counted = distinct_trials(own, earlier, in_family.to_numpy())
    trials = tuple(
        Trial(
            run_id=row["run_id"],
            signal_hash=row["signal_hash"],
            sharpe=row["sharpe"],
            why="family" if row["run_id"] in set(runs["run_id"][in_family]) else "returns",
        )
        for row in returns[counted].filter(~is_unsealed[counted]).iter_rows(named=True)
    )
    return EarlierTrials(
        trials=trials,
        author_runs=int((runs["author"] == author).sum()),
        unsealed=int((in_family & (runs["unseals"] != "")).sum()),
    )


def _on_same_days(suite_result: SuiteResult, returns: pl.DataFrame) -> tuple[Floats, NDArray[np.float32]]:
    """(T,) own daily net returns and (R, T) those of the runs; NaN where there is none."""
    base = suite_result.variant()
    dates = np.empty(0, dtype="datetime64[D]") if base is None else base.daily_series["date"].to_numpy()
    own_days = dates.astype("datetime64[D]").astype(np.int32)
    days = returns["day"].explode().drop_nulls().to_numpy()
    calendar = np.unique(np.concatenate([own_days, days]))
    own = np.full(len(calendar), np.nan)
    if base is not None:
        own[np.searchsorted(calendar, own_days)] = base.daily_series["ret_net"]
    earlier = np.full((len(returns), len(calendar)), np.nan, dtype=np.float32)
    row = np.repeat(np.arange(len(returns)), returns["day"].list.len().to_numpy())
    earlier[row, np.searchsorted(calendar, days)] = returns["ret_net"].explode().drop_nulls().to_numpy()
    return own, earlier


def _returns(run_ids: list[str], workspace: Path) -> pl.DataFrame:
    """A row a run, in the order given; only runs that the file does not hold yet are fetched.

    Raises:
        TrackingError: the store cannot be reached.
    """
    path = workspace / FILE_NAME
    known = _read(path)
    new = sorted(set(run_ids) - set(known["run_id"]))
    if new:
        files = ("result.json", "daily_series.parquet")
        rows = [_run_returns(run_id, folder) for run_id, folder in run_folders(new, files, workspace=workspace)]
        known = pl.concat([known, pl.DataFrame(rows, schema=_SCHEMA)])
        beside = path.with_name(f".{FILE_NAME}.{secrets.token_hex(4)}")
        known.write_parquet(beside)
        beside.replace(path)
    return pl.DataFrame({"run_id": run_ids}, schema={"run_id": pl.String}).join(
        known, on="run_id", how="left", maintain_order="left"
    )


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path).cast(_SCHEMA)
    except (OSError, pl.exceptions.PolarsError):
        return pl.DataFrame(schema=_SCHEMA)


def _run_returns(run_id: str, folder: Path) -> dict[str, Any]:
    """A row of the file. A run whose files cannot be read was a try all the same, of which nothing else is known."""
    try:
        content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        key = content["judged"]["key"] if content["judged"] else ""
        of_base = (pl.col("kind") == "signal") & (pl.col("key") == key)
        series = pl.read_parquet(folder / "daily_series.parquet").filter(of_base)
        day = series["date"].cast(pl.Date).cast(pl.Int32).to_list()
        returns, signal_hash = series["ret_net"].to_numpy(), content["signal"]["hash"]
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        logger.warning("The returns of run %s cannot be read: %r", run_id, error)
        day, returns, signal_hash = [], np.empty(0), ""
    sharpe = sharpe_ratio(returns, days_per_year=1)
    own = {"sharpe": sharpe if math.isfinite(sharpe) else None, "day": day, "ret_net": returns.tolist()}
    return {"run_id": run_id, "signal_hash": signal_hash} | own
