"""A plausible suite made of seeded random numbers: three years, two lags x two residualizations, two baselines."""

from dataclasses import replace
from functools import cached_property
from typing import cast

import numpy as np
import pandas as pd
import pytest

from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult, HeldBooks
from poc.reporting.verdict_types import Check, Verdict
from poc.stats.sharpe_difference import SharpeDifference
from poc.suite.config import SuiteConfig
from poc.suite.incremental import AgainstBaseline, Incremental
from poc.suite.inference import Inference
from poc.suite.leaks import HorizonIC, Leaks
from poc.suite.measure import Measure
from poc.suite.placebo import Placebo
from poc.suite.result import BaselineEvidence, Evidence, SnapshotInfo, SuiteResult
from poc.suite.trials import EarlierTrials, Trial, Trials
from tests.reporting import shown_evidence

DATES = pd.bdate_range("2015-01-02", "2017-12-29").as_unit("s")
STYLES = ("size", "value", "momentum")
SUITE = SuiteConfig(name="small", lags=(0, 1), baselines=("reversal_5d", "value", "liquidity"))


@pytest.fixture(scope="session")
def suite_result() -> SuiteResult:
    results = {
        config.key: _result(config, seed=seed, mean=0.0008 - 0.0002 * config.lag)
        for seed, config in enumerate(SUITE.variants())
    }
    baselines = {
        name: {config.key: _result(config, seed=seed, mean=0.0002) for config in SUITE.variants()}
        for seed, name in ((11, "reversal_5d"), (12, "value"))
    }
    rows = [_row("quality", "signal", result) for result in results.values()]
    rows += [_row(name, "baseline", result) for name, by_key in baselines.items() for result in by_key.values()]
    corr = (
        BaselineEvidence(name="reversal_5d", signal_corr=Measure(value=-0.03), return_corr=Measure(value=0.11)),
        BaselineEvidence(
            name="value",
            signal_corr=Measure(value=0.34),
            return_corr=Measure(status="not_run", reason="Fewer than 20 common days."),
        ),
    )
    return SuiteResult(
        config=SUITE,
        signal_name="quality",
        signal_hash="5f" * 32,
        snapshot=SnapshotInfo(
            snapshot_id="2018-01-02-US-v1",
            region="US",
            fingerprint="a7" * 32,
            first_date="2014-01-02",
            last_date="2017-12-29",
            n_days=1007,
            n_securities=586,
            synthetic=False,
            limits=("The panel has no delisted names, so its returns carry survivorship bias.",),
        ),
        warnings=("12 signals are missing; they were dropped.", "3 securities are unknown to the snapshot."),
        signal_results=results,
        baseline_results=baselines,
        skipped_baselines={"liquidity": "The snapshot has no adv column."},
        suite_summary=pd.DataFrame(rows),
        correlations=pd.DataFrame(
            [(one.name, one.signal_corr.value, one.return_corr.value) for one in corr],
            columns=["baseline", "signal_corr", "return_corr"],
        ),
        evidence=_evidence(corr),
    )


@pytest.fixture(scope="session")
def long_suite(suite_result: SuiteResult) -> SuiteResult:
    """Twenty-five years of days, and as many baselines as a suite can have."""
    dates = pd.bdate_range("1993-01-04", periods=6300).as_unit("s")
    base = suite_result.base_config()
    names = ("reversal_5d", "momentum_12_1", "value", "low_volatility", "size", "liquidity")
    return replace(
        suite_result,
        signal_results={base.key: _result(base, seed=0, mean=0.0008, dates=dates)},
        baseline_results={
            name: {base.key: _result(base, seed=seed, mean=0.0002, dates=dates)} for seed, name in enumerate(names, 20)
        },
    )


@pytest.fixture(scope="session")
def broken_suite(suite_result: SuiteResult) -> SuiteResult:
    """The base variant has failed, and no baseline was run."""
    key = suite_result.base_config().key
    summary = suite_result.suite_summary.query("kind == 'signal'").reset_index(drop=True)
    failed = summary["key"] == key
    numbers = summary.select_dtypes("number").columns.drop("lag")
    summary.loc[failed, numbers] = np.nan
    summary.loc[failed, ["status", "reason"]] = ["failed", "No day has 10 names on each side."]
    return replace(
        suite_result,
        signal_results={k: v for k, v in suite_result.signal_results.items() if k != key},
        baseline_results={},
        skipped_baselines={},
        suite_summary=summary,
        evidence=replace(
            suite_result.evidence,
            baselines=(),
            capacity=Measure.not_run(),
            stability=Measure.not_run(),
            coverage=Measure.not_run(),
        ),
    )


