"""How long a signal keeps its ranks."""

from collections.abc import Mapping

import numpy as np

LEAST_CORRELATION = 0.01
"""A smaller autocorrelation counts as this, so that it has a logarithm."""


def half_life(autocorrelation: Mapping[int, float]) -> float:
    """Days until the rank autocorrelation is one half.

    Between two measured lags it falls by the same factor every day, as that of an autoregression of order one does;
    lag 0 has 1. The first pair of lags that spans one half decides. Where none does, the fall from lag 0 to the last
    lag is carried on.

    Args:
        autocorrelation: by lag in days, ascending.

    Returns:
        Days; infinite where the last lag shows no fall, NaN where there is no lag or one is undefined.
    """
    lags, values = [0, *autocorrelation], [1.0, *autocorrelation.values()]
    if len(lags) < 2 or np.isnan(values).any():
        return float("nan")
    logs = np.log(np.maximum(values, LEAST_CORRELATION))
    for i in range(1, len(lags)):
        if values[i] <= 0.5:
            step = (np.log(0.5) - logs[i - 1]) / (logs[i] - logs[i - 1])
            return float(lags[i - 1] + step * (lags[i] - lags[i - 1]))
    return float(lags[-1] * np.log(0.5) / logs[-1]) if logs[-1] < 0 else float("inf")
