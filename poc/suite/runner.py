"""run_suite: a signal's grid of variants, the same grid on the baselines, and the evidence for the verdict."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from joblib import Parallel, delayed, effective_n_jobs

from poc.baselines.library import BASELINE_REGISTRY
from poc.contract.files import signal_hash
from poc.contract.schema import Ledger, ValidationResult
from poc.data.catalog import DataCatalog
from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.formation import form_books
from poc.engine.holding import hold
from poc.engine.placing import PlacedSignal, place_rows, place_signal
from poc.engine.result import BacktestResult
from poc.engine.wrapper import check_signal, evaluate_books
from poc.errors import ConfigError, PocError
from poc.suite.capacity import gather_capacity
from poc.suite.config import STANDARD_SUITE, SuiteConfig
from poc.suite.coverage import gather_coverage
from poc.suite.evidence import compare_sharpes, correlations_table, evidence_variants, gather_evidence
from poc.suite.incremental import find_overlap
from poc.suite.inference import measure_inference
from poc.suite.leaks import measure_leaks
from poc.suite.measure import Measure
from poc.suite.placebo import Placebo, measure_placebos
from poc.suite.result import SnapshotInfo, SuiteResult
from poc.suite.stability import gather_stability, liquid_half, overall_only, stability_variants
from poc.suite.trials import EarlierTrials, with_trials

Progress = Callable[[str, int, int], None]

EVIDENCE, LIQUID = "evidence", "liquid half"
"""Kinds of variants outside the grid, the latter on the more liquid half of the names. Nobody asks what they hold."""


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A signal ready to be ranked, or the reason why it is not there."""

    name: str
    kind: str
    placed: PlacedSignal | None = None
    ledger: Ledger | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """One variant of the grid: its result, or the reason why it failed. `name` and `kind` are those of its source."""

    name: str
    kind: str
    config: BacktestConfig
    result: BacktestResult | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class BaselineRuns:
    """A suite's baselines, run once for all signals of the same snapshot, suite and days.

    Attributes:
        made_for: the snapshot's fingerprint, the suite, and the first and last formation day (None: there is none).
    """

    made_for: tuple[str, SuiteConfig, tuple[int, int] | None]
    sources: tuple[_Source, ...]
    outcomes: tuple[_Outcome, ...]


def run_suite(  # noqa: PLR0913 - the first five are the published signature
    signal_df: pd.DataFrame | pl.DataFrame | ValidationResult,
    catalog: DataCatalog,
    suite_config: SuiteConfig = STANDARD_SUITE,
    include_baselines: bool = True,  # noqa: FBT001, FBT002 - the published signature
    n_jobs: int = -1,
    *,
    signal_name: str = "signal",
    progress: Progress | None = None,
    trials: EarlierTrials | None = None,
) -> SuiteResult:
    """Run every variant of the suite on a signal and on the baselines. The result is the same for any `n_jobs`.

    Args:
        signal_df: a contract frame, or what the check of one found.
        catalog: the snapshot to run on.
        suite_config: the grid; presets are in `SUITES`.
        include_baselines: run the suite's baselines too, on the signal's days and universe.
        n_jobs: threads; -1 uses every core.
        signal_name: for the report.
        progress: called with (what was done, how many are done, how many there are).
        trials: earlier tries at the same idea, for the deflated Sharpe ratio; None: it is not computed.

    Raises:
        ContractError: the signal breaks the contract; the message holds every breach.
        ConfigError: an unknown baseline.
    """
    checked = check_signal(signal_df, suite_config.base, catalog)
    result = run_checked_suite(
        checked,
        catalog,
        suite_config,
        include_baselines=include_baselines,
        n_jobs=n_jobs,
        signal_name=signal_name,
        progress=progress,
    )
    return result if trials is None else with_trials(result, trials)


