"""What the ranking of some signals leaves of the ranking of another. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit

from poc.data.sort_kernels import longest_day


@njit(cache=True, nogil=True)
def rank_residuals(values, orders, offsets):
    """Residual of each day's least squares of the ranks of a signal on an intercept and the ranks of others.

    Ranks are among the names with the signal. A name without one of the others takes its mean rank; one that more than
    half of the names lack is left out that day, as is one that depends on those before it.

    Args:
        values: (K, R) of the others, then of the signal; NaN where missing.
        orders: (K, R) rows of each day in ascending order of value, the missing ones last.

    Returns:
        (R,) rounded to 1e-10 of the day's standard deviation of the ranks, NaN where the signal is.
    """
    n_signals, n_rows = values.shape
    own = n_signals - 1
    out = np.full(n_rows, np.nan)
    place = np.empty(n_rows, np.int32)
    rows = np.empty(longest_day(offsets), np.int32)
    basis = np.empty((n_signals, len(rows)), np.float64)
    for t in range(len(offsets) - 1):
        n = 0
        for r in orders[own, offsets[t] : offsets[t + 1]]:
            if np.isnan(values[own, r]):
                break
            place[r] = n
            n += 1
        n_basis = 0
        for k in range(n_signals):
            m = 0
            for r in orders[k, offsets[t] : offsets[t + 1]]:
                if np.isnan(values[k, r]):
                    break
                if not np.isnan(values[own, r]):
                    rows[m] = r
                    m += 1
            if 2 * m < n:
                continue
            column = basis[n_basis, :n]
            for i in range(n):
                column[i] = 0.0
            first = 0
            while first < m:  # average ranks less their mean
                end = first + 1
                while end < m and values[k, rows[end]] == values[k, rows[first]]:
                    end += 1
                for i in range(first, end):
                    column[place[rows[i]]] = 0.5 * (first + end - m)
                first = end
            squares = np.dot(column, column)
            for _ in range(2):  # because taking them out once leaves rounding behind
                for b in range(n_basis):
                    share = np.dot(basis[b, :n], column)
                    for i in range(n):
                        column[i] -= share * basis[b, i]
            if k == own:
                unit = 1e-10 * np.sqrt(squares / n) if n > 0 else 0.0
                for i in range(n):
                    out[rows[i]] = np.rint(column[i] / unit) * unit if unit > 0 else 0.0
                continue
            norm = np.sqrt(np.dot(column, column))
            if norm > 1e-10 * np.sqrt(squares):
                for i in range(n):
                    column[i] /= norm
                n_basis += 1
    return out
