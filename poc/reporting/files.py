"""The files of a result that other programs read: tables as parquet and CSV, and `result.json` (docs/result-schema.md).

The same result gives the same bytes: no clock, no author, no path.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from poc.engine.config import ENGINE_VERSION
from poc.engine.result import BacktestResult
from poc.errors import ConfigError
from poc.reporting.verdict import Verdict
from poc.suite.result import SuiteResult
from poc.suite.trials import EarlierTrials

SCHEMA_VERSION = 1
"""Version of `result.json`: changes whenever a field changes its meaning or goes; a new field leaves it as it is."""
SIGNAL_FILE = "signal.parquet"
TRIALS_FILE = "trials.json"


def write_result_files(
    suite_result: SuiteResult,
    verdict: Verdict,
    folder: Path,
    *,
    signal: pd.DataFrame | pl.DataFrame | None = None,
    all_holdings: bool = False,
) -> tuple[Path, ...]:
    """Write the tables and `result.json` into an existing folder.

    Args:
        suite_result: what is written.
        verdict: its verdict.
        folder: where to.
        signal: written as `signal.parquet` where it is given.
        all_holdings: the book of every day, not only of the last.

    Returns:
        `result.json`, `suite_summary.csv`, `trials.json`, `daily_series.parquet` (every variant), `holdings.parquet`
        (the judged variant) and, where there is a signal, `signal.parquet`.
    """
    base = suite_result.variant()
    holdings = base.holdings(last_day_only=not all_holdings) if base else _NO_HOLDINGS
    tables = {"daily_series.parquet": daily_series(suite_result), "holdings.parquet": holdings}
    for name, table in tables.items():
        table.to_parquet(folder / name, index=False)
    suite_result.suite_summary.to_csv(folder / "suite_summary.csv", index=False, lineterminator="\n")
    (folder / "result.json").write_text(to_json(result_document(suite_result, verdict)), encoding="utf-8")
    earlier = suite_result.evidence.trials.earlier
    (folder / TRIALS_FILE).write_text(to_json(earlier.to_dict()), encoding="utf-8")
    names = ["result.json", "suite_summary.csv", TRIALS_FILE, *tables]
    if signal is not None:
        (signal if isinstance(signal, pl.DataFrame) else pl.from_pandas(signal)).write_parquet(folder / SIGNAL_FILE)
        names.append(SIGNAL_FILE)
    return tuple(folder / name for name in names)


def read_trials(path: Path) -> EarlierTrials:
    """The list of earlier tries in a `trials.json`.

    Raises:
        ConfigError: the file is missing or is no such list.
    """
    try:
        return EarlierTrials.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"trials={str(path)!r} cannot be read: {error!r}. Give the {TRIALS_FILE} of the results of a run, "
            "or leave --trials out: the earlier tries are then looked for in the run history."
        ) from None


_NO_HOLDINGS = pd.DataFrame({"date": [], "security_id": [], "weight": []})


def daily_series(suite_result: SuiteResult) -> pd.DataFrame:
    """The daily series of every variant that ran: `kind` (signal or baseline), `name`, `key`, then the series."""
    variants = [("signal", suite_result.signal_name, suite_result.signal_results)]
    variants += [("baseline", name, results) for name, results in suite_result.baseline_results.items()]
    series = [
        result.daily_series.assign(kind=kind, name=name, key=key)
        for kind, name, results in variants
        for key, result in results.items()
    ]
    labels = ["kind", "name", "key"]
    table = pd.concat(series, ignore_index=True) if series else pd.DataFrame(columns=labels)
    return table[labels + [column for column in table.columns if column not in labels]]


def result_document(suite_result: SuiteResult, verdict: Verdict) -> dict[str, Any]:
    """The content of `result.json`, as plain values; its fields are listed in docs/result-schema.md."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "engine_version": ENGINE_VERSION,
        "signal": {
            "name": suite_result.signal_name,
            "hash": suite_result.signal_hash,
            "warnings": suite_result.warnings,
        },
        "snapshot": suite_result.snapshot,
        "suite": suite_result.config,
        "verdict": verdict,
        "variants": suite_result.suite_summary,
        "judged": _judged(suite_result.variant()),
        "correlations": suite_result.correlations,
        "skipped_baselines": suite_result.skipped_baselines,
        "evidence": suite_result.evidence,
    }
    return {name: plain(value) for name, value in document.items()}


def _judged(base: BacktestResult | None) -> dict[str, Any] | None:
    if base is None:
        return None
    return {
        "key": base.config.key,
        "summary": base.summary_table,
        "fractiles": base.fractile_analysis,
        "diagnostics": base.diagnostics,
    }


def to_json(content: Any) -> str:
    """Strict JSON of plain values: no NaN, fields in the order given."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """What JSON can hold: frames as lists of rows, dates as ISO text, a number that is not finite as null."""
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict("records")]
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    elif isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, (date, pd.Timestamp)):
        return value.isoformat()[:10]
    if isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{value!r} of type {type(value).__name__} has no place in JSON")
