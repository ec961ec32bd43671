from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from poc.contract.schema import Ledger
from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.formation import candidates, form_books
from poc.engine.holding import hold
from poc.engine.placing import PlacedSignal, place_signal
from poc.engine.result import BacktestResult
from poc.engine.wrapper import check_signal, evaluate_books, run_backtest
from poc.stats.sharpe import sharpe_ratio
from poc.suite.measure import Measure
from poc.suite.stability import (
    DELISTING,
    Stability,
    gather_stability,
    liquid_half,
    overall_only,
    stability_variants,
)
from tests.suite.conftest import RAGGED_BASE, Ragged


def _own(ragged: Ragged) -> PlacedSignal:
    checked = check_signal(ragged.frame, RAGGED_BASE, ragged.catalog)
    return place_signal(checked.clean, ragged.catalog.panel, RAGGED_BASE)


def _run(placed: PlacedSignal, panel: Panel) -> BacktestResult:
    formation = form_books(placed, panel, RAGGED_BASE)
    [held] = hold(formation, [RAGGED_BASE], panel)
    return evaluate_books(formation, held, RAGGED_BASE, panel, Ledger(0, 0, {}))


@pytest.fixture(scope="module")
def variants(ragged: Ragged) -> dict[str, BacktestResult]:
    configs = stability_variants(RAGGED_BASE, ragged.catalog.panel)
    return {config.key: run_backtest(ragged.frame, config, ragged.catalog) for config in configs}


@pytest.fixture(scope="module")
def liquid(ragged: Ragged) -> BacktestResult:
    half = liquid_half(_own(ragged), ragged.catalog.panel, RAGGED_BASE)
    assert half is not None
    return _run(half, ragged.catalog.panel)


@pytest.fixture(scope="module")
def stability(ragged: Ragged, variants: dict[str, BacktestResult], liquid: BacktestResult) -> Stability:
    return gather_stability(ragged.result, variants, liquid, ragged.catalog.panel)


