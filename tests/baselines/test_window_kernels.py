"""Windows over a ragged panel against a slice of a dense table for every row."""

import numpy as np
import pytest

from poc.baselines.window_kernels import TILE, over_window

N_DAYS, N_SECURITIES, LEAST = 40, 2 * TILE + 9, 3


@pytest.mark.parametrize("compound", [False, True])
@pytest.mark.parametrize(("window", "skip"), [(5, 0), (7, 3), (60, 0)])
def test_each_row_combines_its_own_window(window: int, skip: int, compound: bool) -> None:
    rng = np.random.default_rng(5)
    there = rng.random((N_DAYS, N_SECURITIES)) < 0.6
    table = np.where(there & (rng.random(there.shape) < 0.9), rng.normal(0, 0.1, there.shape), np.nan)
    day, security = np.nonzero(there)
    out, count = np.empty(len(day)), np.empty(len(day), np.int32)
    over_window(
        table[there], security.astype(np.int32), np.searchsorted(day, np.arange(N_DAYS + 1)), N_SECURITIES, window,
        skip, LEAST, compound, out, count,
    )  # fmt: skip
    for row, (t, s) in enumerate(zip(day, security, strict=True)):
        values = table[max(t - skip - window + 1, 0) : max(t - skip + 1, 0), s]
        values = values[~np.isnan(values)]
        expected = np.prod(1 + values) if compound else values.sum()
        assert count[row] == len(values)
        np.testing.assert_allclose(out[row], expected if len(values) >= LEAST else np.nan, rtol=1e-12, atol=1e-14)
