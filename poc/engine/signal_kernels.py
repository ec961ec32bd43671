"""What regression takes out of a signal. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def daily_style_means(x, styles, offsets):
    """(T, K) mean exposure over the rows of the day with a signal, and (T, K) how many of them lack the exposure."""
    n_styles = styles.shape[0]
    n_days = len(offsets) - 1
    mean = np.full((n_days, n_styles), np.nan)
    missing = np.zeros((n_days, n_styles), np.int64)
    for k in range(n_styles):
        for t in range(n_days):
            total = np.float64(0.0)  # plain Python, which the coverage runs, would add in single precision
            count = 0
            for r in range(offsets[t], offsets[t + 1]):
                if np.isnan(x[r]):
                    continue
                if np.isnan(styles[k, r]):
                    missing[t, k] += 1
                else:
                    total += styles[k, r]
                    count += 1
            if count > 0:
                mean[t, k] = total / count
    return mean, missing


@njit(cache=True, nogil=True)
def _subtract_group_means(column, group, n_groups):
    total = np.zeros(n_groups)
    count = np.zeros(n_groups)
    for i in range(len(column)):
        total[group[i]] += column[i]
        count[group[i]] += 1
    for i in range(len(column)):
        column[i] -= total[group[i]] / count[group[i]]


@njit(cache=True, nogil=True)
def _project_out(column, basis, n_basis):
    """Take the orthonormal columns out of `column`; twice, because once leaves rounding behind."""
    for _ in range(2):
        for k in range(n_basis):
            q = basis[k]
            dot = 0.0
            for i in range(len(column)):
                dot += q[i] * column[i]
            for i in range(len(column)):
                column[i] -= dot * q[i]


@njit(cache=True, nogil=True)
def residualize(x, offsets, group, n_groups, styles, style_mean, style_missing):
    """Residual of each day's least squares of the signal on group dummies and styles, rounded.

    Frisch-Waugh-Lovell: signal and exposures are demeaned within group, the exposures made orthonormal (Gram-Schmidt;
    one that depends on the others is left out, which gives the residual of the minimum-norm solution), and taken out.

    Args:
        x: (R,) signal, NaN where not eligible.
        group: (R,) industry index, -1 unknown, a group of its own; all 0 for a plain intercept.
        styles: (K, R) exposures; K = 0 for groups alone.
        style_mean, style_missing: (T, K) as `daily_style_means` gives them.

    Returns:
        (R,) residual, rounded to 1e-10 of the day's standard deviation of the signal.
    """
    out = np.full(len(x), np.nan)
    for t in range(len(offsets) - 1):
        rows = offsets[t] + np.flatnonzero(~np.isnan(x[offsets[t] : offsets[t + 1]]))
        n = len(rows)
        if n == 0:
            continue
        residual = x[rows]
        unit = 1e-10 * np.std(residual) if residual.min() < residual.max() else 0.0  # of equal values it is not exact
        groups = np.empty(n, np.int64)
        for i in range(n):
            groups[i] = group[rows[i]] if group[rows[i]] >= 0 else n_groups
        _subtract_group_means(residual, groups, n_groups + 1)
        basis = np.empty((styles.shape[0], n))
        n_basis = 0
        for k in range(styles.shape[0]):
            if 2 * style_missing[t, k] > n:
                continue
            column = basis[n_basis]
            for i in range(n):
                exposure = styles[k, rows[i]]
                column[i] = style_mean[t, k] if np.isnan(exposure) else exposure
            scale = np.sqrt(np.sum(column * column))
            _subtract_group_means(column, groups, n_groups + 1)
            _project_out(column, basis, n_basis)
            norm = np.sqrt(np.sum(column * column))
            if norm > 1e-10 * scale:
                column /= norm
                n_basis += 1
        _project_out(residual, basis, n_basis)
        for i in range(n):
            out[rows[i]] = np.rint(residual[i] / unit) * unit if unit > 0 else 0.0
    return out
