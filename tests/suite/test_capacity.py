from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from poc.engine.holdings import holdings_of, trades_of
from poc.engine.result import BacktestResult
from poc.stats.sharpe import sharpe_ratio
from poc.suite.capacity import BORROW_BPS, COEFFICIENTS, SIZES, Capacity, gather_capacity
from tests.suite.conftest import Ragged


@pytest.fixture(scope="module")
def capacity(ragged: Ragged) -> Capacity:
    return gather_capacity(ragged.result, ragged.catalog.panel)


def _books(result: BacktestResult) -> list[dict[int, float]]:
    """The book of each day of the series, by name."""
    held = result.holdings(last_day_only=False)
    days = {day: dict(zip(h["security_id"], h["weight"], strict=True)) for day, h in held.groupby("date")}
    return [days.get(day, {}) for day in result.daily_series["date"]]


def _drifting(result: BacktestResult, rate: float) -> BacktestResult:
    """The same books with so much more return a day."""
    daily = result.daily_series
    return replace(result, daily_series=daily.assign(ret=daily["ret"] + rate, ret_net=daily["ret_net"] + rate))


def test_some_names_are_traded_without_a_known_cost(capacity: Capacity) -> None:
    assert 0.5 < (capacity.cost_known_share.value or 0) < 1


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@pytest.mark.parametrize("gmv", [1e6, 1e9])
def test_a_point_of_the_curve_is_a_backtest_of_that_size(
    capacity: Capacity, ragged: Ragged, gmv: float, coefficient: float
) -> None:
    run = ragged.run(tc_model="power_law", gmv=gmv, tc_power=(0.35 * coefficient, 0.4)).overall()
    point = capacity.curve.query("gmv == @gmv and coefficient == @coefficient").iloc[0]
    assert point["sharpe_net"] == pytest.approx(run["sharpe_net"], rel=1e-10)
    assert point["ret_net_ann"] == pytest.approx(run["ret_net_ann"], rel=1e-10)


@pytest.mark.parametrize("changes", [{"holding_days": 3}, {"rebalance": "weekly"}, {"method": "long_only"}, {"lag": 2}])
def test_a_point_of_the_curve_is_a_backtest_for_other_books_too(ragged: Ragged, changes: dict[str, object]) -> None:
    capacity = gather_capacity(ragged.run(**changes), ragged.catalog.panel)
    run = ragged.run(tc_model="power_law", gmv=1e8, **changes).overall()
    point = capacity.curve.query("gmv == 1e8 and coefficient == 1").iloc[0]
    assert point["ret_net_ann"] == pytest.approx(run["ret_net_ann"], rel=1e-10)


def test_the_curve_falls_with_size_and_with_the_coefficient(capacity: Capacity) -> None:
    table = capacity.curve.pivot(index="gmv", columns="coefficient", values="ret_net_ann")
    assert tuple(table.index) == SIZES
    assert (table.diff().iloc[1:] < 0).all(axis=None)
    assert (table.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)


def test_half_and_zero_are_the_sizes_at_which_a_backtest_has_half_and_nothing_left(ragged: Ragged) -> None:
    shift = 0.004  # a day: enough to be left with something
    strong = gather_capacity(_drifting(ragged.result, shift), ragged.catalog.panel)

    def net(gmv: float) -> float:
        daily = ragged.run(tc_model="power_law", gmv=gmv).daily_series
        return float(daily["ret_net"].mean() + shift)

    small = net(1e-30)
    assert strong.gmv_half.value == pytest.approx(brentq(lambda gmv: net(gmv) - small / 2, 1e3, 1e13, xtol=1), rel=1e-6)
    assert strong.gmv_zero.value == pytest.approx(brentq(net, 1e3, 1e13, xtol=1), rel=1e-6)
    doubled = gather_capacity(_drifting(ragged.run(tc_power=(0.7, 0.4)), shift), ragged.catalog.panel)
    assert doubled.gmv_zero.value == pytest.approx((strong.gmv_zero.value or 0) / (strong.gmv_band.value or 0))
    assert strong.gmv_band.value == pytest.approx(2**2.5)


