"""A run read back from its files: what a report needs of it, without computing anything again."""

import json
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from poc.errors import TrackingError
from poc.reporting.verdict_types import Verdict
from poc.tracking.mlflow_logger import fetch_run


@dataclass(frozen=True, kw_only=True)
class StoredSeries:
    """One variant of a stored run.

    Attributes:
        kind: `signal` or `baseline`.
        name: of the signal or baseline.
        key: label of the configuration.
        daily_series: as in `BacktestResult`.
    """

    kind: str
    name: str
    key: str
    daily_series: pd.DataFrame = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class StoredTables:
    """The tables of the judged variant, as in `BacktestResult`."""

    summary_table: pd.DataFrame = field(repr=False)
    fractile_analysis: pd.DataFrame = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """One run, read from its result files (docs/result-schema.md).

    Attributes:
        folder: where the files are.
        signal_name, signal_hash, engine_version: of the run.
        snapshot: `snapshot_id, fingerprint, first_date ...` by name.
        settings: what decided the numbers, by name: the grid and every field of the base configuration, as text.
        verdict: as it was stored.
        warnings: of the contract check, a sentence each.
        judged_key: label of the judged variant; None where it failed.
        suite_summary: a row a variant.
        tables: of the judged variant; None where it failed.
        correlations: with the baselines.
        series: every variant that ran.
        rerun_command: computes the same again; empty where it is not known.
        run_id, experiment_id: MLflow's, for links; empty where the run was read from a folder.
        seal_from: the day from which on nothing was evaluated; empty where nothing is sealed, or read from a folder.
    """

    folder: Path
    signal_name: str
    signal_hash: str
    engine_version: str
    snapshot: dict[str, Any]
    settings: dict[str, str]
    verdict: Verdict
    warnings: tuple[str, ...]
    judged_key: str | None
    suite_summary: pd.DataFrame = field(repr=False)
    tables: StoredTables | None
    correlations: pd.DataFrame = field(repr=False)
    series: tuple[StoredSeries, ...] = field(repr=False)
    rerun_command: str = ""
    run_id: str = ""
    experiment_id: str = ""
    seal_from: str = ""

    @property
    def days_per_year(self) -> int:
        """By which its daily numbers were made annual; a result that does not say so yet used the usual 252."""
        return int(self.snapshot.get("days_per_year", 252))

    @property
    def tearsheet(self) -> Path:
        """The report of the run."""
        return self.folder / "tearsheet.html"

    def variants(self) -> dict[str, StoredSeries]:
        """The signal's variants by key, in grid order."""
        return {one.key: one for one in self.series if one.kind == "signal"}

    def baselines(self, key: str) -> dict[str, StoredSeries]:
        """The baselines run with the same configuration, by name."""
        return {one.name: one for one in self.series if one.kind == "baseline" and one.key == key}

    def judged(self) -> StoredSeries | None:
        """The variant that the verdict is on, or None where it failed."""
        return self.variants().get(self.judged_key or "")


def load_run(run_id: str, *, workspace: Path) -> StoredRun:
    """A logged run.

    Raises:
        TrackingError: no such run, the store cannot be reached, or the run lacks a file or holds a broken one.
    """
    logged = fetch_run(run_id, workspace=workspace)
    return replace(
        load_folder(logged.folder),
        rerun_command=logged.tags.get("rerun_command", ""),
        run_id=run_id,
        experiment_id=logged.experiment_id,
        seal_from=logged.tags.get("seal_from", ""),
    )


def stored_tearsheet(run: str, *, workspace: Path) -> Path:
    """The tear sheet of a run as it was stored.

    Args:
        run: id of a logged run, or a folder of results.
        workspace: folder of the embedded store.

    Raises:
        TrackingError: no such run or folder, the store cannot be reached, or there is no tear sheet.
    """
    folder = Path(run) if Path(run).is_dir() else fetch_run(run, workspace=workspace).folder
    page = folder / "tearsheet.html"
    if not page.is_file():
        raise TrackingError(f"There is no tearsheet.html in {folder}. Give the folder of results of a run, or its id.")
    return page


def load_folder(folder: Path) -> StoredRun:
    """The run whose files are in a folder.

    Raises:
        TrackingError: a file is missing or broken.
    """
    try:
        content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        series = pd.read_parquet(folder / "daily_series.parquet")
        return _stored_run(folder, content, series)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrackingError(f"The results in {folder} cannot be read: {error!r}. Run the signal again.") from None


def _stored_run(folder: Path, content: dict[str, Any], series: pd.DataFrame) -> StoredRun:
    judged = content["judged"]
    suite = content["suite"]
    grid = {name: _text(value) for name, value in suite.items() if name not in ("name", "base")}
    variants = [
        StoredSeries(kind=str(kind), name=str(name), key=str(key), daily_series=_own_columns(days))
        for (kind, name, key), days in series.groupby(["kind", "name", "key"], sort=False)
    ]
    return StoredRun(
        folder=folder,
        signal_name=content["signal"]["name"],
        signal_hash=content["signal"]["hash"],
        engine_version=content["engine_version"],
        snapshot=content["snapshot"],
        settings={"suite": suite["name"]} | grid | {name: _text(value) for name, value in suite["base"].items()},
        verdict=Verdict.from_dict(content["verdict"]),
        warnings=tuple(content["signal"]["warnings"]),
        judged_key=judged and judged["key"],
        suite_summary=pd.DataFrame(content["variants"]),
        tables=judged
        and StoredTables(
            summary_table=pd.DataFrame(judged["summary"]), fractile_analysis=pd.DataFrame(judged["fractiles"])
        ),
        correlations=pd.DataFrame(content["correlations"]),
        series=tuple(variants),
    )


def _own_columns(days: pd.DataFrame) -> pd.DataFrame:
    """The series of one variant, without the labels and without the columns that only other variants have."""
    return days.drop(columns=["kind", "name", "key"]).dropna(axis="columns", how="all").reset_index(drop=True)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
