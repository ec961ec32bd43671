"""Books that are formed once a week or a month."""

from typing import Any

import pandas as pd
import pytest

from poc.engine.config import BacktestConfig
from poc.engine.wrapper import run_backtest
from tests.engine.conftest import Snapshot
from tests.reference.random_panels import PanelShape, random_signal

MARKET = PanelShape(seed=5)


def books(snapshot: Snapshot, **changes: Any) -> dict[Any, dict[Any, float]]:
    """Return day -> name -> weight."""
    config = BacktestConfig(mincos=3, slice_mincos=2, fractile=(20, 80), **changes)
    held = run_backtest(random_signal(MARKET), config, snapshot(MARKET)).holdings(last_day_only=False)
    return {day: dict(zip(b["security_id"], b["weight"], strict=True)) for day, b in held.groupby("date")}


@pytest.mark.parametrize(("rebalance", "period"), [("weekly", "W-SUN"), ("monthly", "M")])
def test_the_book_of_a_period_is_that_of_its_first_formation_day(
    rebalance: str, period: str, snapshot: Snapshot
) -> None:
    calendar = pd.DatetimeIndex(snapshot(MARKET).calendar)
    daily, kept = books(snapshot), books(snapshot, rebalance=rebalance)
    days = pd.DataFrame({"formed": calendar[:-1], "earns": calendar[1:]})  # at the close, for the day after
    first = days.groupby(days["formed"].dt.to_period(period))["earns"].transform("first")
    first_of = dict(zip(days["earns"], first, strict=True))
    for day, book in kept.items():
        assert book == pytest.approx(daily[first_of[day]])
    assert len({first_of[day] for day in kept}) == {"weekly": 13, "monthly": 2}[rebalance]


def test_a_new_book_is_entered_in_equal_steps(snapshot: Snapshot) -> None:
    kept, stepped = books(snapshot, rebalance="monthly"), books(snapshot, rebalance="monthly", holding_days=4)
    days = sorted(kept)
    changes = [i for i in range(1, len(days)) if kept[days[i]] != kept[days[i - 1]]]
    start = next(i for i in changes if i >= 4)
    before, after = kept[days[start - 1]], kept[days[start]]
    for step in range(1, 5):
        mean = {n: (step * after.get(n, 0) + (4 - step) * before.get(n, 0)) / 4 for n in before | after}
        expected = {n: w for n, w in mean.items() if abs(w) > 1e-12}
        assert stepped[days[start + step - 1]] == pytest.approx(expected)