def run_checked_suite(  # noqa: PLR0913 - as run_suite
    checked: ValidationResult,
    catalog: DataCatalog,
    suite_config: SuiteConfig,
    *,
    include_baselines: bool,
    n_jobs: int,
    signal_name: str,
    progress: Progress | None,
    baseline_runs: BaselineRuns | None = None,
) -> SuiteResult:
    """`run_suite` on a signal that `check_signal` has passed.

    Args:
        baseline_runs: of `run_baselines`, in place of running the baselines again.

    Raises:
        ConfigError: an unknown baseline, or baselines that were run for another snapshot, suite or span of days.
    """
    _refuse_unknown_baselines(suite_config)
    base = suite_config.base_variant()
    own = place_signal(checked.rows, catalog.panel, base)
    signal = _Source(name=signal_name, kind="signal", placed=own, ledger=checked.ledger)
    workers = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    names = suite_config.baselines if include_baselines else ()
    ran = _fitting(baseline_runs, own, catalog, suite_config)
    baselines = ran.sources if ran else tuple(workers(_placements(own, catalog, suite_config, names)))

    to_run = (signal,) if ran else (signal, *baselines)
    jobs = [(source, group) for source in to_run for group in _groups(suite_config.variants())]
    jobs += _jobs_outside_the_grid(signal, suite_config, catalog.panel)
    total = sum(len(group) for _, group in jobs)
    outcomes: list[_Outcome] = []
    for batch in workers(delayed(_run_group)(source, group, catalog) for source, group in jobs):
        outcomes += batch
        if progress is not None:
            progress(f"{batch[0].name} {batch[0].config.residualize}", len(outcomes), total)

    outcomes += ran.outcomes if ran else ()
    signal_results = _results(outcomes, signal_name, "signal")
    baseline_results = {source.name: _results(outcomes, source.name, "baseline") for source in baselines}
    skipped = {source.name: source.reason for source in baselines if source.placed is None}
    there = {source.name: source.placed for source in baselines if source.placed is not None}
    base_result = signal_results.get(base.key)
    against = {name: results.get(base.key) for name, results in baseline_results.items()}
    measures = _measures(checked, own, outcomes, catalog.panel, suite_config, n_jobs=n_jobs)
    overlap, own_hash, *measured = workers(
        [
            delayed(find_overlap)(own, there, base_result, catalog.panel, threads=effective_n_jobs(n_jobs)),
            delayed(signal_hash)(checked.rows),
            *measures.values(),
            *(delayed(compare_sharpes)(name, base_result, other, catalog.panel) for name, other in against.items()),
        ]
    )
    del jobs, to_run, baselines, there  # the values of the baselines are not needed any more, but their memory is
    own_results = {base.key: None} | signal_results | _results(outcomes, signal_name, EVIDENCE)
    found = gather_evidence(own_results, against, overlap, catalog.panel, base)
    if not suite_config.placebos:
        placebo = Placebo.not_run("the suite leaves placebos out")
    elif base_result is None:
        placebo = Placebo.not_run("the base variant failed")
    else:
        placebo = measure_placebos(
            own, catalog.panel, base, count=suite_config.placebos, n_jobs=n_jobs, progress=progress
        )
    found = replace(
        found,
        placebo=placebo,
        sharpe_differences=tuple(measured[len(measures) :]),
        **dict(zip(measures, measured, strict=False)),
    )
    return SuiteResult(
        config=suite_config,
        signal_name=signal_name,
        signal_hash=own_hash,
        snapshot=_snapshot_info(catalog),
        warnings=tuple(finding.message for finding in checked.warnings),
        signal_results=signal_results,
        baseline_results=baseline_results,
        skipped_baselines=skipped,
        suite_summary=pd.DataFrame([_summary_row(o) for o in outcomes if o.kind in ("signal", "baseline")]),
        correlations=correlations_table(found),
        evidence=found,
    )


def run_baselines(
    checked: ValidationResult, catalog: DataCatalog, suite_config: SuiteConfig, *, n_jobs: int
) -> BaselineRuns:
    """The suite's baselines over the days of a checked signal, for every signal of those days.

    Raises:
        ConfigError: an unknown baseline.
    """
    _refuse_unknown_baselines(suite_config)
    own = place_signal(checked.rows, catalog.panel, suite_config.base_variant())
    workers = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    sources = tuple(workers(_placements(own, catalog, suite_config, suite_config.baselines)))
    groups = _groups(suite_config.variants())
    batches = workers(delayed(_run_group)(source, group, catalog) for source in sources for group in groups)
    return BaselineRuns(
        made_for=(catalog.fingerprint, suite_config, _formation_span(own, catalog.panel)),
        sources=sources,
        outcomes=tuple(outcome for batch in batches for outcome in batch),
    )


