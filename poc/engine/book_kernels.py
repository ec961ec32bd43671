"""From one signal value a panel row to books: ranks, sides, weights. Compiled; arrays in, arrays out.

A book is a run of (row, weight) entries. Portfolio p of day t is `start[t * P + p]:start[t * P + p + 1]`.
"""

import numpy as np

from poc.data.sort_kernels import count_present, longest_day, sort_few
from poc.kernel import inner, kernel

RANK, EXTREMES, SIGN, GIVEN = 0, 1, 2, 3
"""How sides are picked: by percentile, by the day's extreme values, by sign, by sign with the signal as the weight."""

FEW_GROUPS = 4
"""So many groups are told apart in a pass each: a single pass waits for the size of a group that it has just raised."""


@inner
def _tie_end(x, rows, begin):
    end = begin + 1
    while end < len(rows) and x[rows[end]] == x[rows[begin]]:
        end += 1
    return end


@inner
def _tie_begin(x, rows, end):
    begin = end - 1
    while begin > 0 and x[rows[begin - 1]] == x[rows[end - 1]]:
        begin -= 1
    return begin


@inner
def _cut(x, rows, part, parts):
    """How many of the n rows, in ascending order of x, have an average rank of at most `n * part / parts`.

    Only the equal values around that rank need a look.
    """
    n = len(rows)
    at = part * n // parts
    if at >= n:
        return n
    begin, end = _tie_begin(x, rows, at + 1), _tie_end(x, rows, at)
    return end if parts * (begin + 1 + end) <= 2 * part * n else begin


@inner
def _count(size, rows):
    """Names that get a weight."""
    if len(size) == 0:
        return len(rows)
    count = 0
    for r in rows:
        if size[r] > 0:
            count += 1
    return count


@inner
def _pick_sides(x, rows, size, how, low, high, day_low, day_high, mincos):
    """End of the short side and begin of the long side among ascending rows; empty below `mincos` names."""
    n = len(rows)
    if how == RANK:
        first, parts = np.int64(0), np.int64(100)
        short_end, long_begin = _cut(x, rows, low, parts), _cut(x, rows, high, parts)
        if n > 0 and _count(size, rows[:short_end]) < mincos:
            tied = _tie_end(x, rows, first)
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


@inner
def _quantile(ascending, q):
    at = q * (len(ascending) - 1)
    below = int(np.floor(at))
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (at - below) * (ascending[above] - ascending[below])


@inner
def _mark(marks, begin, rows, mark, size):
    """Mark the rows of a side that get a weight, counted from the first row of the day; how many they are."""
    count = 0
    for r in rows:
        if len(size) == 0 or size[r] > 0:
            marks[r - begin] = mark
            count += 1
    return count


@inner
def _write_weights(out, sign, x, side, size, how, clip_quantile, rescale):
    """Weight of each name of a side: equal, the signal's own size, or in proportion to `size`, clipped to quantiles."""
    n = len(side)
    if how == GIVEN:
        total = 0.0
        for i in range(n):
            out[i] = x[side[i]]
            total += abs(out[i])
        if rescale:
            for i in range(n):
                out[i] /= total
    elif len(size) == 0:
        for i in range(n):
            out[i] = sign / n
    else:
        for i in range(n):
            out[i] = size[side[i]]
        sort_few(out)
        least, most = out[0], out[n - 1]
        if least < most:
            least, most = _quantile(out, 1 - clip_quantile), _quantile(out, clip_quantile)
        total = 0.0
        for i in range(n):
            out[i] = min(max(np.float64(size[side[i]]), least), most)
            total += out[i]
        for i in range(n):
            out[i] *= sign / total


@inner
def _write_groups(out, x, rows, n_groups):
    """Group `ceil(n_groups * rank / n)` by average rank, 1 the lowest, of rows in ascending order of x."""
    begin = 0
    for g in range(1, n_groups + 1):
        end = _cut(x, rows, g, n_groups)
        for i in range(begin, end):
            out[rows[i]] = g
        begin = end


@inner
def _partition(rows, codes, n_groups):
    """The rows of each group in the order they come, `by_group[g, : size[g]]`; those of code -1 are in none."""
    by_group = np.empty((n_groups + 1, len(rows)), np.int32)
    size = np.zeros(n_groups + 1, np.int64)
    if n_groups > FEW_GROUPS:
        for r in rows:
            g = codes[r]  # -1: after the last group
            by_group[g, size[g]] = r
            size[g] += 1
        return by_group, size
    code = np.empty(len(rows), codes.dtype)
    for i in range(len(rows)):
        code[i] = codes[rows[i]]
    for g in range(n_groups):
        n = 0
        for i in range(len(rows)):
            by_group[g, n] = rows[i]
            n += code[i] == g
        size[g] = n
    return by_group, size


@kernel
def day_groups(values, order, offsets, n_groups):
    """(R,) group `ceil(n_groups * rank / n) - 1` of each row within its day by average rank, -1 where missing.

    Args:
        values: (R,) NaN where missing.
        order: (R,) rows of each day in ascending order of value, the missing ones last.
    """
    out = np.zeros(len(values), np.int16)
    for t in range(len(offsets) - 1):
        day_rows = order[offsets[t] : offsets[t + 1]]
        rows = day_rows[: count_present(values, day_rows)]
        _write_groups(out, values, rows, n_groups)
    return out - np.int16(1)


