import numpy as np
import pandas as pd

from poc.reporting.plot_parts import line_look, line_trace


def test_twelve_lines_of_one_plot_all_look_different() -> None:
    assert len({tuple(line_look(place).values()) for place in range(12)}) == 12


def test_a_long_line_is_thinned_and_keeps_its_ends_and_extremes() -> None:
    days = pd.bdate_range("1993-01-04", periods=6300)
    values = pd.Series(np.random.default_rng(1).normal(size=6300))
    line = line_trace(days.to_series(), values, "net")
    shown = pd.Series(np.asarray(line.y, float), index=pd.to_datetime(list(line.x)))
    assert 2100 <= len(shown) <= 2104
    full = pd.Series(values.to_numpy(), index=days)
    np.testing.assert_allclose(shown, full[shown.index], rtol=1e-6)
    assert {full.index[0], full.index[-1], full.idxmin(), full.idxmax()} <= set(shown.index)
    assert len(line_trace(days[:3000].to_series(), values[:3000], "net").x) == 3000
    assert len(line_trace(days[:0].to_series(), values[:0], "net").x) == 0
