"""What must hold for every backtest, whatever the market and the signal."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult
from poc.engine.wrapper import run_backtest
from tests.engine.conftest import Snapshot
from tests.reference.random_panels import KINDS, Kind, PanelShape, Source, random_signal, random_source

MARKET = PanelShape(seed=5)
USUAL: dict[str, Any] = {"mincos": 3, "slice_mincos": 2, "fractile": (20, 80)}
DEMANDING = {
    "residualize": "all",
    "weight": "value",
    "holding_days": 2,
    "min_adv": 1e5,
    "min_price": 5.0,
    "caps": (1, 2, 3),
    "tc_model": "power_law",
    "mincos": 1,
}
SORTED = {"double_sort": ("momentum", 2), "rebalance": "weekly", "mincos": 1}

lags = st.integers(0, 4)
kinds = st.sampled_from(KINDS)


def config(**changes: Any) -> BacktestConfig:
    return BacktestConfig(**(USUAL | changes))


def config_for(kind: Kind, **changes: Any) -> BacktestConfig:
    """A configuration that takes signals of this kind."""
    takes = kind if kind in ("fractile", "position", "weight") else "value"
    return config(input_type=takes, **changes)


def held(result: BacktestResult) -> pd.DataFrame:
    return result.holdings(last_day_only=False)


def assert_identical(result: BacktestResult, other: BacktestResult) -> None:
    for name in ("daily_series", "summary_table", "fractile_analysis", "ic_series", "slice_series", "attribution"):
        pd.testing.assert_frame_equal(getattr(result, name), getattr(other, name), check_exact=True, obj=name)
    pd.testing.assert_frame_equal(held(result), held(other), check_exact=True, obj="holdings")


# --- no look-ahead -------------------------------------------------------------------------------------------------


def change_from(source: Source, first: pd.Timestamp) -> Source:
    """The source with every value changed that is dated `first` or later."""
    rng = np.random.default_rng(99)

    def changed(frame: pd.DataFrame, date: str = "date") -> pd.DataFrame:
        frame = frame.copy()
        late = (frame[date] >= first).to_numpy()
        for column in frame.columns.difference(["security_id", date]):
            if column.endswith("_id") or column in ("cap", "country", "universe_flag"):
                frame.loc[late, column] = rng.permutation(frame.loc[late, column].to_numpy())
            else:
                frame.loc[late, column] = rng.uniform(0.01, 0.9, late.sum()).astype("float32")
        return frame[~late | (rng.random(len(frame)) < 0.8)]  # some are gone altogether

    assert source.descriptor is not None
    return replace(
        source,
        ret=changed(source.ret),
        risk=changed(source.risk),
        descriptor=changed(source.descriptor, "as_of_date"),
    )


def snapshot_of(source: Source, folder: Path) -> DataCatalog:
    written = source.write(folder / "source")
    return DataCatalog(create_snapshot_from_existing(written, "snapshot", folder).name, root=folder)


@pytest.mark.parametrize("day", [16, 38])
@pytest.mark.parametrize("from_open", [False, True], ids=["close", "open"])
@pytest.mark.parametrize("changes", [{}, DEMANDING, SORTED], ids=["usual", "demanding", "sorted"])
def test_the_future_moves_no_weight(
    day: int, from_open: bool, changes: dict[str, Any], snapshot: Snapshot, tmp_path: Path
) -> None:
    catalog, signal = snapshot(MARKET), random_signal(MARKET)
    today, calendar = catalog.calendar[day], catalog.calendar
    other = snapshot_of(change_from(random_source(MARKET), calendar[day if from_open else day + 1]), tmp_path)
    unknown = signal["date_avail"] > today
    changed_signal = signal.assign(signal=signal["signal"].where(~unknown, -(signal["signal"] ** 3)))

    variant = config(from_open=from_open, **changes)
    before, after = held(run_backtest(signal, variant, catalog)), held(run_backtest(changed_signal, variant, other))

    last_return_day = calendar[day if from_open else day + 1]  # of the book formed today
    pd.testing.assert_frame_equal(
        before[before["date"] <= last_return_day], after[after["date"] <= last_return_day], check_exact=True
    )
    assert len(before[before["date"] == last_return_day]) > 0
    assert (
        not before[before["date"] > last_return_day]
        .reset_index(drop=True)
        .equals(after[after["date"] > last_return_day].reset_index(drop=True))
    )


# --- the signal's form plays no part ---------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), kind=kinds)
def test_the_order_of_rows_plays_no_part(seed: int, kind: Kind, snapshot: Snapshot) -> None:
    signal = random_signal(MARKET, kind)
    shuffled = signal.sample(frac=1, random_state=seed)
    variant = config_for(kind, slices=("overall", "year", "cap", "sector", "industry"))
    result = run_backtest(signal, variant, snapshot(MARKET))
    assert_identical(result, run_backtest(shuffled, variant, snapshot(MARKET)))


def test_pandas_and_polars_give_the_same(snapshot: Snapshot) -> None:
    signal = random_signal(MARKET)
    result = run_backtest(signal, config(), snapshot(MARKET))
    assert_identical(result, run_backtest(pl.from_pandas(signal), config(), snapshot(MARKET)))


RISING: dict[str, Callable[[pd.Series], pd.Series]] = {
    "line": lambda x: 3 * x - 7,
    "cube": lambda x: x**3,
    "exponential": np.exp,
    "ranks": lambda x: x.rank(method="dense"),
}


@pytest.mark.parametrize("rescale", RISING.values(), ids=RISING)
@pytest.mark.parametrize("weight", ["equal", "value"])
def test_a_rising_rescaling_leaves_the_book(
    rescale: Callable[[pd.Series], pd.Series], weight: str, snapshot: Snapshot
) -> None:
    signal = random_signal(MARKET).assign(signal=lambda s: s["signal"].round(3))
    rescaled = signal.assign(signal=rescale(signal["signal"]))
    assert rescaled["signal"].nunique() == signal["signal"].nunique()
    results = [run_backtest(s, config(weight=weight), snapshot(MARKET)) for s in (signal, rescaled)]
    assert_identical(*results)


# --- books -----------------------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(kind=kinds, lag=lags, from_open=st.booleans(), weight=st.sampled_from(["equal", "value", "volume"]))
def test_each_side_sums_to_one(kind: Kind, lag: int, from_open: bool, weight: str, snapshot: Snapshot) -> None:
    if kind == "weight":
        weight = "equal"
    result = run_backtest(
        random_signal(MARKET, kind), config_for(kind, lag=lag, from_open=from_open, weight=weight), snapshot(MARKET)
    )
    book = held(result)
    longs = book[book["weight"] > 0].groupby("date")["weight"].sum()
    shorts = book[book["weight"] < 0].groupby("date")["weight"].sum()
    np.testing.assert_allclose(longs, 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(shorts, -1, rtol=0, atol=1e-12)
    invested = result.daily_series.query("n_long > 0")["date"]
    assert list(longs.index) == list(shorts.index) == list(invested)


@settings(max_examples=8, deadline=None)
@given(kind=kinds, lag=st.integers(1, 5), from_open=st.booleans(), holding_days=st.integers(1, 3))
def test_lag_only_delays_the_book(kind: Kind, lag: int, from_open: bool, holding_days: int, snapshot: Snapshot) -> None:
    catalog = snapshot(MARKET)
    prompt, late = (
        held(
            run_backtest(
                random_signal(MARKET, kind),
                config_for(kind, lag=days, from_open=from_open, holding_days=holding_days),
                catalog,
            )
        )
        for days in (0, lag)
    )
    days = prompt["date"].to_numpy().astype("datetime64[D]")
    delayed = np.searchsorted(catalog.calendar, days) + lag
    inside = delayed < len(catalog.calendar)
    expected = prompt[inside].assign(date=catalog.calendar[delayed[inside]].astype(prompt["date"].to_numpy().dtype))
    pd.testing.assert_frame_equal(late, expected.reset_index(drop=True), check_exact=True)


@settings(max_examples=8, deadline=None)
@given(kind=kinds, holding_days=st.integers(1, 4), tc_model=st.sampled_from(["naive", "power_law"]))
def test_net_is_gross_less_costs_that_are_never_negative(
    kind: Kind, holding_days: int, tc_model: str, snapshot: Snapshot
) -> None:
    variant = config_for(kind, holding_days=holding_days, tc_model=tc_model, borrow_bps=100)
    result = run_backtest(random_signal(MARKET, kind), variant, snapshot(MARKET))
    series = result.daily_series
    assert (series["cost"] >= 0).all()
    assert (series["ret_net"] <= series["ret"] + 1e-15).all()
    assert series["ret_net"].sum() < series["ret"].sum()
    table = result.summary_table.query("num_days > 0")
    assert (table["ret_net_ann"] <= table["ret_ann"] + 1e-12).all()


def test_every_part_of_the_return_adds_up(snapshot: Snapshot) -> None:
    variant = config(tc_model="power_law", borrow_bps=100, holding_days=2)
    result = run_backtest(random_signal(MARKET), variant, snapshot(MARKET))
    series = result.daily_series
    np.testing.assert_allclose(series["ret_long"] + series["ret_short"], series["ret"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(series["cumret_net"], series["ret_net"].cumsum(), rtol=0, atol=1e-12)
    assert (series["drawdown"] <= 0).all()
    parts = result.attribution.groupby("kind")["ret_net"].sum()
    assert set(parts.index) == {"name", "sector", "month"}
    np.testing.assert_allclose(parts, series["ret_net"].sum(), rtol=0, atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(kind=kinds, from_open=st.booleans(), carry_days=st.sampled_from([None, 1, 4, 30]))
def test_every_input_row_is_accounted_for_once(
    kind: Kind, from_open: bool, carry_days: int | None, snapshot: Snapshot
) -> None:
    signal = random_signal(MARKET, kind)
    variant = config_for(kind, from_open=from_open, carry_days=carry_days)
    ledger = run_backtest(signal, variant, snapshot(MARKET)).diagnostics["ledger"]
    assert ledger["rows_in"] == len(signal)
    assert ledger["rows_in"] == ledger["rows_used"] + sum(ledger["dropped"].values())
    assert ledger["rows_used"] > 0
    assert ledger["dropped"]["missing_signal"] == signal["signal"].isna().sum()
    assert min(ledger["dropped"].values()) > 0


def test_a_flat_day_earns_nothing_and_is_counted(snapshot: Snapshot) -> None:
    catalog = snapshot(MARKET)
    result = run_backtest(random_signal(MARKET, "ties"), config(mincos=5), catalog)
    series = result.daily_series
    inside = (catalog.calendar >= series["date"].iloc[0]) & (catalog.calendar <= series["date"].iloc[-1])
    assert list(series["date"]) == list(pd.DatetimeIndex(catalog.calendar[inside]))

    flat = series["n_long"] + series["n_short"] == 0
    assert result.diagnostics["flat_days"] == flat.sum() > 0
    earned = series.loc[flat, ["ret", "resret", "ret_long", "ret_short", "missing_return_share"]]
    assert (earned == 0).all(axis=None)
    assert not held(result)["date"].isin(series.loc[flat, "date"]).any()
    left_yesterday = flat & ~flat.shift(fill_value=True)
    np.testing.assert_allclose(series.loc[left_yesterday, "turnover"], 0.5)
    assert not flat.iloc[0]
    assert not flat.iloc[-1]
