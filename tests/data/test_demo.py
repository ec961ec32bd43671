"""The demo market: consistent tables, enough names in every bucket, and signals that hold what was planted."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from poc.data.catalog import DataCatalog
from poc.data.demo import create_demo_snapshot, demo_tables, write_demo_source
from poc.data.demo_market import STYLES, DemoMarket, is_small, simulate_market, standardize, trading_days
from poc.data.demo_signals import DemoSignal, demo_signals

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def market() -> DemoMarket:
    return simulate_market()


@pytest.fixture(scope="module")
def tables(market: DemoMarket) -> dict[str, pl.DataFrame]:
    return demo_tables(market)


@pytest.fixture(scope="module")
def signals(market: DemoMarket) -> dict[str, DemoSignal]:
    return demo_signals(market)


@pytest.fixture(scope="module")
def small_market() -> DemoMarket:
    return simulate_market(n_securities=60, n_years=2)


def _hash(folder: Path) -> str:
    return hashlib.sha256(
        b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())
    ).hexdigest()


def _dense(market: DemoMarket, signal: DemoSignal) -> Floats:
    """(T, N) by the day on which the signal can first trade at the close."""
    values = np.full(market.ret.shape, np.nan)
    day = np.searchsorted(market.dates, signal.frame["date_avail"].to_numpy("datetime64[D]"))
    values[day, np.searchsorted(market.security_id, signal.frame["security_id"])] = signal.frame["signal"]
    return values


def _mean_ic(market: DemoMarket, values: Floats, *, delay: int = 1, among: NDArray[np.bool_] | None = None) -> float:
    """Mean daily rank correlation with the return `delay` days after the day of the value."""
    among = market.listed if among is None else among
    correlations = []
    for t in range(1, len(values) - delay, 3):
        names = np.isfinite(values[t]) & among[t] & market.listed[t + delay]
        correlations.append(spearmanr(values[t, names], market.ret[t + delay, names]).statistic)
    return float(np.nanmean(correlations))


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_threads(tmp_path: Path) -> None:
    hashes = set()
    for threads in ("1", "3"):
        folder = tmp_path / threads
        folder.mkdir()
        make = f"from poc.data.demo import write_demo_source as w; w({str(folder)!r}, n_securities=40, n_years=1)"
        limits = {"POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", make], check=True, env=os.environ | limits)
        hashes.add(_hash(folder))
    other = tmp_path / "other"
    other.mkdir()
    write_demo_source(other, seed=8, n_securities=40, n_years=1)
    assert len(hashes) == 1
    assert _hash(other) not in hashes


def test_the_calendar_has_weekdays_without_holidays() -> None:
    days = trading_days(10)
    assert np.is_busday(days).all()
    assert np.unique(days.astype("datetime64[Y]"), return_counts=True)[1].min() >= 250
    for holiday in ("2012-01-16", "2012-02-20", "2012-05-28", "2012-07-04", "2012-09-03", "2012-11-22", "2012-12-25"):
        assert np.datetime64(holiday) not in days
    assert np.datetime64("2012-11-23") in days


def test_every_cap_bucket_has_eighty_names_on_every_day(tmp_path: Path) -> None:
    folder = create_demo_snapshot(tmp_path)
    keys = ["security_id", "date"]
    flagged = pl.read_parquet(folder / "universe.parquet").filter(pl.col("universe_flag") == 1)
    names = pl.read_parquet(folder / "risk.parquet").join(flagged, on=keys).group_by("date", "cap").len()
    assert names["cap"].unique().sort().to_list() == [1, 2, 3]
    assert names.height == 3 * len(DataCatalog("demo", root=tmp_path).calendar)
    assert (names["len"] >= 80).all()


def test_returns_agree_with_closes(tables: dict[str, pl.DataFrame]) -> None:
    ret = (
        tables["ret"]
        .sort("security_id", "date")
        .with_columns(change=(pl.col("close").cast(pl.Float64) / pl.col("close").shift(1) - 1).over("security_id"))
    )
    traded = ret.filter(pl.col("delist_ret").is_null())
    assert traded["close"].null_count() == 0
    assert traded["ret"].null_count() == traded["security_id"].n_unique()  # the first row of each name
    np.testing.assert_allclose(traded["ret"].drop_nulls(), traded.drop_nulls("ret")["change"], rtol=0, atol=2e-6)


def test_names_that_leave_earn_their_delisting_return_once(market: DemoMarket, tables: dict[str, pl.DataFrame]) -> None:
    last_listed = len(market.dates) - 1 - np.argmax(market.listed[::-1], axis=0)
    leavers = market.listed.any(axis=0) & (last_listed < len(market.dates) - 1)
    ends = tables["ret"].filter(pl.col("delist_ret").is_not_null()).sort("security_id")
    assert 50 < leavers.sum() < 300
    np.testing.assert_array_equal(ends["security_id"], market.security_id[leavers])
    np.testing.assert_array_equal(ends["date"], market.dates[last_listed[leavers] + 1])
    np.testing.assert_allclose(ends["delist_ret"], market.delist_ret[leavers], rtol=1e-6)
    assert ends.select("ret", "close", "adv", "openret").null_count().row(0) == (len(ends),) * 4


def test_open_returns_make_up_the_close_returns(market: DemoMarket) -> None:
    """From the open of the first day to the close of the last: the same whether cut at opens or at closes."""
    name = int(np.flatnonzero(market.listed[0] & (market.listed.sum(axis=0) > 300) & ~np.isnan(market.delist_ret))[0])
    days = np.flatnonzero(market.listed[:, name])
    by_open, by_close = (np.log1p(r[days, name]).cumsum() for r in (market.openret, market.ret))
    assert np.std(market.openret[days, name] - market.ret[days, name]) > 0.001
    # What is left is the first day's overnight return, which comes before its open.
    assert abs(by_open[-1] - by_close[-1]) < 0.1
    assert np.abs(by_open - by_close).max() < 0.2


def test_the_market_has_fat_tails_and_volatility_clusters(market: DemoMarket) -> None:
    returns = np.where(market.listed, market.ret, np.nan)[1:]
    average = np.nanmean(returns, axis=1)
    assert ((average - average.mean()) ** 4).mean() / average.var() ** 2 > 4
    size = np.abs(average)
    assert np.corrcoef(size[:-5], size[5:])[0, 1] > 0.05
    assert 0.10 < average.std() * np.sqrt(252) < 0.25
    assert 0.015 < np.nanstd(returns) < 0.035
    assert np.nanmin(returns) > -0.9


def test_what_is_known_at_a_close_uses_no_later_day(market: DemoMarket) -> None:
    """Exposures and volatility follow from prices up to their own day."""
    t, listed = 700, market.listed[700]
    past_year = np.where(market.listed[t - 252], np.log(market.close[t - 21] / market.close[t - 252]), np.nan)
    expected = {
        "size": standardize(np.log(market.mcap[t]), listed),
        "momentum": standardize(past_year, listed & np.isfinite(past_year)),
        "volatility": standardize(np.log(market.vol[t]), listed),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(market.styles[name][t], values, atol=1e-9)
    np.testing.assert_allclose(market.vol[t] ** 2, 0.97 * market.vol[t - 1] ** 2 + 0.03 * market.ret[t] ** 2)


def test_exposures_are_standardized_each_day(tables: dict[str, pl.DataFrame]) -> None:
    for name in STYLES:
        daily = tables["risk"].drop_nulls(name).group_by("date").agg(mean=pl.col(name).mean(), std=pl.col(name).std())
        assert daily.height > 2000
        assert daily["mean"].abs().max() < 0.1  # type: ignore[operator]  # a number
        assert daily["std"].is_between(0.9, 1.05).all()


def test_small_names_are_those_behind_nine_tenths_of_the_capitalisation() -> None:
    mcap = np.array([70.0, 6.0, 20.0, 1.0, 3.0, 500.0])
    listed = np.array([True, True, True, True, True, False])
    np.testing.assert_array_equal(is_small(mcap, listed), [False, True, False, True, True, False])


def test_signals_are_contract_frames_with_truth_and_verdict(signals: dict[str, DemoSignal]) -> None:
    assert {name: signal.expected for name, signal in signals.items()} == {
        "real_alpha": "green",
        "fast_decay": "red",
        "noise": "red",
        "reversal_clone": "red",
        "small_cap_only": "yellow",
        "future_leak": "red",
    }
    for signal in signals.values():
        frame = signal.frame
        assert list(frame.columns)[:4] == ["security_id", "date_sig", "date_avail", "signal"]
        assert not frame.duplicated(["security_id", "date_sig"]).any()
        assert (frame["date_avail"] >= frame["date_sig"]).all()
        assert np.isfinite(frame["signal"]).all()
        assert signal.truth.endswith(".")


def test_the_same_seed_gives_the_same_signals(small_market: DemoMarket) -> None:
    again = demo_signals(simulate_market(n_securities=60, n_years=2))
    for name, signal in demo_signals(small_market).items():
        assert signal.frame.equals(again[name].frame)


def test_the_planted_truth_is_there(market: DemoMarket, signals: dict[str, DemoSignal]) -> None:
    values = {name: _dense(market, signal) for name, signal in signals.items()}
    small = np.array([is_small(market.mcap[t], market.listed[t]) for t in range(len(market.dates))])

    assert 0.01 < _mean_ic(market, values["real_alpha"]) < 0.04
    assert _mean_ic(market, values["real_alpha"], delay=3) > 0.01
    assert 0.03 < _mean_ic(market, values["fast_decay"]) < 0.08
    assert abs(_mean_ic(market, values["fast_decay"], delay=2)) < 0.01
    assert abs(_mean_ic(market, values["noise"])) < 0.01
    assert _mean_ic(market, values["small_cap_only"], among=small) > 0.015
    assert abs(_mean_ic(market, values["small_cap_only"], among=market.listed & ~small)) < 0.01
    assert _mean_ic(market, values["future_leak"]) > 0.2


def test_the_demo_snapshot_is_made_once_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    folder = create_demo_snapshot(tmp_path, n_securities=40, n_years=1)
    made = (folder / "manifest.json").stat().st_mtime_ns
    assert create_demo_snapshot(tmp_path) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == made
    catalog = DataCatalog("demo", root=tmp_path)
    assert catalog.manifest.synthetic
    assert any("synthetic" in limit for limit in catalog.manifest.limits)
    assert set(catalog.manifest.tables) == {"ret", "risk", "trading_date", "universe"}