@pytest.fixture(scope="session")
def verdict() -> Verdict:
    return Verdict(
        color="yellow",
        rules_version="2",
        checks=(
            Check(
                name="net_sharpe",
                state="pass",
                value=1.42,
                threshold=1.0,
                sentence="Net Sharpe is 1.42; green needs more than 1.",
            ),
            Check(
                name="lag_1_retention",
                state="concern",
                value=0.45,
                threshold=0.5,
                sentence="Lag 1 keeps 45% of the net Sharpe; green needs half.",
            ),
            Check(
                name="first_day_ic",
                state="fail",
                value=0.17,
                threshold=0.15,
                sentence="The IC of the first holding day is 0.17; more than 0.15 is red.",
            ),
            Check(
                name="large_cap",
                state="not_applicable",
                value=None,
                threshold=0,
                sentence="The snapshot has no large caps.",
            ),
            Check(
                name="placebo",
                state="not_run",
                value=None,
                threshold=0.01,
                sentence="Placebo did not run: not part of this version.",
            ),
        ),
        reasons=("Lag 1 keeps 45% of the net Sharpe; green needs half.",),
    )


class _Result(BacktestResult):
    """A result without books."""

    @cached_property
    def attribution(self) -> pd.DataFrame:
        return pd.DataFrame(
            {"kind": ["name", "sector", "sector"], "id": ["10001", "10", "20"], "ret_net": [0.1, -0.02, 0.3]}
        )

    def holdings(self, *, last_day_only: bool = True) -> pd.DataFrame:  # noqa: ARG002 - there are none of any day
        return pd.DataFrame({"date": DATES[:0], "security_id": [], "weight": []})


def _result(config: BacktestConfig, *, seed: int, mean: float, dates: pd.DatetimeIndex = DATES) -> BacktestResult:
    rng = np.random.default_rng(seed)
    daily = _daily(rng, mean, dates)
    years = [("year", str(year), days) for year, days in daily.groupby(daily["date"].dt.year)]
    caps = [("cap", name, _daily(rng, mean, dates)) for name in ("Large Cap", "Mid Cap", "Small Cap")]
    ic = pd.DataFrame({"date": daily["date"], "ic": rng.normal(0.015, 0.06, len(daily))})
    fractiles = np.arange(1, 11)
    return _Result(
        config=config,
        daily_series=daily,
        summary_table=pd.DataFrame([_summary(*group) for group in [("overall", "overall", daily), *years, *caps]]),
        fractile_analysis=pd.DataFrame(
            {
                "fractile": fractiles,
                "n": 50.0,
                "ret_ann": 0.02 * fractiles + rng.normal(0, 0.01, 10),
                "resret_ann": 0.01 * fractiles,
            }
        ),
        diagnostics={
            "ledger": {
                "rows_in": 400_000,
                "rows_used": 399_000,
                "dropped": {"missing signal": 900, "beyond the calendar": 100},
            },
            "coverage": {"mean": 503.2, "min": 480, "share": 0.93},
            "carry_days": 1,
            "universe": "flagged",
            "tail_share": {"long": 0.1, "short": 0.1},
            "flat_days": 0,
            "missing_return_share": 0.0002,
            "ic": {"mean": 0.0151, "std": 0.06, "t": 5.1, "hit_rate": 0.6, "ir": 0.25, "days": len(ic)},
            "fractile_monotonicity": 0.98,
        },
        ic_series=ic,
        slice_series=pd.concat(
            [days[["date", "ret", "ret_net"]].assign(slice="cap", group=name) for _, name, days in caps]
        ),
        books=HeldBooks(panel=cast("Panel", None), held=None, shift=1, days=np.empty(0, int)),
    )


def _daily(rng: np.random.Generator, mean: float, dates: pd.DatetimeIndex = DATES) -> pd.DataFrame:
    n = len(dates)
    ret = rng.normal(mean, 0.007, n)
    turnover = rng.uniform(0.03, 0.09, n)
    cost = turnover * 4 * 0.0003
    total = np.cumsum(ret - cost)
    series = {
        "date": dates,
        "ret": ret,
        "ret_net": ret - cost,
        "resret": ret / 2,
        "ret_long": ret / 2,
        "ret_short": ret / 2,
        "cost": cost,
        "turnover": turnover,
        "cumret": np.cumsum(ret),
        "cumret_net": total,
        "drawdown": total - np.maximum.accumulate(np.maximum(total, 0)),
        "n_long": rng.integers(46, 54, n),
        "n_short": rng.integers(46, 54, n),
        "missing_return_share": 0.0,
    }
    return pd.DataFrame(series | {style: rng.normal(0.1 * k, 0.2, n) for k, style in enumerate(STYLES)})


