"""Ranking within groups of another sort."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.engine.config import BacktestConfig
from poc.engine.wrapper import run_backtest
from poc.errors import BacktestError, ContractError
from tests.engine.conftest import Snapshot
from tests.engine.test_against_reference import BARE, RAGGED, SPARSE, assert_agree
from tests.reference.random_panels import PanelShape, random_signal
from tests.reference.reference_engine import reference_backtest


def config(double_sort: tuple[str, int | None], **changes: Any) -> BacktestConfig:
    usual: dict[str, Any] = {"mincos": 3, "slice_mincos": 2, "fractile": (20, 80), "double_sort": double_sort}
    return BacktestConfig(**(usual | changes))


def frame(snapshot: Snapshot, shape: PanelShape) -> pd.DataFrame:
    catalog = snapshot(shape)
    rng = np.random.default_rng(4)
    rows = [(s, d) for s in catalog.security_ids for d in catalog.calendar]
    values = np.where(rng.random(len(rows)) < 0.2, np.nan, rng.integers(0, 9, len(rows)))
    return pd.DataFrame(rows, columns=["security_id", "date"]).assign(score=values)


@pytest.mark.parametrize("shape", [RAGGED, SPARSE], ids=["ragged", "sparse"])
@pytest.mark.parametrize("count", [3, None])
def test_a_frame_is_held_to_the_reference(shape: PanelShape, count: int | None, snapshot: Snapshot) -> None:
    catalog, signal, groups = snapshot(shape), random_signal(shape), {"score": frame(snapshot, shape)}
    variant = config(("score", count), from_open=count is None)
    result = run_backtest(signal, variant, catalog, groups=groups)
    assert_agree(result, reference_backtest(signal, variant, catalog, groups))


def test_every_group_has_names_on_both_sides(snapshot: Snapshot) -> None:
    catalog = snapshot(RAGGED)
    result = run_backtest(random_signal(RAGGED), config(("cap", None)), catalog)
    held = result.holdings(last_day_only=False)
    cap = catalog.get_otherfile().pivot(index="date", columns="security_id", values="cap")
    known = cap.reindex(catalog.calendar).ffill(limit=20).shift(1)  # at the close of the day before
    held = held.merge(known.melt(ignore_index=False, value_name="cap").reset_index(names="date"), how="left")
    assert held["cap"].notna().all()
    sides = held.assign(side=np.sign(held["weight"])).groupby(["date", "cap"])["side"].nunique()
    assert (sides == 2).all()
    assert (held.groupby("date")["cap"].nunique() == 3).any()


def test_one_group_of_everything_changes_nothing(snapshot: Snapshot) -> None:
    catalog = snapshot(RAGGED)
    everybody = frame(snapshot, RAGGED).assign(score="all")
    plain = run_backtest(random_signal(RAGGED), config(("score", None)), catalog, groups={"score": everybody})
    single = run_backtest(random_signal(RAGGED), BacktestConfig(mincos=3, slice_mincos=2, fractile=(20, 80)), catalog)
    pd.testing.assert_frame_equal(plain.daily_series, single.daily_series, check_exact=True)
    pd.testing.assert_frame_equal(plain.summary_table, single.summary_table, check_exact=True)


REFUSED: dict[str, tuple[tuple[str, int | None], PanelShape, str]] = {
    "unknown": (("moon", 3), RAGGED, "there is no 'moon' to sort by. There are mcap, adv, vol, close, size"),
    "groups": (("cap", 3), RAGGED, r"Groups that exist as they are: \(name, None\)"),
    "nothing there": (("adv", 3), BARE, "there is no value of 'adv'"),
    "unknown groups": (("moon", None), RAGGED, "There is no slice 'moon'"),
    "a style": (("value", None), RAGGED, "a group is named by text or by a whole number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_sorted_by_is_refused(name: str, snapshot: Snapshot) -> None:
    double_sort, shape, message = REFUSED[name]
    with pytest.raises(BacktestError, match=message):
        run_backtest(random_signal(shape), config(double_sort), snapshot(shape))


def test_a_frame_that_cannot_sort_names_is_refused(snapshot: Snapshot) -> None:
    words = frame(snapshot, RAGGED).assign(score="all")
    signal, catalog = random_signal(RAGGED), snapshot(RAGGED)
    with pytest.raises(BacktestError, match="holds no numbers to sort by"):
        run_backtest(signal, config(("score", 2)), catalog, groups={"score": words})
    with pytest.raises(ContractError, match="groups days; to sort names it needs the column 'security_id'"):
        run_backtest(signal, config(("score", 2)), catalog, groups={"score": pd.DataFrame({"date": [], "x": []})})
