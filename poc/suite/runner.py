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
from poc.contract.schema import ValidationResult
from poc.data.catalog import DataCatalog
from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.placing import PlacedSignal, place_signal
from poc.engine.result import BacktestResult
from poc.engine.wrapper import check_signal
from poc.errors import BacktestError, ConfigError
from poc.suite.capacity import gather_capacity
from poc.suite.config import STANDARD_SUITE, SuiteConfig
from poc.suite.coverage import gather_coverage
from poc.suite.evidence import compare_sharpes, correlations_table, evidence_variants, gather_evidence
from poc.suite.grid import (
    EVIDENCE,
    LIQUID,
    Outcome,
    Source,
    formation_span,
    group_variants,
    place_baseline,
    run_group,
    summary_row,
)
from poc.suite.incremental import Overlap, find_overlap
from poc.suite.inference import measure_inference
from poc.suite.leaks import measure_leaks
from poc.suite.measure import Measure
from poc.suite.placebo import Placebo, measure_placebos
from poc.suite.result import SnapshotInfo, SuiteResult
from poc.suite.stability import gather_stability, overall_only, stability_variants
from poc.suite.trials import EarlierTrials, with_trials

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class BaselineRuns:
    """A suite's baselines, run once for all signals of the same snapshot, suite and days.

    Attributes:
        made_for: the snapshot's fingerprint, the suite, and the first and last formation day (None: there is none).
    """

    made_for: tuple[str, SuiteConfig, tuple[int, int] | None]
    sources: tuple[Source, ...]
    outcomes: tuple[Outcome, ...]


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
    threads = effective_n_jobs(n_jobs)
    own = place_signal(checked.rows, catalog.panel, base, keys=checked.keys, threads=threads)
    signal = Source(name=signal_name, kind="signal", placed=own, ledger=checked.ledger)
    names = suite_config.baselines if include_baselines else ()
    ran = _fitting(baseline_runs, own, catalog, suite_config)
    placements = () if ran else _placements(own, catalog, suite_config, names)
    # The same threads to the end: what new ones allocate they keep, beside what the others have kept.
    with Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator") as workers:
        own_hash, *placed = workers([delayed(signal_hash)(checked.rows), *placements])
        baselines: tuple[Source, ...] = ran.sources if ran else tuple(placed)
        there = {source.name: source.placed for source in baselines if source.placed is not None}
        skipped = {source.name: source.reason for source in baselines if source.placed is None}
        baseline_names = [source.name for source in baselines]
        overlap = _find_overlap(own, there, catalog.panel, base, threads=threads)

        to_run = () if ran else baselines
        jobs = [(source, group) for source in to_run for group in group_variants(suite_config.variants())]
        jobs += _own_jobs(signal, suite_config, catalog.panel)
        # Then a job is the last that knows its baseline, and memory falls as jobs end.
        del placed, baselines, there, to_run
        outcomes = [*_run(jobs, catalog, workers, progress), *(ran.outcomes if ran else ())]
        outcomes.sort(key=lambda outcome: outcome.kind == "baseline")  # the signal's own come first in every table
        signal_results = _results(outcomes, signal_name, "signal")
        baseline_results = {name: _results(outcomes, name, "baseline") for name in baseline_names}
        base_result = signal_results.get(base.key)
        against = {name: results.get(base.key) for name, results in baseline_results.items()}
        # Alone, for it takes every core by itself, and much memory.
        leaks = measure_leaks(checked.rows, own, base_result, catalog.panel, base, n_jobs=n_jobs)
        measures = _measures(own, outcomes, catalog.panel, suite_config)
        compare = (delayed(compare_sharpes)(name, base_result, other, catalog.panel) for name, other in against.items())
        measured = list(workers([*measures.values(), *compare]))
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
        leaks=leaks,
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
        suite_summary=pd.DataFrame([summary_row(o) for o in outcomes if o.kind in ("signal", "baseline")]),
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
    own = place_signal(checked.rows, catalog.panel, suite_config.base_variant(), keys=checked.keys)
    workers = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    sources = tuple(workers(_placements(own, catalog, suite_config, suite_config.baselines)))
    groups = group_variants(suite_config.variants())
    batches = workers(delayed(run_group)(source, group, catalog) for source in sources for group in groups)
    return BaselineRuns(
        made_for=(catalog.fingerprint, suite_config, formation_span(own, catalog.panel)),
        sources=sources,
        outcomes=tuple(outcome for batch in batches for outcome in batch),
    )


