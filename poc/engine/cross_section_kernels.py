"""The cross-sections of each day: exposures, rank correlation. Compiled; arrays in, arrays out."""

import numpy as np

from poc.data.sort_kernels import ABSENT, count_present, longest_day
from poc.kernel import kernel

TIED = np.uint32(2**31)
"""The bit of an entry that has the value of the one before."""


@kernel
def exposures(group, n_groups, books, n_portfolios, offsets, styles, begin):
    """Exposures of each group and of each book of each day; a missing one counts as the day's mean of all groups.

    Args:
        group: (R,) 1 to `n_groups`, 0 for none.
        books: (start, row, weight) of the target books, rows counted as those of `styles`.
        styles: (K, at least begin + R) exposures; those of row r are `styles[:, begin + r]`.

    Returns:
        (T, n_groups) names of the groups and (T, n_groups, K) mean exposures, NaN where a group is empty; (T, P, K)
        weighted sums of the exposures of the books.
    """
    n_days = len(offsets) - 1
    n_styles = styles.shape[0]
    count = np.zeros((n_days, n_groups))
    mean = np.zeros((n_days, n_groups, n_styles))
    of_books = np.zeros((n_days, n_portfolios, n_styles))
    size, sums, gaps = np.zeros(n_groups + 1), np.zeros(n_groups + 1), np.zeros(n_groups + 1)
    day_mean = np.empty(n_styles)
    start, row, weight = books
    for t in range(n_days):
        day = group[offsets[t] : offsets[t + 1]]
        for g in range(n_groups + 1):
            size[g] = 0.0
        for g in day:
            size[g] += 1
        for g in range(n_groups):
            count[t, g] = size[g + 1]
        for k in range(n_styles):
            exposure = styles[k, begin + offsets[t] :]
            for g in range(n_groups + 1):
                sums[g] = gaps[g] = 0.0
            for i in range(len(day)):
                if np.isnan(exposure[i]):
                    gaps[day[i]] += 1
                else:
                    sums[day[i]] += exposure[i]
            known = day_total = 0.0
            for g in range(1, n_groups + 1):
                known += size[g] - gaps[g]
                day_total += sums[g]
            day_mean[k] = day_total / known if known > 0 else np.nan
            for g in range(1, n_groups + 1):
                some = known > 0 and size[g] > 0
                mean[t, g - 1, k] = (sums[g] + gaps[g] * day_mean[k]) / size[g] if some else np.nan
        for p in range(n_portfolios):
            book = t * n_portfolios + p
            for e in range(start[book], start[book + 1]):
                for k in range(n_styles):
                    value = styles[k, row[e]]
                    of_books[t, p, k] += weight[e] * (day_mean[k] if np.isnan(value) else value)
    return count, mean, of_books


@kernel
def daily_rank_correlation(x, x_order, x_tied, y_rank, offsets, least):
    """(T,) Spearman correlation (average ties) of two values of the same row, over the rows of a day that have both.

    Args:
        x: (R,) values, missing as NaN.
        x_order, x_tied: (R,) rows of each day in ascending order of x, the missing ones last, and (T,) False only where
            the values of a day all differ, as `sort_days` gives them.
        y_rank: (R,) rank of the other value among the distinct ones of a day, from 0, `ABSENT` where missing.
        least: fewest pairs; NaN on a day with fewer, or with a constant side.
    """
    n_days = len(offsets) - 1
    out = np.full(n_days, np.nan)
    # The rank of y in ascending order of x, with a bit where x is as before.
    pairs = np.empty(longest_day(offsets), np.uint32)
    rank = np.zeros(ABSENT, np.int32)  # of twice the ranks, from their middle: whole numbers, so the sums are exact
    for t in range(n_days):
        n = 0
        before = np.nan
        some_tied = x_tied[t]
        rows = x_order[offsets[t] : offsets[t + 1]]
        for i in range(count_present(x, rows)):
            r = np.uint32(rows[i])  # an index that may be negative would be looked at twice
            g = y_rank[r]
            if g != ABSENT:
                pairs[n] = g
                if some_tied:
                    if x[r] == before:
                        pairs[n] |= TIED
                    before = x[r]
                rank[g] += 1
                n += 1
        xx = yy = xy = np.int64(0)
        below = np.int64(0)
        n_ranks = 0
        while below < n:
            n_tied = rank[n_ranks]
            middle = 2 * below + n_tied - n
            rank[n_ranks] = middle
            yy += n_tied * middle * middle
            below += n_tied
            n_ranks += 1
        if not some_tied:  # the same as below, where each value is alone
            xx = np.int64(n * (n * n - 1) // 3)
            for i in range(n):
                xy += (2 * i + 1 - n) * rank[pairs[i]]
        else:
            first = 0
            total = np.int64(0)
            for i in range(n + 1):
                if i == n or pairs[i] < TIED:
                    middle = first + i - n
                    xx += (i - first) * middle * middle
                    xy += middle * total
                    first = i
                    total = np.int64(0)
                if i < n:
                    total += rank[pairs[i] & ~TIED]
        for g in range(n_ranks):
            rank[g] = 0
        if n >= least and xx > 0 and yy > 0:
            out[t] = xy / np.sqrt(np.float64(xx) * np.float64(yy))
    return out


@kernel
def average_ranks(values, order, offsets):
    """(R,) rank of each row within its day, from 1, equal values at the mean of their ranks; NaN where missing.

    Args:
        values: (R,) missing as NaN.
        order: (R,) rows of each day in ascending order of value, the missing ones last.
    """
    out = np.full(len(values), np.nan)
    for t in range(len(offsets) - 1):
        begin, end = offsets[t], offsets[t + 1]
        first = begin
        while first < end and not np.isnan(values[order[first]]):
            after = first + 1
            while after < end and values[order[after]] == values[order[first]]:
                after += 1
            for i in range(first, after):
                out[order[i]] = 0.5 * (first + after + 1) - begin
            first = after
    return out
