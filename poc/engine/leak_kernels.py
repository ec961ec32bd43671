"""Cross-sections of a signal with the returns of other days. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit

from poc.engine.cross_section_kernels import TIED

NAME, NO_MORE = ~TIED, np.uint32(2**32 - 1)
"""The bits of a name beside `TIED`, and the end of a day's names."""


@njit(cache=True, nogil=True)
def entry_windows(
    start, order, date_sig, signal, number, lowest, index, ahead, first_date, days_until, longest, values,
    panel_security, offsets, n_securities,
):  # fmt: skip
    """Trading days from `date_sig` to the information day, where a panel row's live row was formed on that very day.

    Args:
        start, order: signal rows by formation day, as `group_rows` gives them.
        date_sig: (n,) day number; of rows with the same security and information day, the one with the latest counts.
        signal, number: (n,) value of each signal row, and `number - lowest` is the code of its security.
        index: (codes,) index of the security of each code, -1 unknown.
        ahead: 1 where the information day is the one before the formation day, else 0.
        first_date: day number of the first trading day.
        days_until: trading days up to each calendar day from the first on, that day included.
        longest: a window that is longer does not count, nor does one that begins before the first trading day.
        values: (R,) live value; a row with another one is not the live row.

    Returns:
        (R,) int8, 0 where there is none.
    """
    n_days = len(offsets) - 1
    out = np.zeros(len(values), np.int8)
    row = np.full(n_securities, -1, np.int64)
    latest = np.full(n_securities, -1, np.int64)
    for t in range(n_days - ahead):
        for r in range(offsets[t], offsets[t + 1]):
            row[panel_security[r]] = r
            latest[panel_security[r]] = -1
        for j in range(start[t + ahead], start[t + ahead + 1]):
            i = order[j] if len(order) > 0 else j
            s = index[number[i] - lowest]
            if s < 0 or row[s] < offsets[t] or (latest[s] >= 0 and date_sig[i] <= date_sig[latest[s]]):
                continue
            latest[s] = i
            out[row[s]] = 0
            if date_sig[i] >= first_date and values[row[s]] == signal[i]:
                window = t + 1 - days_until[min(date_sig[i] - first_date, len(days_until) - 1)]
                out[row[s]] = window if 0 < window <= longest else 0
    return out


@njit(cache=True, nogil=True)
def window_returns(window, ret, security, offsets, n_securities):
    """(R,) compounded return of the `window` days up to each row's own; NaN where it is 0, or where one is missing."""
    longest = 1
    for length in window:
        longest = max(longest, length)
    out = np.full(len(window), np.nan)
    growth = np.full((longest, n_securities), np.nan)
    day = np.full((longest, n_securities), -1, np.int64)
    for t in range(len(offsets) - 1):
        for r in range(offsets[t], offsets[t + 1]):
            s = security[r]
            growth[t % longest, s] = 1 + np.float64(ret[r])
            day[t % longest, s] = t
            if window[r] > 0:
                total = 1.0
                for back in range(window[r]):
                    place = (t - back) % longest
                    total *= growth[place, s] if day[place, s] == t - back else np.nan
                out[r] = total - 1
    return out


@njit(cache=True, nogil=True)
def names_in_order(values, order, wanted, security, offsets):
    """(R,) names of each day in ascending order of value, with the bit `TIED` where it is that of the one before.

    Rows of the day that are left hold `NO_MORE`.

    Args:
        values: (R,); those that are wanted are not missing.
        order: (R,) rows of each day in ascending order of value.
        wanted: (R,) names to write.
    """
    out = np.empty(len(order), np.uint32)
    for t in range(len(offsets) - 1):
        free = offsets[t]
        before = np.nan
        for r in order[offsets[t] : offsets[t + 1]]:
            if wanted[r]:
                out[free] = security[r] | TIED if values[r] == before else security[r]
                before = values[r]
                free += 1
        for i in range(free, offsets[t + 1]):
            out[i] = NO_MORE
    return out


@njit(cache=True, nogil=True)
def shifted_rank_correlation(x, y, offsets, n_securities, days, shifts, least):
    """Spearman correlation (average ties) of the value of one day with that of the same name some days later.

    Whole numbers only, up to the last division: twice the rank of a name, and sums of products of two of them.

    Args:
        x, y: (R,) as `names_in_order` gives them.
        days: (D,) days of x.
        shifts: (K,) days from x to y; negative: before.
        least: fewest names with both.

    Returns:
        (K, D); NaN where there are fewer names, where a side is constant, and beyond the calendar.
    """
    out = np.full((len(shifts), len(days)), np.nan)
    in_x = np.full(n_securities, -1, np.int64)  # the latest of `days` on which a name has x
    group = np.full(
        n_securities, -1, np.int64
    )  # of names with the same y, counted on from pair of days to pair of days
    end = np.zeros(n_securities + 1, np.int64)  # names with both up to the end of each group, from the second entry on
    twice_rank = np.empty(n_securities, np.int64)  # of each group
    base = 0
    for d in range(len(days)):
        t = days[d]
        for code in x[offsets[t] : offsets[t + 1]]:
            if code == NO_MORE:
                break
            in_x[code & NAME] = d
        for k in range(len(shifts)):
            later = t + shifts[k]
            if later < 0 or later >= len(offsets) - 1:
                continue
            base += n_securities
            n = 0
            g = -1
            for code in y[offsets[later] : offsets[later + 1]]:
                if code == NO_MORE:
                    break
                name = code & NAME
                g += code < TIED
                n += in_x[name] == d
                group[name] = base + g
                end[g + 1] = n
            if n < least:
                continue
            yy = 0
            for i in range(g + 1):
                twice_rank[i] = end[i] + 1 + end[i + 1]
                yy += (end[i + 1] - end[i]) * twice_rank[i] ** 2
            n = 0
            first = 0
            total = 0
            xx = 0
            xy = 0
            for code in x[offsets[t] : offsets[t + 1]]:
                if code == NO_MORE:
                    break
                if code < TIED:
                    xx += (n - first) * (first + 1 + n) ** 2
                    xy += total * (first + 1 + n)
                    first = n
                    total = 0
                g = group[code & NAME] - base
                if g >= 0:
                    total += twice_rank[g]
                    n += 1
            xx += (n - first) * (first + 1 + n) ** 2
            xy += total * (first + 1 + n)
            middle = n * (n + 1) ** 2
            if xx > middle and yy > middle:
                out[k, d] = (xy - middle) / np.sqrt(float(xx - middle) * float(yy - middle))
    return out
