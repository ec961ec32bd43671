from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from poc.baselines.library import BASELINE_REGISTRY, generate_reversal_signal
from poc.data.catalog import DataCatalog
from poc.data.demo_signals import DemoSignal
from poc.engine.config import BacktestConfig
from poc.engine.wrapper import check_signal, run_backtest
from poc.errors import BacktestError, ConfigError, ContractError
from poc.reporting.files import plain
from poc.suite.capacity import Capacity
from poc.suite.config import STANDARD_SUITE, SuiteConfig
from poc.suite.coverage import Coverage
from poc.suite.evidence import evidence_variants
from poc.suite.measure import Measure
from poc.suite.result import NOT_REPORTED, SuiteResult
from poc.suite.runner import run_baselines, run_checked_suite, run_suite
from poc.suite.stability import Stability

TABLES = ("daily_series", "summary_table", "fractile_analysis", "ic_series", "slice_series", "attribution")


@pytest.fixture(scope="module")
def suite_result(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> SuiteResult:
    return run_suite(signals["real_alpha"].frame, catalog, signal_name="real_alpha", n_jobs=1)


def test_every_variant_of_the_signal_and_of_each_baseline_is_a_row(suite_result: SuiteResult) -> None:
    summary = suite_result.suite_summary
    names = ["real_alpha", "reversal_5d", "momentum_12_1", "value"]
    keys = [config.key for config in STANDARD_SUITE.variants()]
    assert list(zip(summary["name"], summary["key"], strict=True)) == [(name, key) for name in names for key in keys]
    assert list(summary["kind"]) == ["signal"] * 6 + ["baseline"] * 18
    assert set(summary["status"]) == {"ok"}
    assert list(suite_result.signal_results) == keys
    assert {name: list(results) for name, results in suite_result.baseline_results.items()} == dict.fromkeys(
        names[1:], keys
    )


def test_a_variant_is_what_run_backtest_gives(
    suite_result: SuiteResult, catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    for config in STANDARD_SUITE.variants():
        alone = run_backtest(signals["real_alpha"].frame, config, catalog)
        for table in TABLES:
            assert_frame_equal(getattr(suite_result.signal_results[config.key], table), getattr(alone, table))


def test_what_a_baseline_held_is_not_kept(suite_result: SuiteResult) -> None:
    result = suite_result.baseline_results["value"]["lag0.off.naive.equal"]
    with pytest.raises(BacktestError, match="run_backtest on the same signal and configuration"):
        result.holdings()
    with pytest.raises(BacktestError, match="not kept"):
        _ = result.attribution
    assert not suite_result.signal_results["lag0.off.naive.equal"].holdings().empty


def test_the_summary_repeats_the_results(suite_result: SuiteResult) -> None:
    row = suite_result.suite_summary.iloc[4]
    result = suite_result.signal_results[row["key"]]
    for name in ("sharpe", "sharpe_net", "ret_ann", "ret_net_ann", "max_drawdown", "turnover"):
        assert row[name] == result.overall()[name]
    assert row["coverage"] == result.diagnostics["coverage"]["mean"]
    assert row["ic_mean"] == result.diagnostics["ic"]["mean"]


def test_the_result_is_the_same_for_any_number_of_workers(
    suite_result: SuiteResult, catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    other = run_suite(signals["real_alpha"].frame, catalog, signal_name="real_alpha", n_jobs=3)
    assert_same(other, suite_result)


def assert_same(result: SuiteResult, expected: SuiteResult) -> None:
    assert_frame_equal(result.suite_summary, expected.suite_summary, check_exact=True)
    assert plain(result.evidence) == plain(expected.evidence)
    assert result.signal_hash == expected.signal_hash
    for key, own in expected.signal_results.items():
        for table in TABLES:
            assert_frame_equal(getattr(result.signal_results[key], table), getattr(own, table), check_exact=True)


def test_a_baseline_runs_on_the_signals_days_only(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    frame = signals["real_alpha"].frame
    days = np.sort(frame["date_sig"].unique())
    middle = frame[(frame["date_sig"] >= days[300]) & (frame["date_sig"] <= days[400])]
    result = run_suite(middle, catalog, n_jobs=1)
    own = result.signal_results["lag0.off.naive.equal"].daily_series["date"]
    for results in result.baseline_results.values():
        dates = results["lag0.off.naive.equal"].daily_series["date"]
        assert dates.min() >= own.min()
        assert dates.max() <= own.max()


def test_a_baseline_against_itself_is_recognised(catalog: DataCatalog) -> None:
    result = run_suite(generate_reversal_signal(catalog), catalog, n_jobs=1)
    assert result.evidence.is_baseline == "reversal_5d"
    correlations = result.correlations.set_index("baseline")
    assert correlations.loc["reversal_5d", "signal_corr"] == pytest.approx(1, abs=1e-12)
    assert correlations.loc["reversal_5d", "return_corr"] == pytest.approx(1, abs=1e-9)


def test_correlations_agree_with_plain_pandas(
    suite_result: SuiteResult, catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    base = suite_result.signal_results["lag0.off.naive.equal"]
    value = suite_result.baseline_results["value"]["lag0.off.naive.equal"]
    own = base.daily_series.set_index("date")["ret"]
    other = value.daily_series.set_index("date")["ret"]
    row = suite_result.correlations.set_index("baseline").loc["value"]
    assert row["return_corr"] == pytest.approx(own.corr(other), abs=1e-12)

    both = signals["real_alpha"].frame.merge(
        BASELINE_REGISTRY["value"].generate(catalog), on=["security_id", "date_avail"], suffixes=("", "_value")
    )
    flags = catalog.get_universefile()
    assert flags is not None
    flagged = flags[flags["universe_flag"] == 1].rename(columns={"date": "date_avail"})
    for frame in (both, flagged):
        frame["date_avail"] = frame["date_avail"].astype("datetime64[s]")
    both = both.merge(flagged, on=["security_id", "date_avail"])
    days = [day.date() for day in catalog.get_datefile()["date"].astype("datetime64[s]")]
    formed = {days[i - 1] for i in range(1, len(days)) if days[i] in set(base.daily_series["date"].dt.date)}
    daily = [
        group["signal"].corr(group["signal_value"], method="spearman")
        for _, group in both.groupby("date_avail")
        if group["date_avail"].iloc[0].date() in formed and len(group) >= 20
    ]
    assert row["signal_corr"] == pytest.approx(np.mean(daily), abs=1e-9)


def test_a_failed_variant_is_a_row_with_its_reason(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    suite = replace(STANDARD_SUITE, base=BacktestConfig(mincos=150))
    result = run_suite(signals["real_alpha"].frame, catalog, suite, n_jobs=1)
    assert len(result.suite_summary) == 24
    assert set(result.suite_summary["status"]) == {"failed"}
    assert result.suite_summary["reason"].str.contains("never invested").all()
    assert result.suite_summary["sharpe"].isna().all()
    assert result.signal_results == {}
    assert result.evidence.net_return_t.status == "not_run"
    assert {b.signal_corr.status for b in result.evidence.baselines} == {"not_run"}


def test_without_baselines_the_evidence_says_that_none_was_run(
    catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    result = run_suite(signals["real_alpha"].frame, catalog, include_baselines=False, n_jobs=1)
    assert result.baseline_results == {}
    assert result.correlations.empty
    assert result.evidence.spanning_alpha_t.status == "not_run"
    assert result.evidence.spanning_alpha_t.reason == "no baseline was run"


def test_progress_counts_every_variant(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    seen: list[tuple[str, int, int]] = []
    suite = SuiteConfig(name="small", lags=(0,), residualize=("off",), baselines=("value",), placebos=0)
    run_suite(
        signals["noise"].frame,
        catalog,
        suite,
        n_jobs=2,
        progress=lambda what, done, all_: seen.append((what, done, all_)),
    )
    assert [(done, total) for _, done, total in seen] == [(done, 11) for done in range(1, 12)]


def test_bad_input_is_refused(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    frame = signals["noise"].frame
    with pytest.raises(ContractError, match="signal"):
        run_suite(frame.drop(columns="signal"), catalog)
    with pytest.raises(ConfigError, match=r"baselines=\['moon'\] are not allowed; allowed: reversal_5d"):
        run_suite(frame, catalog, SuiteConfig(name="mine", baselines=("moon",)))


def test_a_position_signal_is_run_beside_ranked_baselines(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    frame = signals["noise"].frame.assign(signal=lambda f: np.sign(f["signal"].where(f["signal"].abs() > 1, 0.0)))
    suite = SuiteConfig(name="positions", base=BacktestConfig(input_type="position"), residualize=("off",))
    result = run_suite(frame, catalog, suite, n_jobs=1)
    assert set(result.suite_summary["status"]) == {"ok"}
    assert result.evidence.style_residualized_sharpe_net.status == "not_applicable"


def test_frames_in_pandas_and_polars_give_the_same(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    frame = signals["noise"].frame
    suite = SuiteConfig(name="one", lags=(0,), residualize=("off",), baselines=())
    left = run_suite(frame, catalog, suite, n_jobs=1)
    right = run_suite(pl.from_pandas(frame.sample(frac=1, random_state=1)), catalog, suite, n_jobs=1)
    assert left.signal_hash == right.signal_hash
    pd.testing.assert_frame_equal(left.suite_summary, right.suite_summary, check_exact=True)


def test_baselines_run_once_serve_every_signal_of_the_same_days(
    suite_result: SuiteResult, catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    noise = check_signal(signals["noise"].frame, STANDARD_SUITE.base, catalog)
    runs = run_baselines(noise, catalog, STANDARD_SUITE, n_jobs=1)

    def reused(frame: pd.DataFrame) -> SuiteResult:
        return run_checked_suite(
            check_signal(frame, STANDARD_SUITE.base, catalog),
            catalog,
            STANDARD_SUITE,
            include_baselines=True,
            n_jobs=1,
            signal_name="real_alpha",
            progress=None,
            baseline_runs=runs,
        )

    frame = signals["real_alpha"].frame
    assert_same(reused(frame), suite_result)
    with pytest.raises(ConfigError, match="another snapshot, suite or span of days"):
        reused(frame[frame["date_sig"] < frame["date_sig"].max() - pd.Timedelta(days=30)])


def test_what_is_shown_and_not_judged_is_gathered_beside_the_grid(
    suite_result: SuiteResult, catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    evidence, base = suite_result.evidence, suite_result.base_config()
    assert isinstance(evidence.capacity, Capacity)
    assert isinstance(evidence.stability, Stability)
    assert isinstance(evidence.coverage, Coverage)
    frame = signals["real_alpha"].frame
    impact = run_backtest(frame, replace(base, tc_model="power_law", gmv=1e8), catalog).overall()
    point = evidence.capacity.curve.query("gmv == 1e8 and coefficient == 1").iloc[0]
    assert point["sharpe_net"] == pytest.approx(impact["sharpe_net"])
    wide = run_backtest(frame, replace(base, fractile=(20, 80), weight="value"), catalog).overall()
    cell = evidence.stability.neighbourhood.query("fractile == 20 and weight == 'value'").iloc[0]
    assert cell["sharpe_net"] == wide["sharpe_net"]
    sectors = run_backtest(frame, replace(base, slices=("overall", "sector")), catalog).summary_table
    assert_frame_equal(evidence.stability.sectors, sectors.iloc[1:].reset_index(drop=True))
    assert evidence.stability.liquid_half_sharpe_net.status == "ok"
    assert evidence.coverage.half_life.status == "ok"


def test_a_suite_may_leave_it_out(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    suite = SuiteConfig(name="fast", lags=(0,), residualize=("off",), baselines=(), placebos=0, report_evidence=False)
    evidence = run_suite(signals["noise"].frame, catalog, suite, n_jobs=1).evidence
    assert evidence.capacity == evidence.stability == evidence.coverage == NOT_REPORTED


def test_without_a_base_variant_it_is_not_run(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    suite = SuiteConfig(name="bare", base=BacktestConfig(mincos=1000), baselines=(), placebos=0)
    evidence = run_suite(signals["noise"].frame, catalog, suite, n_jobs=1).evidence
    assert evidence.capacity == evidence.stability == evidence.coverage == Measure.not_run("the base variant failed")


def test_without_small_caps_the_fewest_names_are_those_of_a_slice(catalog: DataCatalog) -> None:
    few = evidence_variants(BacktestConfig(mincos=30, slice_mincos=7), catalog.panel)["without_small_caps"]
    assert (few.caps, few.mincos) == ((1, 2), 7)
    assert evidence_variants(BacktestConfig(mincos=3), catalog.panel)["without_small_caps"].mincos == 3
