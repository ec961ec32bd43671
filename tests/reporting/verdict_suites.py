"""Suites on either side of a rule of the verdict."""

from dataclasses import replace
from typing import Any, cast

import pandas as pd

from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult, HeldBooks
from poc.reporting import verdict as rules
from poc.reporting.verdict import Check, Thresholds, Verdict, compute_verdict
from poc.suite.config import STANDARD_SUITE, SuiteConfig
from poc.suite.incremental import Incremental
from poc.suite.inference import Inference
from poc.suite.leaks import Leaks
from poc.suite.measure import Measure
from poc.suite.placebo import Placebo
from poc.suite.result import BaselineEvidence, Evidence, SnapshotInfo, SuiteResult
from poc.suite.trials import Trials

NOT_RUN = Measure(status="not_run", reason="it broke.")
NOT_APPLICABLE = Measure(status="not_applicable", reason="there is nothing to measure")
EVIDENCE = Evidence(
    baselines=tuple(
        BaselineEvidence(name=name, signal_corr=Measure(value=0.1), return_corr=Measure(value=-0.2))
        for name in STANDARD_SUITE.baselines
    ),
    spanning_alpha_ann=Measure(value=0.1),
    incremental=Incremental(ic=Measure(value=0.012), ic_t=Measure(value=3.1)),
    spanning_alpha_t=Measure(value=4.0),
    net_return_t=Measure(value=5.0),
    style_residualized_sharpe_net=Measure(value=1.8),
    without_small_caps_sharpe_net=Measure(value=1.6),
    largest_name_share=Measure(value=0.05, reason="10023"),
    largest_month_share=Measure(value=0.1, reason="2012-03"),
    largest_sector_share=Measure(value=0.3, reason="45"),
    inference=Inference(
        sharpe_net_low=Measure(value=1.1),
        sharpe_net_high=Measure(value=2.9),
        net_return_p=Measure(value=0.0005),
        ic_p=Measure(value=0.004),
        probabilistic_sharpe=Measure(value=0.998),
        min_track_record=Measure(value=0.7),
    ),
    trials=Trials(deflated_sharpe=Measure(value=0.99)),
    placebo=Placebo(p_value=Measure(value=0.005), coverage=Measure(value=0.9)),
    leaks=Leaks(
        pre_entry_ic=Measure(value=0.01),
        survivorship_p=Measure(value=0.6),
        survivorship_rate=Measure(value=1.02),
        same_day_share=Measure(value=0.0),
    ),
)
YEARS = tuple((year, 252, 0.1) for year in range(2010, 2020))
CALENDAR = tuple((year, 252) for year in range(2010, 2020))


def make_result(
    config: BacktestConfig,
    *,
    sharpe: float,
    turnover: float = 0.1,
    ic: tuple[float, float] = (0.03, 6.0),
    years: tuple[tuple[int, int, float], ...] = YEARS,
    large_cap: tuple[int, float, float] = (2520, 1.0, 0.8),
) -> BacktestResult:
    """`years` holds (year, days, net return); `large_cap` holds days, invested share and net Sharpe ratio."""
    rows: list[dict[str, Any]] = [{"slice": "overall", "group": "overall", "num_days": 2520, "sharpe_net": sharpe}]
    if "year" in config.slices:
        rows += [{"slice": "year", "group": str(y), "num_days": n, "ret_net_ann": ret} for y, n, ret in years]
    if "cap" in config.slices:
        days, share, large_sharpe = large_cap
        rows += [{"slice": "cap", "group": group, "num_days": 0} for group in ("Mid Cap", "Small Cap")]
        large = {"slice": "cap", "group": "Large Cap", "num_days": days, "invested_share": share}
        rows.insert(-2, large | {"sharpe_net": large_sharpe})
    empty = pd.DataFrame()
    return BacktestResult(
        config=config,
        daily_series=empty,
        summary_table=pd.DataFrame(rows).assign(turnover=turnover),
        fractile_analysis=empty,
        diagnostics={"ic": {"mean": ic[0], "t": ic[1]}},
        ic_series=empty,
        slice_series=empty,
        books=cast("HeldBooks", None),  # no rule reads them
    )


def make_suite(
    *,
    sharpe: float = 2.0,
    others: dict[tuple[int, str], float] | None = None,
    failed: dict[tuple[int, str], str] | None = None,
    config: SuiteConfig = STANDARD_SUITE,
    calendar: tuple[tuple[int, int], ...] = CALENDAR,
    skipped: dict[str, str] | None = None,
    evidence: dict[str, Any] | None = None,
    **base: Any,
) -> SuiteResult:
    """A suite that is green but for what is changed: `others` are the net Sharpe ratios of other variants."""
    sharpes = {(c.lag, c.residualize): 0.8 * sharpe for c in config.variants()} | {(0, "off"): sharpe} | (others or {})
    results, summary = {}, []
    for variant in config.variants():
        place = (variant.lag, variant.residualize)
        reason = (failed or {}).get(place, "")
        if not reason:
            results[variant.key] = make_result(variant, sharpe=sharpes[place], **(base if place == (0, "off") else {}))
        summary.append({"kind": "signal", "lag": place[0], "residualize": place[1], "reason": reason})
    return SuiteResult(
        config=config,
        signal_name="test",
        signal_hash="0",
        snapshot=SnapshotInfo(
            snapshot_id="S",
            region="US",
            fingerprint="0",
            first_date="2010-01-04",
            last_date="2019-12-31",
            n_days=2520,
            n_securities=500,
            synthetic=True,
            calendar_days=calendar,
        ),
        warnings=(),
        signal_results=results,
        baseline_results={},
        skipped_baselines=skipped or {},
        suite_summary=pd.DataFrame(summary),
        correlations=pd.DataFrame(),
        evidence=replace(EVIDENCE, **(evidence or {})),
    )


def check_of(name: str, *, thresholds: Thresholds = rules.STANDARD_THRESHOLDS, **changes: Any) -> Check:
    verdict = compute_verdict(make_suite(**changes), thresholds)
    return next(check for check in verdict.checks if check.name == name)


def with_baseline(name: str, **measures: Any) -> dict[str, Any]:
    return {"baselines": tuple(replace(b, **measures) if b.name == name else b for b in EVIDENCE.baselines)}


def check_names(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks]
