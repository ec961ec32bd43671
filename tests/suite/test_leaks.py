"""Leak probes against plain loops, and on signals that are known to leak."""

from bisect import bisect_right
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import spearmanr
from statsmodels.duration.survfunc import survdiff

from poc.contract.schema import ValidationResult
from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.data.demo_signals import DemoSignal
from poc.engine.config import BacktestConfig
from poc.engine.placing import place_signal
from poc.engine.wrapper import check_signal, run_backtest
from poc.suite.config import SuiteConfig
from poc.suite.leaks import WATCHED_DAYS, Leaks, measure_leaks
from poc.suite.runner import run_suite
from tests.reference.market import Market
from tests.reference.random_panels import Kind, PanelShape, random_signal, random_source
from tests.reference.timeline import formation_day, live_signals

SHAPE = PanelShape(seed=4)


@pytest.fixture(scope="module")
def ragged(tmp_path_factory: pytest.TempPathFactory) -> DataCatalog:
    folder = tmp_path_factory.mktemp("ragged")
    create_snapshot_from_existing(random_source(SHAPE).write(folder / "source"), "ragged", folder)
    return DataCatalog("ragged", root=folder)


def probe(frame: pd.DataFrame, catalog: DataCatalog, config: BacktestConfig, *, n_jobs: int = 1) -> Leaks:
    checked: ValidationResult = check_signal(frame, config, catalog)
    own = place_signal(checked.rows, catalog.panel, config)
    result = run_backtest(frame, config, catalog)
    return measure_leaks(checked.rows, own, result, catalog.panel, config, n_jobs=n_jobs)


def eligible(frame: pd.DataFrame, market: Market, config: BacktestConfig) -> dict[int, dict[Any, float]]:
    """Information day -> security -> live signal of the names that can be traded."""
    live = live_signals(frame, market, config).by_day
    found = {}
    for formation, signals in enumerate(live):
        day = formation - config.from_open
        flags = {s for s, flag in market.seen("universe_flag", day, 0).items() if flag == 1}
        delisted = set(market.seen("delist_ret", day, 0)) if day >= 0 else set()
        names = (market.rows(day) & flags) - delisted
        found[day] = {s: value for s, value in signals.items() if s in names}
    return found


def mean_ic(pairs: list[list[tuple[float, float]]]) -> tuple[float, int]:
    """Mean of the daily rank correlations over days with ten names, and their number."""
    daily = []
    for pair in pairs:
        x, y = [a for a, _ in pair], [b for _, b in pair]
        if len(pair) >= 10 and len(set(x)) > 1 and len(set(y)) > 1:
            daily.append(spearmanr(x, y).statistic)
    return float(np.mean(daily)), len(daily)


@pytest.mark.parametrize("from_open", [False, True])
@pytest.mark.parametrize("kind", ["value", "ties"])
def test_horizons_equal_a_loop(kind: Kind, from_open: bool, ragged: DataCatalog) -> None:
    config = BacktestConfig(mincos=3, from_open=from_open)
    frame, market = random_signal(SHAPE, kind), Market(ragged)
    names, column = eligible(frame, market, config), "openret" if from_open else "ret"
    result = run_backtest(frame, config, ragged)
    days = [market.calendar.index(day) - 1 for day in result.ic_series["date"]]
    found = {ic.day: ic for ic in probe(frame, ragged, config).horizons}
    assert list(found) == list(range(-5, 22))
    for shift in (-5, 0, 1, 2, 21):
        pairs = []
        for day in days:
            later = market.returns(column, day + shift) if 0 <= day + shift < len(market.days) else {}
            pairs.append([(value, later[s]) for s, value in names[day].items() if s in later])
        mean, n_days = mean_ic(pairs)
        assert found[shift].mean == pytest.approx(mean, abs=1e-12)
        assert found[shift].days == n_days > 20
    assert found[1].mean == pytest.approx(result.diagnostics["ic"]["mean"], abs=1e-15)
    assert found[1].t == pytest.approx(result.diagnostics["ic"]["t"], abs=1e-12)


