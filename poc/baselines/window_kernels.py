"""Sums and products over the past trading days of each security. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def over_window(values, day, order, start, n_days, window, skip, least, compound, out, count):
    """Combine a security's values over the `window` trading days that end `skip` days before each row.

    Trading days are cut into blocks of `window` days. A window is then the end of one block and the beginning of the
    next, so two values are combined for any window length. Nothing is ever taken out again, as a running sum would
    do: no rounding builds up, and no result depends on a value outside its window.

    Args:
        values: (R,) one a row; NaN is left out.
        day: (R,) trading day of each row.
        order, start: rows by security, in the order of days: those of security s are `order[start[s]:start[s + 1]]`.
        least: fewest values in a window.
        compound: multiply 1 + value, else add.
        out: (R,) float64, written; NaN where there are fewer than `least` values.
        count: (R,) int32, written: values in the window.
    """
    series = np.empty(n_days)  # of the security at hand, by day from the beginning of the block of its first row
    to_day = np.empty(n_days)  # from the beginning of the block of a day to the day
    from_day = np.empty(n_days)  # from the day to the end of its block, where the day is not the first of it
    present = np.zeros(n_days + 1, np.int32)  # before the day
    neutral = 1.0 if compound else 0.0
    for s in range(len(start) - 1):
        if start[s] == start[s + 1]:
            continue
        begin = day[order[start[s]]] // window * window
        n = day[order[start[s + 1] - 1]] + 1 - begin
        series[:n] = neutral
        present[: n + 1] = 0
        for j in range(start[s], start[s + 1]):
            value = values[order[j]]
            if not np.isnan(value):
                series[day[order[j]] - begin] = 1 + value if compound else value
                present[day[order[j]] - begin + 1] = 1
        for i in range(n):
            present[i + 1] += present[i]
        for block in range(0, n, window):
            end = min(block + window, n)
            value = neutral
            for i in range(block, end):
                value = value * series[i] if compound else value + series[i]
                to_day[i] = value
            value = neutral
            for i in range(end - 1, block, -1):
                value = value * series[i] if compound else value + series[i]
                from_day[i] = value
            from_day[block] = neutral  # a window that begins with a block is the whole of it, and `to_day` alone
        for j in range(start[s], start[s + 1]):
            r = order[j]
            end = day[r] - skip - begin
            first = end - window + 1
            count[r] = present[end + 1] - present[max(first, 0)] if end >= 0 else 0
            if count[r] < least:
                out[r] = np.nan
            elif first <= 0:
                out[r] = to_day[end]
            else:
                out[r] = from_day[first] * to_day[end] if compound else from_day[first] + to_day[end]
