"""From one signal value a panel row to books: ranks, sides, weights. Compiled; arrays in, arrays out.

A book is a run of (row, weight) entries. Portfolio p of day t is `start[t * P + p]:start[t * P + p + 1]`.
"""

import numpy as np
from numba import njit

RANK, EXTREMES, SIGN, GIVEN = 0, 1, 2, 3
"""How sides are picked: by percentile, by the day's extreme values, by sign, by sign with the signal as the weight."""


@njit(cache=True, nogil=True)
def _tie_end(x, rows, begin):
    end = begin + 1
    while end < len(rows) and x[rows[end]] == x[rows[begin]]:
        end += 1
    return end


@njit(cache=True, nogil=True)
def _tie_begin(x, rows, end):
    begin = end - 1
    while begin > 0 and x[rows[begin - 1]] == x[rows[end - 1]]:
        begin -= 1
    return begin


@njit(cache=True, nogil=True)
def _rank_sides(x, rows, low, high):
    """End of the short side and begin of the long side, by percentile of the average rank."""
    n = len(rows)
    short_end = 0
    while short_end < n:
        end = _tie_end(x, rows, short_end)
        if np.ceil(100.0 * (0.5 * (short_end + 1 + end)) / n) > low:
            break
        short_end = end
    long_begin = n
    while long_begin > 0:
        begin = _tie_begin(x, rows, long_begin)
        if np.ceil(100.0 * (0.5 * (begin + 1 + long_begin)) / n) <= high:
            break
        long_begin = begin
    return short_end, long_begin


@njit(cache=True, nogil=True)
def _count(size, rows):
    count = 0
    for r in rows:
        if size[r] > 0:
            count += 1
    return count


@njit(cache=True, nogil=True)
def _pick_sides(x, rows, size, how, low, high, day_low, day_high, mincos):
    """End of the short side and begin of the long side among ascending rows; empty below `mincos` names."""
    n = len(rows)
    if how == RANK:
        short_end, long_begin = _rank_sides(x, rows, low, high)
        if n > 0 and _count(size, rows[:short_end]) < mincos:
            tied = _tie_end(x, rows, 0)
            short_end = tied if 10 * tied <= 4 * n else 0
        if n > 0 and _count(size, rows[long_begin:]) < mincos:
            begin = _tie_begin(x, rows, n)
            long_begin = begin if 10 * (n - begin) <= 4 * n else n
    else:
        short_below = day_low if how == EXTREMES else -1e-300
        long_above = day_high if how == EXTREMES else 1e-300
        short_end = 0
        long_begin = n
        if day_low < day_high or how != EXTREMES:
            while short_end < n and x[rows[short_end]] <= short_below:
                short_end += 1
            while long_begin > 0 and x[rows[long_begin - 1]] >= long_above:
                long_begin -= 1
    if _count(size, rows[:short_end]) < mincos:
        short_end = 0
    if _count(size, rows[long_begin:]) < mincos:
        long_begin = n
    return short_end, long_begin


@njit(cache=True, nogil=True)
def _quantile(ascending, q):
    at = q * (len(ascending) - 1)
    below = int(np.floor(at))
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (at - below) * (ascending[above] - ascending[below])


@njit(cache=True, nogil=True)
def _side_weights(size, clip_quantile):
    """Weights in proportion to size, clipped to quantiles of the positive sizes; they sum to one."""
    positive = size[size > 0].astype(np.float64)
    least = positive.min()
    most = positive.max()
    if least < most:
        positive = np.sort(positive)
        least = _quantile(positive, 1 - clip_quantile)
        most = _quantile(positive, clip_quantile)
    weights = np.zeros(len(size))
    total = 0.0
    for i in range(len(size)):
        if size[i] > 0:
            weights[i] = min(max(size[i], least), most)
            total += weights[i]
    return weights / total


@njit(cache=True, nogil=True)
def _write_groups(out, x, rows, n_groups):
    """Group `ceil(n_groups * rank / n)` by average rank, 1 the lowest, of rows in ascending order of x."""
    n = len(rows)
    begin = 0
    while begin < n:
        end = _tie_end(x, rows, begin)
        group = int(np.ceil(n_groups * (0.5 * (begin + 1 + end)) / n))
        for i in range(begin, end):
            out[rows[i]] = group
        begin = end


@njit(cache=True, nogil=True)
def _partition(rows, codes, n_groups):
    """The rows by group, in the order they come, and where each group starts (n_groups + 1,); code -1 is left out."""
    start = np.zeros(n_groups + 1, np.int64)
    for r in rows:
        if codes[r] >= 0:
            start[codes[r] + 1] += 1
    start = np.cumsum(start)
    free = start.copy()
    out = np.empty(start[n_groups], rows.dtype)
    for r in rows:
        if codes[r] >= 0:
            out[free[codes[r]]] = r
            free[codes[r]] += 1
    return out, start


@njit(cache=True, nogil=True)
def day_groups(values, order, offsets, n_groups):
    """(R,) group `ceil(n_groups * rank / n) - 1` of each row within its day by average rank, -1 where missing.

    Args:
        values: (R,) NaN where missing.
        order: (R,) rows of each day in ascending order of value, the missing ones last.
    """
    out = np.zeros(len(values), np.int32)
    for t in range(len(offsets) - 1):
        n = np.sum(~np.isnan(values[offsets[t] : offsets[t + 1]]))
        rows = order[offsets[t] : offsets[t] + n]
        _write_groups(out, values, rows, n_groups)
    return out - np.int32(1)