def test_trades_and_holdings_are_those_of_the_books(ragged: Ragged) -> None:
    panel, books = ragged.catalog.panel, _books(ragged.result)
    traded, held = trades_of(ragged.result.books, panel), holdings_of(ragged.result.books)
    expected = [
        (day, name, abs(books[day].get(name, 0.0) - books[day - 1].get(name, 0.0)))
        for day in range(1, len(books))
        for name in sorted(books[day].keys() | books[day - 1].keys())
    ]
    expected = [trade for trade in expected if trade[2] > 1e-12]
    ids = panel.securities[panel.security[traded.row]]
    found = sorted(zip(traded.day.tolist(), ids.tolist(), traded.weight.tolist(), strict=True))
    assert [t[:2] for t in found] == [t[:2] for t in expected]
    assert np.allclose([t[2] for t in found], [t[2] for t in expected], rtol=1e-12)
    sides = pd.Series(held.weight).groupby(held.day).agg(lambda w: w.abs().sum())
    assert np.allclose(sides, 2.0)


def test_at_the_break_even_cost_nothing_is_left(ragged: Ragged) -> None:
    strong = gather_capacity(_drifting(ragged.result, 0.004), ragged.catalog.panel)
    bps = strong.break_even_bps.value
    assert bps is not None
    run = ragged.run(tc_bps=(bps, bps, bps)).daily_series
    assert run["ret_net"].mean() + 0.004 == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("bps", BORROW_BPS)
def test_the_borrow_table_is_a_backtest_with_that_fee(capacity: Capacity, ragged: Ragged, bps: float) -> None:
    run = ragged.run(borrow_bps=bps).overall()
    row = capacity.borrow.query("borrow_bps == @bps").iloc[0]
    assert row["ret_net_ann"] == pytest.approx(run["ret_net_ann"], rel=1e-10)
    assert row["sharpe_net"] == pytest.approx(run["sharpe_net"], rel=1e-10)


def test_the_liquidity_of_the_holdings_is_counted_by_hand(capacity: Capacity, ragged: Ragged) -> None:
    panel, books = ragged.catalog.panel, ragged.result.books
    days, advs, caps, mcaps = [], [], {0: 0.0, 1: 0.0, 2: 0.0, 3: 0.0}, []
    held = ragged.result.holdings(last_day_only=False)
    place = {day: t for t, day in enumerate(panel.dates)}
    for date, name, weight in zip(held["date"], held["security_id"], held["weight"], strict=True):
        info = place[np.datetime64(date, "D")] - books.shift
        rows = range(panel.offsets[info + 1])
        row = max(r for r in rows if panel.securities[panel.security[r]] == name)
        adv = panel.known_adv[row]
        advs += [adv] if adv == adv else []
        mcaps += [panel.mcap[row]] if panel.mcap[row] == panel.mcap[row] else []
        days += [10e6 * abs(weight) / (0.1 * adv)] if adv > 0 else []
        caps[int(panel.known_cap[row])] += abs(weight)
    assert capacity.days_to_trade_median.value == pytest.approx(np.median(days))
    assert capacity.days_to_trade_95.value == pytest.approx(np.percentile(days, 95))
    assert capacity.adv_median.value == pytest.approx(np.median(advs))
    assert capacity.mcap_median.value == pytest.approx(np.median(mcaps))
    total = sum(caps.values())
    assert capacity.caps["share"].tolist() == pytest.approx([caps[c] / total for c in (1, 2, 3, 0)])
    assert capacity.caps["share"].sum() == pytest.approx(1)


def test_a_loss_has_no_capacity(ragged: Ragged) -> None:
    losing = gather_capacity(_drifting(ragged.result, -0.1), ragged.catalog.panel)
    for measure in (losing.gmv_half, losing.gmv_zero, losing.gmv_band, losing.break_even_bps):
        assert (measure.status, measure.value) == ("not_applicable", None)
        assert "not positive" in measure.reason


def test_without_volumes_there_is_no_curve_and_a_reason(ragged: Ragged) -> None:
    panel = ragged.catalog.panel
    blind = replace(panel, known_adv=np.full_like(panel.known_adv, np.nan))
    capacity = gather_capacity(_drifting(ragged.result, 0.01), blind)
    assert capacity.curve.empty
    assert capacity.cost_known_share.value == pytest.approx(0)
    assert capacity.gmv_zero.reason.startswith("no trade has a cost that grows")
    assert capacity.days_to_trade_median.reason == "no name held has a known adv"


def test_a_curve_is_net_of_the_configured_borrow_fee(capacity: Capacity, ragged: Ragged) -> None:
    daily = ragged.run(tc_model="power_law", borrow_bps=0, gmv=1e6).daily_series
    fee = 50 / 1e4 / 252 * (daily["n_short"] > 0)
    point = capacity.curve.query("gmv == 1e6 and coefficient == 1").iloc[0]
    assert point["sharpe_net"] == pytest.approx(sharpe_ratio(daily["ret_net"] - fee))
