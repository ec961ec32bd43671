from statistics import mean, median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.stats.impact import ImpactCost, impact_cost, scale_at

LEAST = 10e-4
POWER = (0.35, 0.4)


def _by_loop(trades: list[tuple[int, float, float]], n_days: int, scale: float) -> list[float]:
    """The cost of each day, as docs/methodology.md has it; a negative unit cost stands for an unknown one."""
    days = []
    for day in range(n_days):
        known = [scale * unit for t, _, unit in trades if t == day and unit >= 0]
        fallback = max(LEAST, median(known)) if known else LEAST
        days.append(sum(s * (scale * unit if unit >= 0 else fallback) for t, s, unit in trades if t == day))
    return days


def _cost(trades: list[tuple[int, float, float]], n_days: int) -> ImpactCost:
    day, size, unit = map(list, zip(*trades, strict=True))
    unit_cost = np.array([cost if cost >= 0 else np.nan for cost in unit])
    return impact_cost(np.array(day), np.array(size), unit_cost, n_days=n_days, least=LEAST)


TRADES = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0.001, 1.0), st.one_of(st.just(-1.0), st.floats(1e-6, 0.01))),
    min_size=1,
    max_size=12,
).map(sorted)


@given(TRADES, st.floats(0.0, 100.0))
def test_the_cost_at_any_scale_is_that_of_pricing_every_trade_again(trades, scale) -> None:  # type: ignore[no-untyped-def]  # drawn
    assert _cost(trades, 5).at(scale) == pytest.approx(_by_loop(trades, 5, scale), rel=1e-12, abs=1e-15)


@given(TRADES, st.floats(0.001, 100.0))
def test_the_scale_of_a_cost_is_found_again(trades, scale) -> None:  # type: ignore[no-untyped-def]  # drawn
    cost = _cost(trades, 4)
    found = scale_at(cost, mean(_by_loop(trades, 4, scale)))
    if all(unit < 0 for _, _, unit in trades):
        assert np.isnan(found)
    else:
        assert found == pytest.approx(scale, rel=1e-9)


def test_a_cost_below_what_unknown_names_pay_at_least_has_no_scale() -> None:
    cost = _cost([(0, 0.5, -1.0), (0, 0.5, 0.002)], 1)
    assert np.isnan(scale_at(cost, 0.4 * LEAST))
    assert scale_at(cost, 0.5 * LEAST) == pytest.approx(0, abs=1e-12)