def _summary(slice_name: str, group: str, days: pd.DataFrame) -> dict[str, object]:
    gross, net = days["ret"], days["ret_net"]
    return {
        "slice": slice_name,
        "group": group,
        "num_days": len(days),
        "invested_share": 1.0,
        "n_long": days["n_long"].mean(),
        "n_short": days["n_short"].mean(),
        "ret_ann": gross.mean() * 252,
        "ret_std": gross.std() * 252**0.5,
        "sharpe": gross.mean() / gross.std() * 252**0.5,
        "ret_net_ann": net.mean() * 252,
        "sharpe_net": net.mean() / net.std() * 252**0.5,
        "resret_ann": gross.mean() * 126,
        "sharpe_resret": gross.mean() / gross.std() * 252**0.5,
        "max_drawdown": days["drawdown"].min(),
        "turnover": days["turnover"].mean(),
        "hit_rate": (net > 0).mean(),
        "skew": net.skew(),
        "worst_month": -0.05,
        "beta": 0.02,
        **days[list(STYLES)].mean(),
    }


def _row(name: str, kind: str, result: BacktestResult) -> dict[str, object]:
    config, overall = result.config, result.overall()
    numbers = ("sharpe", "sharpe_net", "ret_ann", "ret_net_ann", "max_drawdown", "turnover")
    return {
        "name": name,
        "kind": kind,
        "key": config.key,
        "lag": config.lag,
        "residualize": config.residualize,
        "tc_model": config.tc_model,
        "weight": config.weight,
        **overall[list(numbers)],
        "coverage": 503.2,
        "ic_mean": 0.0151,
        "status": "ok",
        "reason": "",
    }


def _evidence(baselines: tuple[BaselineEvidence, ...]) -> Evidence:
    return Evidence(
        baselines=baselines,
        sharpe_differences=(
            AgainstBaseline.of(
                "reversal_5d", SharpeDifference(difference=1.1, low=0.2, high=2.0, p_value=0.02, n_days=700)
            ),
            AgainstBaseline.not_run("value", "the baseline failed"),
        ),
        spanning_alpha_ann=Measure(value=0.08),
        incremental=Incremental(ic=Measure(value=0.012), ic_t=Measure(value=3.1)),
        spanning_alpha_t=Measure(value=2.4),
        net_return_t=Measure(value=2.6),
        style_residualized_sharpe_net=Measure(value=0.9),
        without_small_caps_sharpe_net=Measure(status="not_applicable", reason="The snapshot has no small caps."),
        largest_name_share=Measure(value=0.04),
        largest_month_share=Measure(value=0.12),
        largest_sector_share=Measure(value=0.31),
        inference=Inference(
            sharpe_net_low=Measure(value=1.1),
            sharpe_net_high=Measure(value=2.9),
            net_return_p=Measure(value=0.0005),
            ic_p=Measure(value=0.004),
            probabilistic_sharpe=Measure(value=0.998),
            min_track_record=Measure(value=0.7),
        ),
        trials=Trials(
            deflated_sharpe=Measure(value=0.99),
            best_deflated_sharpe=Measure(value=0.97),
            n_trials=7,
            lucky_sharpe=Measure(value=0.61),
            earlier=EarlierTrials(
                trials=(Trial(run_id="0a" * 16, signal_hash="3c" * 32, sharpe=0.031, why="family"),), author_runs=12
            ),
        ),
        capacity=shown_evidence.capacity(),
        stability=shown_evidence.stability(),
        coverage=shown_evidence.coverage(),
        placebo=Placebo(
            p_value=Measure(value=0.01),
            coverage=Measure(value=0.93),
            sharpe_net=1.42,
            sharpes_net=(*np.random.default_rng(5).normal(0, 0.6, 198).tolist(), 1.5, None),
        ),
        leaks=Leaks(
            pre_entry_ic=Measure(value=0.01),
            survivorship_p=Measure(value=0.6),
            survivorship_rate=Measure(value=1.02),
            same_day_share=Measure(value=0.0),
            horizons=tuple(
                HorizonIC(day=day, mean=0.02 / max(day, 1), t=3.0 / max(day, 1), days=700) for day in range(-5, 22)
            ),
        ),
    )