def _fitting(
    runs: BaselineRuns | None, own: PlacedSignal, catalog: DataCatalog, suite_config: SuiteConfig
) -> BaselineRuns | None:
    needed = (catalog.fingerprint, suite_config, _formation_span(own, catalog.panel))
    if runs is not None and runs.made_for != needed:
        raise ConfigError("baseline_runs were made for another snapshot, suite or span of days; call run_baselines.")
    return runs


def _jobs_outside_the_grid(
    signal: _Source, suite_config: SuiteConfig, panel: Panel
) -> list[tuple[_Source, list[BacktestConfig]]]:
    """The backtests that the verdict asks for, and those behind what is shown and not judged."""
    base, evidence = suite_config.base_variant(), replace(signal, kind=EVIDENCE)
    jobs = [(evidence, [variant]) for variant in evidence_variants(base, panel).values()]
    if suite_config.report_evidence:
        jobs += [(evidence, [variant]) for variant in stability_variants(base, panel)]
        jobs.append((replace(signal, kind=LIQUID), [overall_only(base)]))
    return jobs


def _measures(
    checked: ValidationResult,
    own: PlacedSignal,
    outcomes: list[_Outcome],
    panel: Panel,
    suite_config: SuiteConfig,
    *,
    n_jobs: int,
) -> dict[str, Any]:
    """Jobs that measure the base variant, by the field of the evidence that holds what they find."""
    base = suite_config.base_variant()
    result = next((o.result for o in outcomes if (o.kind, o.config) == ("signal", base)), None)
    variants = {o.config.key: o.result for o in outcomes if o.result is not None and o.kind == EVIDENCE}
    liquid = next((o.result for o in outcomes if o.kind == LIQUID), None)
    jobs = {
        "leaks": delayed(measure_leaks)(checked.rows, own, result, panel, base, n_jobs=n_jobs),
        "inference": delayed(measure_inference)(result, panel.days_per_year),
    }
    if not suite_config.report_evidence:
        return jobs
    if result is None:
        return jobs | {name: delayed(Measure.not_run)() for name in ("capacity", "coverage", "stability")}
    return jobs | {
        "capacity": delayed(gather_capacity)(result, panel),
        "coverage": delayed(gather_coverage)(result, own, panel),
        "stability": delayed(gather_stability)(result, variants, liquid, panel),
    }


def _refuse_unknown_baselines(suite_config: SuiteConfig) -> None:
    unknown = sorted(set(suite_config.baselines) - set(BASELINE_REGISTRY))
    if unknown:
        raise ConfigError(f"baselines={unknown} are not allowed; allowed: {', '.join(BASELINE_REGISTRY)}.")


def _groups(variants: tuple[BacktestConfig, ...]) -> list[list[BacktestConfig]]:
    """Variants that share their target books, because only lag and cost model differ; in the order of the grid."""
    groups: dict[BacktestConfig, list[BacktestConfig]] = {}
    for config in variants:
        groups.setdefault(replace(config, lag=0, tc_model="naive"), []).append(config)
    return list(groups.values())


def baseline_config(config: BacktestConfig) -> BacktestConfig:
    """The signal's configuration for a baseline: a daily value to rank."""
    weight = "equal" if config.input_type == "weight" else config.weight
    return replace(config, carry_days=1, input_type="value", weight=weight)


def _formation_span(own: PlacedSignal, panel: Panel) -> tuple[int, int] | None:
    """The first and last day on which a value is live."""
    live = np.flatnonzero(~np.isnan(own.values))
    if not len(live):
        return None
    first, last = np.searchsorted(panel.offsets, live[[0, -1]], side="right") - 1
    return int(first), int(last)


def _placements(own: PlacedSignal, catalog: DataCatalog, suite_config: SuiteConfig, names: tuple[str, ...]) -> Any:
    """Jobs that place each baseline."""
    return (delayed(_place_baseline)(name, own, suite_config.base_variant(), catalog) for name in names)