@njit(cache=True, nogil=True)
def _sides_within(rows, x, size, codes, n_groups, low, high, mincos, long_only):
    """The union of the sides within each group of a double sort; a group with one side only has none.

    Args:
        rows: rows in ascending order of x.
        codes: (R,) group of each row, -1 none.

    Returns:
        The rows of both sides, the short ones first, the end of the short side and the begin of the long one.
    """
    by_group, start = _partition(rows, codes, n_groups)
    side = np.zeros(len(by_group), np.int8)
    for g in range(n_groups):
        inside = by_group[start[g] : start[g + 1]]
        short_end, long_begin = _pick_sides(x, inside, size, RANK, low, high, 0.0, 0.0, 1)
        if long_begin < len(inside) and (short_end > 0 or long_only):
            side[start[g] : start[g] + short_end] = -1
            side[start[g] + long_begin : start[g + 1]] = 1
    short = by_group[side < 0]
    long = by_group[side > 0]
    if _count(size, short) < mincos:
        short = short[:0]
    if _count(size, long) < mincos:
        long = long[:0]
    return np.concatenate((short, long)), len(short), len(short)


@njit(cache=True, nogil=True)
def form_books(
    x, order, size, offsets, slice_codes, slice_groups, sort_code, n_sort_groups, how, fractile, mincos, clip_quantile,
    long_only, rescale
):  # fmt: skip
    """Target books of every day, for all names and for each group of each slice.

    Args:
        x: (R,) signal, NaN where not eligible.
        order: (R,) rows of each day in ascending order of x, the missing ones last.
        size: (R,) what weights are in proportion to; 1 for equal weights. NaN and 0: no weight, not counted.
        slice_codes: (S, R) group of each row in each slice, -1 none.
        slice_groups: (S,) number of groups of each slice; P = 1 + their sum.
        sort_code: (R,) group within which a row is ranked, -1 none; empty where there is no double sort.
        how: RANK, EXTREMES, SIGN or GIVEN.
        fractile: (low, high) percentiles.
        mincos: (names a side for all, names a side in a group).
        rescale: for GIVEN: make each side sum to one.

    Returns:
        (T * P + 1,) start of each book, (entries,) panel row, (entries,) weight, (T,) number of names ranked, and (R,)
        fractile of each name among all, of `round(100 / low)`, 1 the lowest, 0 where there is no signal.
    """
    n_days = len(offsets) - 1
    n_portfolios = 1 + slice_groups.sum()
    start = np.zeros(n_days * n_portfolios + 1, np.int64)
    n_ranked = np.zeros(n_days, np.int64)
    group = np.zeros(len(x), np.uint8)
    n_groups = int(np.rint(100 / fractile[0]))
    book_row = np.empty(1024, np.int32)
    book_weight = np.empty(1024)
    used = 0
    for t in range(n_days):
        n = np.sum(~np.isnan(x[offsets[t] : offsets[t + 1]]))
        day_rows = order[offsets[t] : offsets[t] + n]
        n_ranked[t] = n
        day_low = x[day_rows[0]] if n > 0 else 0.0
        day_high = x[day_rows[n - 1]] if n > 0 else 0.0
        _write_groups(group, x, day_rows, n_groups)
        whole = np.array([0, n])
        room = used + n * (1 + len(slice_groups))
        if room > len(book_row):
            book_row = np.concatenate((book_row, np.empty(room, np.int32)))
            book_weight = np.concatenate((book_weight, np.empty(room)))
        p = 0
        for j in range(-1, len(slice_groups)):
            by_group, group_start = (
                _partition(day_rows, slice_codes[j], slice_groups[j]) if j >= 0 else (day_rows, whole)
            )
            for g in range(slice_groups[j] if j >= 0 else 1):
                rows = by_group[group_start[g] : group_start[g + 1]]
                least = mincos[0] if j < 0 else mincos[1]
                if len(sort_code) > 0:
                    rows, short_end, long_begin = _sides_within(
                        rows, x, size, sort_code, n_sort_groups, fractile[0], fractile[1], least, long_only
                    )
                else:
                    short_end, long_begin = _pick_sides(
                        x, rows, size, how, fractile[0], fractile[1], day_low, day_high, least
                    )
                if long_only:
                    short_end = 0
                if long_begin < len(rows) and (short_end > 0 or long_only):
                    for sign in (-1.0, 1.0):
                        side = rows[:short_end] if sign < 0 else rows[long_begin:]
                        side = np.sort(side)  # so that sums do not depend on the order of equal signals
                        if len(side) == 0:
                            continue
                        if how == GIVEN:
                            weights = np.abs(x[side])
                            if rescale:
                                weights = weights / weights.sum()
                        else:
                            weights = _side_weights(size[side], clip_quantile)
                        for i in range(len(side)):
                            if weights[i] > 0:
                                book_row[used] = side[i]
                                book_weight[used] = sign * weights[i]
                                used += 1
                start[t * n_portfolios + p + 1] = used
                p += 1
    return start, book_row[:used].copy(), book_weight[:used].copy(), n_ranked, group


@njit(cache=True, nogil=True)
def book_exposures(start, book_row, book_weight, n_portfolios, styles, style_mean):
    """(T, P, K) weighted sum of exposures of each target book; a missing one counts as the day's mean."""
    n_days, n_styles = style_mean.shape
    out = np.zeros((n_days, n_portfolios, n_styles))
    for t in range(n_days):
        for p in range(n_portfolios):
            book = t * n_portfolios + p
            for e in range(start[book], start[book + 1]):
                for k in range(n_styles):
                    exposure = styles[k, book_row[e]]
                    out[t, p, k] += book_weight[e] * (style_mean[t, k] if np.isnan(exposure) else exposure)
    return out
