"""What regression takes out of a signal. Compiled; arrays in, arrays out."""

import numpy as np

from poc.data.sort_kernels import longest_day
from poc.kernel import inner, kernel


@inner
def _subtract_group_means(column, group, mean, count):
    """Demean within group; `count` is the size of each, `mean` a buffer for as many."""
    for g in range(len(mean)):
        mean[g] = 0.0
    for i in range(len(column)):
        mean[group[i]] += column[i]
    for g in range(len(mean)):
        mean[g] /= max(count[g], 1)
    for i in range(len(column)):
        column[i] -= mean[group[i]]


@inner
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


@inner
def _length(column):
    """Euclidean norm."""
    squares = 0.0
    for value in column:
        squares += value * value
    return np.sqrt(squares)


@inner
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


@kernel
def residualize(x, offsets, group, n_groups, styles, n_styles, begin):
    """Residual of each day's least squares of the signal on group dummies and styles, rounded.

    Frisch-Waugh-Lovell: signal and exposures are demeaned within group, the exposures made orthonormal (Gram-Schmidt;
    one that depends on the others is left out, which gives the residual of the minimum-norm solution), and taken out.
    A missing exposure counts as the day's mean; a style that more than half of the names lack is left out.

    Args:
        x: (R,) signal, NaN where not eligible.
        group: (R,) industry index, -1 unknown, a group of its own; all 0 for a plain intercept.
        styles: (K, at least begin + R) exposures, those of row r `styles[:, begin + r]`.
        n_styles: K, or 0 for groups alone.

    Returns:
        (R,) residual, rounded to 1e-10 of the day's standard deviation of the signal.
    """
    out = np.full(len(x), np.nan)
    longest = longest_day(offsets)
    day_rows, day_groups = np.empty(longest, np.int64), np.empty(longest, np.int64)
    day_values, basis = np.empty(longest), np.empty((n_styles, longest))
    mean, count = np.empty(n_groups + 1), np.empty(n_groups + 1, np.int64)
    for t in range(len(offsets) - 1):
        for g in range(n_groups + 1):
            count[g] = 0
        n = 0
        total = squares = np.float64(0.0)
        low, high = np.inf, -np.inf
        for r in range(offsets[t], offsets[t + 1]):
            if not np.isnan(x[r]):
                g = group[r] if group[r] >= 0 else n_groups
                count[g] += 1
                day_rows[n], day_groups[n], day_values[n] = r, g, x[r]
                total += x[r]
                low, high = min(low, x[r]), max(high, x[r])
                n += 1
        if n == 0:
            continue
        rows, groups, residual = day_rows[:n], day_groups[:n], day_values[:n]
        for value in residual:
            squares += (value - total / n) ** 2
        unit = 1e-10 * np.sqrt(squares / n) if low < high else 0.0  # of equal values it is not exact
        _subtract_group_means(residual, groups, mean, count)
        n_basis = np.int64(0)
        for k in range(n_styles):
            column = basis[n_basis][:n]
            if not _fill_exposure(column, styles[k, begin:], rows):
                continue
            scale = _length(column)
            _subtract_group_means(column, groups, mean, count)
            _project_out(column, basis, n_basis)
            norm = _length(column)
            if norm > 1e-10 * scale:
                for i in range(n):
                    column[i] /= norm
                n_basis += 1
        _project_out(residual, basis, n_basis)
        for i in range(n):
            out[rows[i]] = np.rint(residual[i] / unit) * unit if unit > 0 else 0.0
    return out