def _place_baseline(name: str, own: PlacedSignal, base: BacktestConfig, catalog: DataCatalog) -> _Source:
    """A baseline over the signal's first to last formation day."""
    panel = catalog.panel
    try:
        values = BASELINE_REGISTRY[name].values(panel)
    except PocError as error:
        return _Source(name=name, kind="baseline", reason=str(error))
    placed = place_rows(values, panel, base)
    rows = int(np.isfinite(values).sum())
    span = _formation_span(own, panel)
    if span is not None:
        placed.values[: panel.offsets[span[0]]] = np.nan
        placed.values[panel.offsets[span[1] + 1] :] = np.nan
    return _Source(name=name, kind="baseline", placed=placed, ledger=Ledger(rows, rows, {}))


def _run_group(source: _Source, group: list[BacktestConfig], catalog: DataCatalog) -> list[_Outcome]:
    """Form the books once, then hold them as each variant of the group asks."""
    panel, placed = catalog.panel, source.placed
    if source.kind == LIQUID and placed is not None:
        placed = liquid_half(placed, panel, group[0])
    if placed is None or source.ledger is None:
        return [_failed(source, config, source.reason) for config in group]
    configs = [baseline_config(config) if source.kind == "baseline" else config for config in group]
    try:
        formation = form_books(placed, panel, configs[0])
        held = hold(formation, configs, panel)
    except PocError as error:
        return [_failed(source, config, str(error)) for config in group]
    outcomes = []
    for config, run_as, books in zip(group, configs, held, strict=True):
        try:
            result = evaluate_books(formation, books, run_as, panel, source.ledger)
            if source.kind in (EVIDENCE, LIQUID):
                result = replace(result, books=result.books.emptied())
            outcomes.append(_Outcome(name=source.name, kind=source.kind, config=config, result=result))
        except PocError as error:
            outcomes.append(_failed(source, config, str(error)))
    return outcomes


def _failed(source: _Source, config: BacktestConfig, reason: str) -> _Outcome:
    return _Outcome(name=source.name, kind=source.kind, config=config, reason=reason)


def _results(outcomes: list[_Outcome], name: str, kind: str) -> dict[str, BacktestResult]:
    """The variants that succeeded, by the key of the grid's configuration, in grid order."""
    return {o.config.key: o.result for o in outcomes if o.result is not None and (o.name, o.kind) == (name, kind)}


def _summary_row(outcome: _Outcome) -> dict[str, Any]:
    config, result = outcome.config, outcome.result
    row: dict[str, Any] = {
        "name": outcome.name,
        "kind": outcome.kind,
        "key": config.key,
        "lag": config.lag,
        "residualize": config.residualize,
        "tc_model": config.tc_model,
        "weight": config.weight,
    }
    metrics = ("sharpe", "sharpe_net", "ret_ann", "ret_net_ann", "max_drawdown", "turnover")
    overall = None if result is None else result.overall()
    row |= {name: np.nan if overall is None else overall[name] for name in metrics}
    row["coverage"] = np.nan if result is None else result.diagnostics["coverage"]["mean"]
    row["ic_mean"] = np.nan if result is None else result.diagnostics["ic"]["mean"]
    return row | {"status": "failed" if result is None else "ok", "reason": outcome.reason}


def _snapshot_info(catalog: DataCatalog) -> SnapshotInfo:
    manifest = catalog.manifest
    years, counts = np.unique(catalog.calendar.astype("datetime64[Y]"), return_counts=True)
    return SnapshotInfo(
        snapshot_id=manifest.snapshot_id,
        region=manifest.region,
        fingerprint=catalog.fingerprint,
        first_date=str(catalog.calendar[0]),
        last_date=str(catalog.calendar[-1]),
        n_days=len(catalog.calendar),
        n_securities=len(catalog.security_ids),
        synthetic=manifest.synthetic,
        days_per_year=manifest.days_per_year,
        limits=manifest.limits,
        calendar_days=tuple((int(str(year)), int(count)) for year, count in zip(years, counts, strict=True)),
    )