@pytest.mark.parametrize(("kind", "from_open"), [("value", False), ("value", True), ("weekly", False)])
def test_the_ic_before_entry_equals_a_loop(kind: Kind, from_open: bool, ragged: DataCatalog) -> None:
    config = BacktestConfig(mincos=3, from_open=from_open)
    frame, market = random_signal(SHAPE, kind), Market(ragged)
    if from_open:  # a row that is known in time for the open of the next day has no return before entry
        frame = frame.assign(date_avail=frame["date_sig"] + pd.Timedelta(days=3))
    names, column = eligible(frame, market, config), "openret" if from_open else "ret"
    entering: dict[tuple[int, Any], dict[Any, Any]] = {}
    days = {name: frame[name].to_numpy("datetime64[D]").tolist() for name in ("date_sig", "date_avail")}
    for row in frame.assign(**days).dropna(subset="signal").sort_values("date_sig", kind="stable").to_dict("records"):
        if market.days[0] <= row["date_avail"] <= market.days[-1]:
            entering[formation_day(row, market, from_open=from_open), row["security_id"]] = row
    result = run_backtest(frame, config, ragged)
    pairs = []
    lengths = set()
    for day in [market.calendar.index(day) - 1 for day in result.ic_series["date"]]:
        pair = []
        for security, value in names[day].items():
            entered = entering.get((day + from_open, security))
            if entered is None or entered["signal"] != value:
                continue
            window = range(bisect_right(market.days, entered["date_sig"]), day + 1)
            returns = [market.returns(column, d).get(security) for d in window]
            if window.start > 0 and 1 <= len(window) <= 3 and None not in returns:
                lengths.add(len(window))
                pair.append((value, float(np.prod([1 + r for r in returns if r is not None]) - 1)))
        pairs.append(pair)
    assert lengths >= ({1} if kind == "weekly" else {1, 2})
    mean, _ = mean_ic(pairs)
    assert probe(frame, ragged, config).pre_entry_ic.value == pytest.approx(mean, abs=1e-12)


