"""The evidence that the verdict is judged on, beyond the grid of variants."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult
from poc.stats.concentration import largest_share
from poc.stats.newey_west import newey_west_t, spanning_regression
from poc.stats.sharpe_difference import sharpe_difference
from poc.suite.incremental import LEAST_NAMES, AgainstBaseline, Overlap, measure_incremental
from poc.suite.inference import Inference
from poc.suite.leaks import Leaks
from poc.suite.measure import Measure
from poc.suite.placebo import Placebo
from poc.suite.result import BaselineEvidence, Evidence
from poc.suite.trials import UNKNOWN, Trials

LEAST_DAYS = 20
SAME_RANKING = 0.9999
"""Rank correlation from which a signal is the baseline itself, a rounded copy included."""

NOT_COMPUTED = Measure.not_run("it is not computed yet")

Results = Mapping[str, BacktestResult | None]


def evidence_variants(base: BacktestConfig, panel: Panel) -> dict[str, BacktestConfig]:
    """Variants outside the grid that the verdict asks for, by what they show."""
    variants = {}
    if base.input_type == "value" and panel.style_names:
        variants["style_residualized"] = replace(base, residualize="factor")
    if base.caps is None:  # a part of the universe, so with the fewest names of a slice
        variants["without_small_caps"] = replace(base, caps=(1, 2), mincos=min(base.mincos, base.slice_mincos))
    return variants


def gather_evidence(
    own_results: Results,
    baseline_results: Results,
    overlap: Overlap | None,
    panel: Panel,
    base: BacktestConfig,
) -> Evidence:
    """Measure what the verdict needs and takes no time; the rest (`inference`, `leaks`, `placebo`) is left to others.

    Args:
        own_results: the signal's results by key, those of `evidence_variants` too.
        baseline_results: each baseline's result for the base variant, None where it failed or was skipped.
        overlap: of the signal with the baselines that were not skipped; None where the base variant failed.
    """
    result = own_results[base.key]
    near = tuple(
        BaselineEvidence(
            name=name,
            signal_corr=_signal_correlation(overlap, name, result),
            return_corr=_return_correlation(result, baseline_results[name]),
        )
        for name in baseline_results
    )
    variants = evidence_variants(base, panel)
    alpha, alpha_t = _spanning(result, baseline_results, panel)
    return Evidence(
        baselines=near,
        is_baseline=next((b.name for b in near if (b.signal_corr.value or 0) >= SAME_RANKING), None),
        spanning_alpha_ann=alpha,
        spanning_alpha_t=alpha_t,
        incremental=measure_incremental(overlap, baseline_results, result, panel),
        net_return_t=Measure.not_run() if result is None else Measure.of(newey_west_t(result.daily_series["ret_net"])),
        style_residualized_sharpe_net=_net_sharpe(
            own_results,
            variants.get("style_residualized"),
            "there are no styles, or no value to take them out of",
        ),
        without_small_caps_sharpe_net=_net_sharpe(
            own_results, variants.get("without_small_caps"), "the run is limited to chosen cap buckets"
        ),
        largest_name_share=_share(result, "name"),
        largest_month_share=_share(result, "month"),
        largest_sector_share=_share(result, "sector"),
        inference=Inference.not_run(),
        trials=Trials(deflated_sharpe=UNKNOWN),
        placebo=Placebo.not_run("it is not computed yet"),
        leaks=Leaks.not_run("it is not computed yet"),
    )


def correlations_table(evidence: Evidence) -> pd.DataFrame:
    """`baseline, signal_corr, return_corr`; NaN where one was not run."""
    rows = [(b.name, b.signal_corr.value, b.return_corr.value) for b in evidence.baselines]
    table = pd.DataFrame(rows, columns=["baseline", "signal_corr", "return_corr"])
    return table.astype({"signal_corr": float, "return_corr": float})


def _signal_correlation(overlap: Overlap | None, baseline: str, result: BacktestResult | None) -> Measure:
    """Mean over formation days of the Spearman correlation, over names eligible in the run with live values of both."""
    if overlap is None or result is None:
        return Measure.not_run()
    if baseline not in overlap.baselines:
        return Measure.not_run("the baseline was skipped")
    daily = overlap.baselines[baseline]
    daily = daily[result.books.days - result.books.shift]
    daily = daily[~np.isnan(daily)]
    if len(daily) < LEAST_DAYS:
        return Measure.not_run(f"only {len(daily)} days have {LEAST_NAMES} names with both, {LEAST_DAYS} are needed")
    return Measure.of(daily.mean())


def _common_days(results: list[BacktestResult], column: str) -> pd.DataFrame:
    """One column a result over the days that all series span; a day that one of them lacks counts as flat, 0."""
    series = [r.daily_series.set_index("date")[column] for r in results]
    first, last = max(s.index[0] for s in series), min(s.index[-1] for s in series)
    return pd.concat(series, axis=1, keys=range(len(series)), sort=True).loc[first:last].fillna(0.0)


def _return_correlation(result: BacktestResult | None, baseline: BacktestResult | None) -> Measure:
    if result is None or baseline is None:
        return Measure.not_run("the base variant failed" if result is None else "the baseline failed")
    both = _common_days([result, baseline], "ret").to_numpy()
    if len(both) < LEAST_DAYS:
        return Measure.not_run(f"only {len(both)} days in common, {LEAST_DAYS} are needed")
    deviations = both - both.mean(axis=0)
    scale = np.sqrt((deviations**2).sum(axis=0).prod())
    return Measure.of((deviations.prod(axis=1).sum() / scale) if scale > 0 else np.nan)


def _spanning(result: BacktestResult | None, baseline_results: Results, panel: Panel) -> tuple[Measure, Measure]:
    """Annual alpha and its t: the signal's net return explained by the baselines' gross returns."""
    failed = [name for name, baseline in baseline_results.items() if baseline is None]
    there = [baseline for baseline in baseline_results.values() if baseline is not None]
    if result is None or failed or not there:
        reason = "the base variant failed" if result is None else "no baseline was run"
        missing = Measure.not_run(f"these baselines were not run: {', '.join(failed)}" if failed else reason)
        return missing, missing
    net = _common_days([result, *there], "ret_net")[0]
    gross = _common_days([result, *there], "ret")
    spanning = spanning_regression(net, gross.drop(columns=0))
    return Measure.of(spanning.alpha * panel.days_per_year), Measure.of(spanning.alpha_t)


def compare_sharpes(
    name: str, result: BacktestResult | None, baseline: BacktestResult | None, panel: Panel
) -> AgainstBaseline:
    """The paired bootstrap of the difference of net Sharpe ratios from a baseline's, on the common days.

    Args:
        name: of the baseline.
        result: of the base variant, None where it failed.
        baseline: the baseline's, None where it failed or was skipped.
        panel: the data.
    """
    if result is None or baseline is None:
        return AgainstBaseline.not_run(name, "the base variant failed" if result is None else "the baseline failed")
    both = _common_days([result, baseline], "ret_net").to_numpy()
    return AgainstBaseline.of(name, sharpe_difference(both[:, 0], both[:, 1], days_per_year=panel.days_per_year))


def _net_sharpe(results: Results, config: BacktestConfig | None, why_not: str) -> Measure:
    if config is None:
        return Measure.not_applicable(why_not)
    result = results.get(config.key)
    return Measure.not_run("the variant failed") if result is None else Measure.of(result.overall()["sharpe_net"])


def _share(result: BacktestResult | None, kind: str) -> Measure:
    """Largest share of the total net return."""
    if result is None:
        return Measure.not_run()
    parts = result.attribution.loc[result.attribution["kind"] == kind]
    if kind == "sector" and set(parts["id"]) <= {"unknown"}:
        return Measure.not_applicable("the snapshot has no sectors")
    share = largest_share(parts["ret_net"])
    if share.index is None or not np.isfinite(share.share):
        return Measure.not_applicable("the total net return is not positive")
    return Measure(value=share.share, reason=str(parts["id"].iloc[share.index]))
