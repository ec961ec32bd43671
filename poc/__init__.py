"""Quantitative equity signals: from a signal file to a reproducible backtest, a tear sheet and a verdict.

The names below are what most users import. They are loaded when they are first used, so that `import poc` is quick.
The one button is `poc.evaluate.evaluate`; the command line is `poc`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poc.baselines.library import BASELINE_REGISTRY
    from poc.contract.align import align_dates
    from poc.contract.schema import validate_signal_df
    from poc.data.catalog import DataCatalog
    from poc.data.create_snapshot import create_lightweight_snapshot, create_snapshot_from_existing
    from poc.engine.config import BacktestConfig
    from poc.engine.wrapper import run_backtest
    from poc.errors import PocError
    from poc.reporting.verdict import compute_verdict
    from poc.suite.config import STANDARD_SUITE, SuiteConfig
    from poc.suite.runner import run_suite
    from poc.tracking.mlflow_logger import log_suite_run

__all__ = [
    "BASELINE_REGISTRY",
    "STANDARD_SUITE",
    "BacktestConfig",
    "DataCatalog",
    "PocError",
    "SuiteConfig",
    "align_dates",
    "compute_verdict",
    "create_lightweight_snapshot",
    "create_snapshot_from_existing",
    "log_suite_run",
    "run_backtest",
    "run_suite",
    "validate_signal_df",
]

_HOMES = {
    "BASELINE_REGISTRY": "poc.baselines.library",
    "STANDARD_SUITE": "poc.suite.config",
    "BacktestConfig": "poc.engine.config",
    "DataCatalog": "poc.data.catalog",
    "PocError": "poc.errors",
    "SuiteConfig": "poc.suite.config",
    "align_dates": "poc.contract.align",
    "compute_verdict": "poc.reporting.verdict",
    "create_lightweight_snapshot": "poc.data.create_snapshot",
    "create_snapshot_from_existing": "poc.data.create_snapshot",
    "log_suite_run": "poc.tracking.mlflow_logger",
    "run_backtest": "poc.engine.wrapper",
    "run_suite": "poc.suite.runner",
    "validate_signal_df": "poc.contract.schema",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'poc' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