def test_the_halves_add_up_to_the_whole(stability: Stability, ragged: Ragged) -> None:
    halves = stability.times.query("slice == 'half'")
    net = ragged.result.daily_series["ret_net"]
    assert halves["num_days"].sum() == len(net)
    assert abs(halves["num_days"].diff().iloc[1]) <= 1
    assert (halves["ret_net_ann"] * halves["num_days"]).sum() == pytest.approx(net.sum() * 252)
    assert halves["sharpe_net"].iloc[0] == pytest.approx(sharpe_ratio(net.iloc[: len(net) // 2]))


def test_the_regimes_are_those_of_a_market_known_before_the_day(stability: Stability, ragged: Ragged) -> None:
    panel = ragged.catalog.panel
    may = candidates(panel, RAGGED_BASE)
    market = []
    for day in range(panel.n_days):
        rows = range(panel.offsets[day], panel.offsets[day + 1])
        returns = [panel.returns["ret"][r] for r in rows if may[r] and not np.isnan(panel.returns["ret"][r])]
        market.append(np.mean(returns) if returns else np.nan)
    daily = ragged.result.daily_series
    place = {day: t for t, day in enumerate(panel.dates)}
    known = {}
    for date, net in zip(daily["date"], daily["ret_net"], strict=True):
        day = place[np.datetime64(date, "D")]
        past = market[day - 63 : day] if day >= 63 else []
        if len(past) == 63 and not np.isnan(past).any():
            known[date] = (np.std(past, ddof=1), net)
    low, high = np.quantile([volatility for volatility, _ in known.values()], [1 / 3, 2 / 3])
    groups: dict[str, list[float]] = {"low volatility": [], "middle": [], "high volatility": []}
    for volatility, net in known.values():
        groups["low volatility" if volatility <= low else "middle" if volatility <= high else "high volatility"] += [
            net
        ]
    found = stability.times.query("slice == 'regime'").set_index("group")
    assert len(known) > 30
    assert list(found.index) == list(groups)
    for name, nets in groups.items():
        assert found["num_days"][name] == len(nets)
        assert found["ret_net_ann"][name] == pytest.approx(np.mean(nets) * 252)
        assert found["sharpe_net"][name] == pytest.approx(sharpe_ratio(nets))


def test_no_regime_depends_on_the_days_that_it_holds(stability: Stability, ragged: Ragged) -> None:
    """Other returns on the last day leave every label as it is."""
    panel = ragged.catalog.panel
    last = slice(panel.offsets[-2], panel.offsets[-1])
    returns = {name: values.copy() for name, values in panel.returns.items()}
    returns["ret"][last] += 0.5 * np.arange(len(returns["ret"][last]))
    other = gather_stability(ragged.result, {}, None, replace(panel, returns=returns))
    pd.testing.assert_frame_equal(other.times, stability.times)


def test_the_largest_day_is_a_share_of_the_total(ragged: Ragged) -> None:
    daily = ragged.result.daily_series
    strong = replace(ragged.result, daily_series=daily.assign(ret_net=daily["ret_net"] + 0.05))
    measure = gather_stability(strong, {}, None, ragged.catalog.panel).largest_day_share
    net = strong.daily_series["ret_net"]
    assert measure.value == pytest.approx(net.max() / net.sum())
    assert measure.reason == str(daily["date"].iloc[int(net.argmax())].date())
    losing = replace(ragged.result, daily_series=daily.assign(ret_net=daily["ret_net"] - 0.05))
    assert gather_stability(losing, {}, None, ragged.catalog.panel).largest_day_share.status == "not_applicable"


def test_a_neighbour_is_what_run_backtest_gives(stability: Stability, ragged: Ragged) -> None:
    cells = stability.neighbourhood
    assert list(zip(cells["fractile"], cells["weight"], strict=True)) == [
        (5, "equal"), (10, "equal"), (20, "equal"), (5, "value"), (10, "value"), (20, "value"),
    ]  # fmt: skip
    for fractile, weight, sharpe in cells.itertuples(index=False):
        run = ragged.run(fractile=(fractile, 100 - fractile), weight=weight).overall()
        assert sharpe == pytest.approx(run["sharpe_net"], nan_ok=True), (fractile, weight)
    assert cells["sharpe_net"].notna().all()


def test_a_neighbour_that_failed_has_no_number(ragged: Ragged) -> None:
    cells = gather_stability(ragged.result, {}, None, ragged.catalog.panel).neighbourhood
    there = cells["sharpe_net"].notna()
    assert cells[there][["fractile", "weight"]].to_numpy().tolist() == [[20, "equal"]]  # the base variant itself


def test_positions_have_no_neighbours() -> None:
    empty = BacktestConfig(input_type="position")
    panel = Panel.__new__(Panel)
    object.__setattr__(panel, "sector_ids", np.empty(0, int))
    assert stability_variants(empty, panel) == ()


def test_the_sectors_are_those_of_a_sliced_backtest(stability: Stability, ragged: Ragged) -> None:
    summary = ragged.run(slices=("overall", "sector")).summary_table
    expected = summary[summary["slice"] == "sector"].reset_index(drop=True)
    assert len(expected) > 1
    pd.testing.assert_frame_equal(stability.sectors, expected)


def test_a_base_that_is_sliced_by_sector_is_not_run_again(ragged: Ragged) -> None:
    sliced = ragged.run(slices=("overall", "sector"))
    assert all(config.slices == ("overall",) for config in stability_variants(sliced.config, ragged.catalog.panel))
    found = gather_stability(sliced, {}, None, ragged.catalog.panel).sectors
    assert found["group"].tolist() == sliced.summary_table.query("slice == 'sector'")["group"].tolist()


def test_the_liquid_half_holds_the_names_at_or_above_the_median_volume(ragged: Ragged) -> None:
    panel, own = ragged.catalog.panel, _own(ragged)
    half, may = liquid_half(own, panel, RAGGED_BASE), candidates(panel, RAGGED_BASE)
    assert half is not None
    for day in range(panel.n_days):
        rows = [r for r in range(panel.offsets[day], panel.offsets[day + 1]) if may[r] and not np.isnan(own.values[r])]
        adv = [panel.adv[r] for r in rows if not np.isnan(panel.adv[r])]
        expected = [r for r in rows if adv and panel.adv[r] >= np.median(adv)]
        day_rows = np.arange(panel.offsets[day], panel.offsets[day + 1])
        kept = [r for r in day_rows if may[r] and not np.isnan(half.values[r])]
        assert kept == expected
        assert all(half.values[r] == own.values[r] for r in kept)


def test_the_liquid_half_is_measured_against_its_size(
    stability: Stability, ragged: Ragged, liquid: BacktestResult
) -> None:
    sizes = [result.diagnostics["coverage"]["mean"] for result in (liquid, ragged.result)]
    assert 0.4 < sizes[0] / sizes[1] < 0.6
    expected = 0.75 * (sizes[0] / sizes[1]) ** 0.5 * ragged.result.overall()["sharpe_net"]
    assert stability.liquid_half_expected.value == pytest.approx(expected)
    assert stability.liquid_half_sharpe_net.value == liquid.overall()["sharpe_net"]


def test_a_liquid_half_that_cannot_be_had_says_why(ragged: Ragged) -> None:
    panel = ragged.catalog.panel
    blind = replace(panel, adv=np.full_like(panel.adv, np.nan))
    assert liquid_half(_own(ragged), blind, RAGGED_BASE) is None
    without = gather_stability(ragged.result, {}, None, blind)
    failed = gather_stability(ragged.result, {}, None, panel)
    for measure, expected in (
        (without.liquid_half_sharpe_net, Measure.not_applicable("the snapshot has no adv")),
        (without.liquid_half_expected, Measure.not_applicable("the snapshot has no adv")),
        (failed.liquid_half_sharpe_net, Measure.not_run("the variant failed")),
    ):
        assert measure == expected


@pytest.fixture(scope="module")
def delisted(ragged: Ragged, tmp_path_factory: pytest.TempPathFactory) -> Callable[[float], DataCatalog]:
    """The market in which every name whose rows end without a `delist_ret` has one, the day after its last row."""
    source = ragged.source
    last = source.ret.groupby("security_id")["date"].max()
    known = source.ret.dropna(subset=["delist_ret"])["security_id"]
    calendar = source.trading_date["date"]
    ended = last[(last < calendar.iloc[-1]) & ~last.index.isin(known)]
    assert len(ended) >= 2

    def of(assumed: float) -> DataCatalog:
        following = calendar.to_numpy()[calendar.searchsorted(ended.to_numpy()) + 1]
        rows = pd.DataFrame({"security_id": ended.index, "date": following, "delist_ret": np.float32(assumed)})
        folder: Path = tmp_path_factory.mktemp("delisted")
        changed = replace(source, ret=pd.concat([source.ret, rows], ignore_index=True))
        create_snapshot_from_existing(changed.write(folder / "source"), "delisted", folder)
        return DataCatalog("delisted", root=folder)

    return of


@pytest.mark.parametrize("assumed", [loss for loss in DELISTING if loss])
@pytest.mark.parametrize("changes", [{}, {"holding_days": 4}, {"from_open": True}], ids=str)
def test_an_assumed_loss_is_that_of_a_snapshot_that_knows_it(
    ragged: Ragged, delisted: Callable[[float], DataCatalog], assumed: float, changes: dict[str, object]
) -> None:
    result = ragged.run(**changes)
    found = gather_stability(result, {}, None, ragged.catalog.panel)
    run = run_backtest(ragged.frame, result.config, delisted(assumed)).overall()
    row = found.delisting.query("delist_ret == @assumed").iloc[0]
    assert found.n_endings > 0
    assert row["ret_net_ann"] == pytest.approx(run["ret_net_ann"], rel=1e-6)
    assert row["sharpe_net"] == pytest.approx(run["sharpe_net"], rel=1e-6)
    assert row["ret_net_ann"] != pytest.approx(result.overall()["ret_net_ann"], rel=1e-6)


def test_without_an_assumption_the_base_is_as_it_was(stability: Stability, ragged: Ragged) -> None:
    row = stability.delisting.query("delist_ret == 0").iloc[0]
    assert row["ret_net_ann"] == ragged.result.overall()["ret_net_ann"]
    assert overall_only(RAGGED_BASE).slices == ("overall",)
