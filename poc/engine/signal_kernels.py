"""What regression takes out of a signal. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit


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
def _fill_exposure(column, exposure, rows):
    """Copy the exposure of the rows, the mean of the rest where missing; False where more than half are missing."""
    total = np.float64(0.0)  # plain Python, which the coverage runs, would add in single precision
    missing = 0
    for r in rows:
        if np.isnan(exposure[r]):
            missing += 1
        else:
            total += exposure[r]
    n = len(rows)
    if 2 * missing > n:
        return False
    for i in range(n):
        value = exposure[rows[i]]
        column[i] = total / (n - missing) if np.isnan(value) else value
    return True


@njit(cache=True, nogil=True)
def residualize(x, offsets, group, n_groups, styles, begin):
    """Residual of each day's least squares of the signal on group dummies and styles, rounded.

    Frisch-Waugh-Lovell: signal and exposures are demeaned within group, the exposures made orthonormal (Gram-Schmidt;
    one that depends on the others is left out, which gives the residual of the minimum-norm solution), and taken out.
    A missing exposure counts as the day's mean; a style that more than half of the names lack is left out.

    Args:
        x: (R,) signal, NaN where not eligible.
        group: (R,) industry index, -1 unknown, a group of its own; all 0 for a plain intercept.
        styles: (K, at least begin + R) exposures, those of row r `styles[:, begin + r]`; K = 0 for groups alone.

    Returns:
        (R,) residual, rounded to 1e-10 of the day's standard deviation of the signal.
    """
    out = np.full(len(x), np.nan)
    n_styles = styles.shape[0]
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
        basis = np.empty((n_styles, n))
        n_basis = 0
        for k in range(n_styles):
            column = basis[n_basis]
            if not _fill_exposure(column, styles[k, begin:], rows):
                continue
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
