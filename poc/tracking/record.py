"""RunRecord: what the tracking store keeps of a run, as plain values that survive a trip through JSON."""

import json
import math
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Self

import numpy as np
import pandas as pd

from poc.engine.config import ENGINE_VERSION, BacktestConfig
from poc.reporting.verdict import Verdict
from poc.suite.config import SuiteConfig
from poc.suite.result import SnapshotInfo, SuiteResult

METRICS = {
    "sharpe": "sharpe",
    "sharpe_net": "sharpe_net",
    "ann_ret": "ret_ann",
    "ann_ret_net": "ret_net_ann",
    "maxDD": "max_drawdown",
    "turnover": "turnover",
    "coverage": "coverage",
    "ic_mean": "ic_mean",
}
"""Name of a metric in the store, and the column of `suite_summary` that it comes from."""

CURVE_POINTS = 24


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run in the tracking store.

    Args:
        name: `{signal}_{date}_{time}`.
        started: moment of the run, with time zone, ISO 8601.
        tags: who, what, on which data, and the verdict.
        params: every field of the judged configuration, and `suite.*`, the grid.
        metrics: of the judged variant as `sharpe_net`, of every variant as `lag0.off.naive/sharpe_net`; finite only.
    """

    name: str
    started: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """The record that `to_dict` was made from; other keys are ignored.

        Raises:
            KeyError: a field is missing.
        """
        return cls(**{field.name: content[field.name] for field in fields(cls)})


def run_name(signal_name: str, now: datetime) -> str:
    """`{signal}_{date}_{time}`, the name of a run and of its folder; spaces become underscores."""
    return f"{signal_name.replace(' ', '_')}_{now:%Y%m%d_%H%M%S}"


def run_record(
    suite_result: SuiteResult, verdict: Verdict, *, author: str, family: str | None, now: datetime, git_sha: str | None
) -> RunRecord:
    """What is logged of a suite. `now` without a time zone is local time."""
    summary = suite_result.suite_summary
    metrics = _metrics(summary[summary["kind"] == "signal"], suite_result.base_config())
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    tags = {
        "signal_name": suite_result.signal_name,
        "author": author,
        "mlflow.user": author,
        "family": family or "",
        "git_sha": git_sha or "unknown",
        "signal_hash": suite_result.signal_hash,
        "engine_version": ENGINE_VERSION,
        "verdict": verdict.color,
        "rules_version": verdict.rules_version,
        "variants_failed": str(int((summary["status"] != "ok").sum())),
        "metrics_left_out": str(len(metrics) - len(finite)),
        "curve": _curve(suite_result),
    }
    return RunRecord(
        name=run_name(suite_result.signal_name, now),
        started=now.astimezone().isoformat(timespec="milliseconds"),
        tags=tags | _snapshot_tags(suite_result.snapshot),
        params=_params(suite_result.config, suite_result.base_config()),
        metrics=finite,
    )


def _curve(suite_result: SuiteResult) -> str:
    """The cumulative net return of the judged variant at evenly spaced days, small enough for a list of runs; JSON."""
    base = suite_result.variant()
    if base is None:
        return "[]"
    total = base.daily_series["cumret_net"].to_numpy()
    days = np.linspace(0, len(total) - 1, CURVE_POINTS).round().astype(int)
    return json.dumps([round(float(value), 4) for value in total[days]])


def _snapshot_tags(snapshot: SnapshotInfo) -> dict[str, str]:
    return {
        "region": snapshot.region,
        "data_snapshot_id": snapshot.snapshot_id,
        "data_snapshot_fingerprint": snapshot.fingerprint,
        "synthetic": str(snapshot.synthetic).lower(),
    }


def _params(suite: SuiteConfig, base: BacktestConfig) -> dict[str, str]:
    axes = ("name", "lags", "residualize", "tc_models", "baselines", "placebos")
    grid = {f"suite.{axis}": getattr(suite, axis) for axis in axes}
    return {name: str(value) for name, value in (asdict(base) | grid).items()}


def _metrics(variants: pd.DataFrame, base: BacktestConfig) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for variant in variants.to_dict("records"):
        values = {name: float(variant[column]) for name, column in METRICS.items()}
        label = f"lag{variant['lag']}.{variant['residualize']}.{variant['tc_model']}"
        metrics |= {f"{label}/{name}": value for name, value in values.items()}
        if variant["key"] == base.key:
            metrics |= values
    return metrics