@inner
def _sides_within(rows, x, size, codes, n_groups, how, low, high, mincos, long_only):
    """The union of the sides within each group of a double sort; a group with one side only has none.

    Args:
        rows: rows in ascending order of x.
        codes: (R,) group of each row, -1 none.
        how: RANK.

    Returns:
        The rows of both sides, the short ones first, the end of the short side and the begin of the long one.
    """
    by_group, n_inside = _partition(rows, codes, n_groups)
    short, long = np.empty(len(rows), np.int32), np.empty(len(rows), np.int32)
    n_short = n_long = 0
    one_name = min(mincos, 1)
    for g in range(n_groups):
        inside = by_group[g, : n_inside[g]]
        short_end, long_begin = _pick_sides(x, inside, size, how, low, high, 0.0, 0.0, one_name)
        if long_begin < len(inside) and (short_end > 0 or long_only):
            for r in inside[:short_end]:
                short[n_short] = r
                n_short += 1
            for r in inside[long_begin:]:
                long[n_long] = r
                n_long += 1
    if _count(size, short[:n_short]) < mincos:
        n_short = 0
    if _count(size, long[:n_long]) < mincos:
        n_long = 0
    for i in range(n_long):
        short[n_short + i] = long[i]
    return short[: n_short + n_long], n_short, n_short


@kernel
def form_books(
    x, order, size, offsets, slice_codes, slice_groups, sort_code, n_sort_groups, how, fractile, mincos, clip_quantile,
    long_only, rescale
):  # fmt: skip
    """Target books of every day, for all names and for each group of each slice.

    Args:
        x: (R,) signal, NaN where not eligible.
        order: (R,) rows of each day in ascending order of x, equal ones in a fixed order, the missing ones last.
        size: (R,) what weights are in proportion to; NaN and 0: no weight, not counted. Empty for equal weights.
        slice_codes: (S, R) group of each row in each slice, -1 none.
        slice_groups: (S,) number of groups of each slice; P = 1 + their sum.
        sort_code: (R,) group within which a row is ranked, -1 none; None where there is no double sort.
        how: RANK, EXTREMES, SIGN or GIVEN.
        fractile: (low, high) percentiles.
        mincos: (names a side for all, names a side in a group).
        rescale: for GIVEN: make each side sum to one.

    Returns:
        (T * P + 1,) start of each book; (entries,) row and (entries,) weight, the short side of a book first, a side in
        the order of rows; (T,) number of names ranked; (T, 2) names short and long among all; and (R,) fractile of each
        name among all, of `round(100 / low)`, 1 the lowest, 0 where there is no signal.
    """
    n_days = len(offsets) - 1
    n_portfolios = 1
    most_groups = 1
    for n_groups in slice_groups:
        n_portfolios += n_groups
        most_groups = max(most_groups, n_groups)
    start = np.zeros(n_days * n_portfolios + 1, np.int64)
    n_ranked = np.zeros(n_days, np.int64)
    n_sides = np.zeros((n_days, 2), np.int64)
    fractile_of = np.zeros(len(x), np.uint8)
    n_fractiles = int(np.rint(100 / fractile[0]))
    room = len(x) * (1 + len(slice_groups))
    book_row = np.empty(room, np.int32)
    book_weight = np.empty(room)
    longest = longest_day(offsets)
    marks = np.zeros(longest, np.int32)  # 1 + 2 * group for a short name, one more for a long one
    picked = np.empty(longest + 1, np.int32)
    free = np.zeros(2 * most_groups + 1, np.int64)
    whole = np.zeros(1, np.int64)
    used = 0
    for t in range(n_days):
        begin, end = offsets[t], offsets[t + 1]
        n = count_present(x, order[begin:end])
        day_rows = order[begin : begin + n]
        n_ranked[t] = n
        day_low = x[day_rows[0]] if n > 0 else 0.0
        day_high = x[day_rows[n - 1]] if n > 0 else 0.0
        _write_groups(fractile_of, x, day_rows, n_fractiles)
        whole[0] = n
        book = t * n_portfolios
        for j in range(-1, len(slice_groups)):
            by_group, n_inside, n_groups = day_rows.reshape(1, n), whole, 1
            if j >= 0:
                n_groups = slice_groups[j]
                by_group, n_inside = _partition(day_rows, slice_codes[j], n_groups)
            least = mincos[0] if j < 0 else mincos[1]
            for g in range(n_groups):
                rows = by_group[g, : n_inside[g]]
                if sort_code is not None:  # numba compiles the branch that the argument takes alone
                    rows, short_end, long_begin = _sides_within(
                        rows, x, size, sort_code, n_sort_groups, how, fractile[0], fractile[1], least, long_only
                    )
                else:
                    short_end, long_begin = _pick_sides(
                        x, rows, size, how, fractile[0], fractile[1], day_low, day_high, least
                    )
                if long_only:
                    short_end = 0
                n_short = n_long = 0
                if long_begin < len(rows) and (short_end > 0 or long_only):
                    n_short = _mark(marks, begin, rows[:short_end], 2 * g + 1, size)
                    n_long = _mark(marks, begin, rows[long_begin:], 2 * g + 2, size)
                if j < 0:
                    n_sides[t, 0] = n_short
                    n_sides[t, 1] = n_long
                free[2 * g + 1] = used
                free[2 * g + 2] = used + n_short
                used += n_short + n_long
                start[book + g + 1] = used
            n_picked = 0
            for i in range(end - begin):
                picked[n_picked] = i
                n_picked += marks[i] != 0
            for i in picked[:n_picked]:
                mark = marks[i]
                book_row[free[mark]] = begin + i
                free[mark] += 1
                marks[i] = 0
            for g in range(n_groups):
                middle = free[2 * g + 1]  # where the short side has come to its end
                for a, b, sign in ((start[book + g], middle, -1.0), (middle, start[book + g + 1], 1.0)):
                    if a < b:
                        weights = book_weight[a:b]
                        _write_weights(weights, sign, x, book_row[a:b], size, how, clip_quantile, rescale)
            book += n_groups
    return start, book_row[:used], book_weight[:used], n_ranked, n_sides, fractile_of