def _fitting(
    runs: BaselineRuns | None, own: PlacedSignal, catalog: DataCatalog, suite_config: SuiteConfig
) -> BaselineRuns | None:
    needed = (catalog.fingerprint, suite_config, formation_span(own, catalog.panel))
    if runs is not None and runs.made_for != needed:
        raise ConfigError("baseline_runs were made for another snapshot, suite or span of days; call run_baselines.")
    return runs


def _find_overlap(
    own: PlacedSignal, baselines: dict[str, PlacedSignal], panel: Panel, base: BacktestConfig, *, threads: int
) -> Overlap | None:
    """None where the snapshot lacks what the base variant needs; then that fails, and says why."""
    try:
        return find_overlap(own, baselines, panel, base, threads=threads)
    except BacktestError:
        return None


def _own_jobs(signal: Source, suite_config: SuiteConfig, panel: Panel) -> list[tuple[Source, list[BacktestConfig]]]:
    """The grid, the backtests that the verdict asks for, and those behind what is shown and not judged."""
    base, evidence = suite_config.base_variant(), replace(signal, kind=EVIDENCE)
    jobs = [(signal, group) for group in group_variants(suite_config.variants())]
    jobs += [(evidence, [variant]) for variant in evidence_variants(base, panel).values()]
    if suite_config.report_evidence:
        jobs += [(evidence, [variant]) for variant in stability_variants(base, panel)]
        jobs.append((replace(signal, kind=LIQUID), [overall_only(base)]))
    return jobs


def _run(
    jobs: list[tuple[Source, list[BacktestConfig]]], catalog: DataCatalog, workers: Parallel, progress: Progress | None
) -> list[Outcome]:
    """The outcomes of all jobs, in order. The list of jobs is emptied."""
    total = sum(len(group) for _, group in jobs)
    outcomes: list[Outcome] = []
    for batch in workers(delayed(run_group)(*jobs.pop(0), catalog) for _ in range(len(jobs))):
        outcomes += batch
        if progress is not None:
            progress(f"{batch[0].name} {batch[0].config.residualize}", len(outcomes), total)
    return outcomes


def _measures(own: PlacedSignal, outcomes: list[Outcome], panel: Panel, suite_config: SuiteConfig) -> dict[str, Any]:
    """Jobs that measure the base variant, by the field of the evidence that holds what they find."""
    base = suite_config.base_variant()
    result = next((o.result for o in outcomes if (o.kind, o.config) == ("signal", base)), None)
    variants = {o.config.key: o.result for o in outcomes if o.result is not None and o.kind == EVIDENCE}
    liquid = next((o.result for o in outcomes if o.kind == LIQUID), None)
    jobs = {"inference": delayed(measure_inference)(result, panel.days_per_year)}
    if not suite_config.report_evidence:
        return jobs
    if result is None:
        return jobs | {name: delayed(Measure.not_run)() for name in ("capacity", "coverage", "stability")}
    return jobs | {
        "stability": delayed(gather_stability)(result, variants, liquid, panel),
        "coverage": delayed(gather_coverage)(result, own, panel),
        "capacity": delayed(gather_capacity)(result, panel),
    }


def _refuse_unknown_baselines(suite_config: SuiteConfig) -> None:
    unknown = sorted(set(suite_config.baselines) - set(BASELINE_REGISTRY))
    if unknown:
        raise ConfigError(f"baselines={unknown} are not allowed; allowed: {', '.join(BASELINE_REGISTRY)}.")


def _placements(own: PlacedSignal, catalog: DataCatalog, suite_config: SuiteConfig, names: tuple[str, ...]) -> Any:
    """Jobs that place each baseline."""
    return (delayed(place_baseline)(name, own, suite_config.base_variant(), catalog) for name in names)


def _results(outcomes: list[Outcome], name: str, kind: str) -> dict[str, BacktestResult]:
    """The variants that succeeded, by the key of the grid's configuration, in grid order."""
    return {o.config.key: o.result for o in outcomes if o.result is not None and (o.name, o.kind) == (name, kind)}


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