def test_a_signal_that_holds_the_return_before_entry_is_found(
    catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    frame = signals["noise"].frame
    config = BacktestConfig()
    assert abs(probe(frame, catalog, config).pre_entry_ic.value or 1) < 0.05
    ret = catalog.get_retfile()[["security_id", "date", "ret"]].rename(columns={"date": "date_avail"})
    ret["date_avail"] = ret["date_avail"].astype(frame["date_avail"].dtype)
    peek = frame.merge(ret, on=["security_id", "date_avail"])
    peek["signal"] += 25 * peek["ret"]
    found = probe(peek.drop(columns="ret"), catalog, config)
    assert found.pre_entry_ic.value is not None
    assert found.pre_entry_ic.value > 0.15
    by_day = {ic.day: ic.mean for ic in found.horizons}
    assert by_day[0] == pytest.approx(found.pre_entry_ic.value, abs=1e-12)


def test_a_window_that_is_empty_or_too_long_is_not_applicable(
    catalog: DataCatalog, signals: dict[str, DemoSignal]
) -> None:
    frame = signals["noise"].frame
    at_once = frame.assign(date_sig=frame["date_avail"], avail_hour=12.0)
    stale = frame.assign(date_sig=frame["date_sig"] - pd.Timedelta(days=60))
    for changed in (at_once, stale):
        measure = probe(changed, catalog, BacktestConfig()).pre_entry_ic
        assert measure.status == "not_applicable"
        assert measure.reason == "no row that is traded has 1 to 3 trading days between date_sig and its entry"


def test_the_share_of_rows_known_on_the_day_they_describe(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    frame = signals["noise"].frame
    assert probe(frame, catalog, BacktestConfig()).same_day_share.value == 0
    half = frame.assign(avail_hour=12.0)
    half.loc[half.index % 2 == 0, "date_avail"] = half["date_sig"]
    share = (half["date_avail"] == half["date_sig"]).mean()
    assert probe(half, catalog, BacktestConfig()).same_day_share.value == pytest.approx(share, abs=1e-3)


def test_the_probes_do_not_depend_on_the_threads(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    frame = signals["real_alpha"].frame
    assert probe(frame, catalog, BacktestConfig()) == probe(frame, catalog, BacktestConfig(), n_jobs=3)


class Ending:
    """200 names over 600 days, some of which end; two size buckets."""

    def __init__(self, folder: Any, *, share_ending: float, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        calendar = pd.bdate_range("2015-01-01", periods=600)
        self.life = np.where(rng.random(200) < share_ending, rng.integers(30, 570, 200), 600)
        keys = [(name, day) for name, life in enumerate(self.life) for day in calendar[:life]]
        frame = pd.DataFrame(keys, columns=["security_id", "date"])
        self.cap = 1 + np.arange(200) % 2
        n = len(frame)
        ret = frame.assign(ret=rng.normal(0, 0.01, n).astype("float32"))
        risk = frame.assign(industry_id=1, mcap=np.float32(1e9), cap=self.cap[frame["security_id"]].astype("int8"))
        folder.mkdir()
        ret.to_parquet(folder / "ret.parquet")
        risk.to_parquet(folder / "risk.parquet")
        pd.DataFrame({"date": calendar}).to_parquet(folder / "trading_date.parquet")
        create_snapshot_from_existing(folder, "ending", folder.parent)
        self.catalog = DataCatalog("ending", root=folder.parent)
        day = frame["date"]
        self.signal = frame.assign(date_sig=day, date_avail=day, avail_hour=10.0, signal=rng.normal(size=n)).drop(
            columns="date"
        )

    def covering(self, names: Any) -> Leaks:
        frame = self.signal[self.signal["security_id"].isin(np.flatnonzero(names))]
        return probe(frame, self.catalog, BacktestConfig(mincos=3))


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> Ending:
    return Ending(tmp_path_factory.mktemp("ending") / "source", share_ending=0.5)


def test_a_signal_that_covers_survivors_is_found(ending: Ending) -> None:
    rng = np.random.default_rng(3)
    survivors = ending.covering((ending.life == 600) | (rng.random(200) < 0.2))
    assert survivors.survivorship_p.value is not None
    assert survivors.survivorship_rate.value is not None
    assert survivors.survivorship_p.value < 0.001
    assert survivors.survivorship_rate.value < 0.5
    honest = ending.covering(rng.random(200) < 0.6)
    assert honest.survivorship_p.value is not None
    assert honest.survivorship_p.value > 0.01


def test_the_survivorship_probe_equals_statsmodels(ending: Ending) -> None:
    names = np.random.default_rng(8).random(200) < 0.6
    rows = []
    for start in (0, WATCHED_DAYS, 2 * WATCHED_DAYS):
        for name, life in enumerate(ending.life):
            if life > start:
                until = life - start if life < 600 - 20 else 599 - start
                left = life < 600 - 20 and until <= WATCHED_DAYS
                rows.append((min(until, WATCHED_DAYS), left, names[name], f"{start} {ending.cap[name]}"))
    table = pd.DataFrame(rows, columns=["duration", "left", "covered", "stratum"]).query("duration > 0")
    _, p_value = survdiff(table["duration"], table["left"].astype(int), table["covered"], strata=table["stratum"])
    assert ending.covering(names).survivorship_p.value == pytest.approx(p_value, rel=1e-9)


def test_where_survivors_cannot_be_told_the_probe_says_why(
    ending: Ending, tmp_path_factory: pytest.TempPathFactory
) -> None:
    everything = ending.covering(np.ones(200, bool)).survivorship_p
    assert everything.reason == "every name that can be traded has a signal"
    most = ending.covering(np.arange(200) > 1).survivorship_p
    assert most.reason.startswith("too few names leave the panel")
    whole = Ending(tmp_path_factory.mktemp("whole") / "source", share_ending=0.0)
    none = whole.covering(np.arange(200) < 100)
    assert none.survivorship_p.reason.startswith("no name leaves the panel, which holds survivors only")
    for measure in (everything, most, none.survivorship_p, none.survivorship_rate):
        assert measure.status == "not_applicable"
    limits = whole.catalog.manifest.limits
    assert any(limit.startswith("Survivorship: none of the 200 securities ends") for limit in limits)


def test_a_suite_is_probed_or_says_why_not(catalog: DataCatalog, signals: dict[str, DemoSignal]) -> None:
    frame = signals["real_alpha"].frame
    suite = SuiteConfig(name="small", lags=(0,), residualize=("off",), baselines=(), placebos=0)
    result = run_suite(pl.from_pandas(frame), catalog, suite, n_jobs=2)
    assert result.evidence.leaks == probe(frame, catalog, suite.base_variant())
    failed = run_suite(frame, catalog, replace(suite, base=BacktestConfig(mincos=150)), n_jobs=1)
    assert failed.evidence.leaks.pre_entry_ic.reason == "the base variant failed"
    assert failed.evidence.leaks.horizons == ()
