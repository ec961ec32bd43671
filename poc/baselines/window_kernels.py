"""Sums and products over the past trading days of each security. Compiled; arrays in, arrays out."""

import numpy as np

from poc.kernel import kernel

TILE = 256
"""Securities worked on together: few enough for their days to stay in the cache, many enough to read a day's rows in
one go."""


@kernel
def over_window(values, security, offsets, n_securities, window, skip, least, compound, out, count):
    """Combine a security's values over the `window` trading days that end `skip` days before each row.

    Trading days are cut into blocks of `window` days. A window is then the end of one block and the beginning of the
    next, so two values are combined for any window length. Nothing is ever taken out again, as a running sum would
    do: no rounding builds up, and no result depends on a value outside its window.

    Args:
        values: (R,) one a row; NaN is left out.
        security: (R,) index of the security, ascending within a day.
        offsets: (T + 1,) rows of day t are `offsets[t]:offsets[t + 1]`.
        least: fewest values in a window.
        compound: multiply 1 + value, else add.
        out: (R,) float64, written; NaN where there are fewer than `least` values.
        count: (R,) int32, written: values in the window.
    """
    n_days = len(offsets) - 1
    neutral = 1.0 if compound else 0.0
    to_day = np.empty((n_days, TILE))  # from the beginning of the block of a day to the day
    from_day = np.empty((n_days, TILE))  # from the day to the end of its block, where the day is not the first of it
    present = np.empty((n_days + 1, TILE), np.int32)  # before the day
    nothing = np.full(TILE, neutral)
    begin, end = offsets[:-1].copy(), offsets[:-1].copy()  # rows of the securities at hand on each day
    for lowest in range(0, n_securities, TILE):
        from_day[:] = neutral
        present[:] = 0
        for t in range(n_days):
            begin[t] = end[t]
            while end[t] < offsets[t + 1] and security[end[t]] < lowest + TILE:
                s, value = security[end[t]] - lowest, np.float64(values[end[t]])
                if not np.isnan(value):
                    from_day[t, s] = 1 + value if compound else value
                    present[t + 1, s] = 1
                end[t] += 1
            before = to_day[t - 1] if t % window > 0 else nothing
            for s in range(TILE):
                to_day[t, s] = before[s] * from_day[t, s] if compound else before[s] + from_day[t, s]
                present[t + 1, s] += present[t, s]
        for t in range(n_days - 1, -1, -1):
            if t % window == 0:
                from_day[t, :] = neutral  # a window that begins with a block is the whole of it: `to_day` alone
            elif (t + 1) % window > 0 and t + 1 < n_days:
                for s in range(TILE):
                    after = from_day[t + 1, s]
                    from_day[t, s] = after * from_day[t, s] if compound else after + from_day[t, s]
        for t in range(n_days):
            last = t - skip
            first = last - window + 1
            for r in range(begin[t], end[t]):
                s = security[r] - lowest
                count[r] = present[last + 1, s] - present[max(first, 0), s] if last >= 0 else 0
                if count[r] < least:
                    out[r] = np.nan
                elif first <= 0:
                    out[r] = to_day[last, s]
                else:
                    out[r] = from_day[first, s] * to_day[last, s] if compound else from_day[first, s] + to_day[last, s]
