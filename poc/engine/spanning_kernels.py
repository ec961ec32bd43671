"""What the ranking of some signals leaves of the ranking of another. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit

from poc.data.sort_kernels import longest_day


@njit(cache=True, nogil=True)
def _centred_ranks(ranks, place, rows, values):
    """Write average ranks less their mean, of rows in ascending order of value; `place` is where each row stands."""
    n = len(rows)
    first = 0
    while first < n:
        end = first + 1
        while end < n and values[rows[end]] == values[rows[first]]:
            end += 1
        for i in range(first, end):
            ranks[place[rows[i]]] = 0.5 * (first + 1 + end) - 0.5 * (n + 1)
        first = end


@njit(cache=True, nogil=True)
def _take_out(column, basis, n_basis):
    """Take orthonormal columns out of another; twice, because once leaves rounding behind."""
    for _ in range(2):
        for k in range(n_basis):
            column -= np.dot(basis[k], column) * basis[k]


@njit(cache=True, nogil=True)
def rank_residuals(x, x_order, others, other_orders, offsets):
    """Residual of each day's least squares of the ranks of x on an intercept and the ranks of other signals.

    Ranks are among the names with x. A name without one of the others takes its mean rank; one that more than half of
    the names lack is left out that day, as is one that depends on those before it.

    Args:
        x: (R,) NaN where missing.
        others: (K, R), the same.
        x_order, other_orders: (R,) and (K, R) rows of each day in ascending order of value, the missing ones last.

    Returns:
        (R,) rounded to 1e-10 of the day's standard deviation of the ranks, NaN where x is.
    """
    out = np.full(len(x), np.nan)
    place = np.empty(len(x), np.int32)
    kept = np.empty(longest_day(offsets), x_order.dtype)
    for t in range(len(offsets) - 1):
        n = 0
        for r in x_order[offsets[t] : offsets[t + 1]]:
            if np.isnan(x[r]):
                break
            place[r] = n
            n += 1
        if n == 0:
            continue
        rows = x_order[offsets[t] : offsets[t] + n]
        residual = np.zeros(n)
        _centred_ranks(residual, place, rows, x)
        unit = 1e-10 * np.sqrt(np.mean(residual * residual))
        basis = np.empty((len(others), n))
        n_basis = 0
        for k in range(len(others)):
            m = 0
            for r in other_orders[k, offsets[t] : offsets[t + 1]]:
                if np.isnan(others[k, r]):
                    break
                if not np.isnan(x[r]):
                    kept[m] = r
                    m += 1
            if 2 * m < n:
                continue
            column = basis[n_basis]
            column[:] = 0.0
            _centred_ranks(column, place, kept[:m], others[k])
            scale = np.sqrt(np.dot(column, column))
            _take_out(column, basis, n_basis)
            norm = np.sqrt(np.dot(column, column))
            if norm > 1e-10 * scale:
                column /= norm
                n_basis += 1
        _take_out(residual, basis, n_basis)
        for i in range(n):
            out[rows[i]] = np.rint(residual[i] / unit) * unit if unit > 0 else 0.0
    return out
