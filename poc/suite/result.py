"""SuiteResult: a signal's variants, its baselines, and the evidence that the verdict is judged on."""

from dataclasses import dataclass, field

import pandas as pd

from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult
from poc.suite.capacity import Capacity
from poc.suite.config import SuiteConfig
from poc.suite.coverage import Coverage
from poc.suite.incremental import AgainstBaseline, Incremental
from poc.suite.inference import Inference
from poc.suite.leaks import Leaks
from poc.suite.measure import Measure
from poc.suite.placebo import Placebo
from poc.suite.stability import Stability
from poc.suite.trials import Trials

NOT_REPORTED = Measure.not_run("the suite leaves it out (report_evidence=False)")


@dataclass(frozen=True, kw_only=True)
class BaselineEvidence:
    """How close the signal is to one baseline (definitions in docs/methodology.md)."""

    name: str
    signal_corr: Measure
    return_corr: Measure


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the verdict needs beyond the grid, and what is shown beside it. All Sharpe ratios are annual and net.

    `capacity`, `stability` and `coverage` are shown, not judged; a measure that was not run says why one is not there.
    """

    baselines: tuple[BaselineEvidence, ...] = ()
    spanning_alpha_ann: Measure
    spanning_alpha_t: Measure
    incremental: Incremental
    sharpe_differences: tuple[AgainstBaseline, ...] = ()
    net_return_t: Measure
    style_residualized_sharpe_net: Measure
    without_small_caps_sharpe_net: Measure
    largest_name_share: Measure
    largest_month_share: Measure
    largest_sector_share: Measure
    inference: Inference
    trials: Trials
    placebo: Placebo
    leaks: Leaks
    is_baseline: str | None = None
    capacity: Capacity | Measure = NOT_REPORTED
    stability: Stability | Measure = NOT_REPORTED
    coverage: Coverage | Measure = NOT_REPORTED


@dataclass(frozen=True, kw_only=True)
class SnapshotInfo:
    """Which data a suite ran on, and what limits it.

    `days_per_year` is what daily numbers are made annual by. `calendar_days` holds a pair (year, trading days of the
    snapshot's calendar in it) for each calendar year.
    """

    snapshot_id: str
    region: str
    fingerprint: str
    first_date: str
    last_date: str
    n_days: int
    n_securities: int
    synthetic: bool
    days_per_year: int = 252
    limits: tuple[str, ...] = ()
    calendar_days: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class SuiteResult:
    """One signal's suite.

    Attributes:
        config: the suite that was run.
        signal_name: as given, or from the file.
        signal_hash: SHA-256 of the cleaned signal, in canonical order.
        snapshot: the data it ran on.
        warnings: one sentence each, from the contract check.
        signal_results: by `config.key`, successful variants only, in grid order.
        baseline_results: by baseline name, then by `config.key`.
        skipped_baselines: name to the reason why it was not run.
        suite_summary: a row a variant, failed ones too: `name, kind, key, lag, residualize, tc_model, weight, sharpe,
            sharpe_net, ret_ann, ret_net_ann, max_drawdown, turnover, coverage, ic_mean, status, reason`.
        correlations: `baseline, signal_corr, return_corr`.
        evidence: what the verdict needs beyond the grid.
    """

    config: SuiteConfig
    signal_name: str
    signal_hash: str
    snapshot: SnapshotInfo
    warnings: tuple[str, ...]
    signal_results: dict[str, BacktestResult]
    baseline_results: dict[str, dict[str, BacktestResult]]
    skipped_baselines: dict[str, str]
    suite_summary: pd.DataFrame
    correlations: pd.DataFrame
    evidence: Evidence = field(repr=False)

    def variant(self, *, lag: int = 0, residualize: str = "off") -> BacktestResult | None:
        """The variant with the suite's first cost model, or None where it failed or was not in the grid."""
        for config in self.config.variants():
            if (config.lag, config.residualize) == (lag, residualize):
                return self.signal_results.get(config.key)
        return None

    def base_config(self) -> BacktestConfig:
        """The variant that is judged: lag 0, not residualized."""
        return self.config.base_variant()
