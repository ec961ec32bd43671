"""Cross-sections of a signal with the returns of other days. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def entry_windows(
    formation, date_sig, signal, security, ahead, first_date, days_until, longest, values, panel_security, offsets,
    n_securities,
):  # fmt: skip
    """Trading days from `date_sig` to the information day, where a panel row's live row was formed on that very day.

    Args:
        formation: (n,) formation day of each signal row, `T` where beyond the calendar.
        date_sig: (n,) day number; of rows with the same security and information day, the one with the latest counts.
        signal, security: (n,) value and security index of each signal row, -1 unknown.
        ahead: 1 where the information day is the one before the formation day, else 0.
        first_date: day number of the first trading day.
        days_until: trading days up to each calendar day from the first on, that day included.
        longest: a window that is longer does not count, nor does one that begins before the first trading day.
        values: (R,) live value; a row with another one is not the live row.

    Returns:
        (R,) int8, 0 where there is none.
    """
    n_days = len(offsets) - 1
    start = np.zeros(n_days + 2, np.int64)
    for day in formation:
        start[day + 1] += 1
    start = np.cumsum(start)
    free = start.copy()
    by_day = np.empty(len(formation), np.int32)
    for i in range(len(formation)):
        by_day[free[formation[i]]] = i
        free[formation[i]] += 1
    out = np.zeros(len(values), np.int8)
    row = np.full(n_securities, -1, np.int64)
    latest = np.full(n_securities, -1, np.int64)
    for t in range(n_days - ahead):
        for r in range(offsets[t], offsets[t + 1]):
            row[panel_security[r]] = r
            latest[panel_security[r]] = -1
        for i in by_day[start[t + ahead] : start[t + ahead + 1]]:
            s = security[i]
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
            growth[t % longest, s] = 1 + ret[r]
            day[t % longest, s] = t
            if window[r] > 0:
                total = 1.0
                for back in range(window[r]):
                    place = (t - back) % longest
                    total *= growth[place, s] if day[place, s] == t - back else np.nan
                out[r] = total - 1
    return out


@njit(cache=True, nogil=True)
def _rank_present(names, values, ranks, token, present):
    """Write average ranks less their mean by name, of values in ascending order; return the sum of their squares."""
    n = len(names)
    middle = 0.5 * (n + 1)
    squares = 0.0
    first = 0
    while first < n:
        end = first + 1
        while end < n and values[end] == values[first]:
            end += 1
        rank = 0.5 * (first + 1 + end) - middle
        squares += (end - first) * rank * rank
        for i in range(first, end):
            ranks[names[i]] = rank
            present[names[i]] = token
        first = end
    return squares


@njit(cache=True, nogil=True)
def shifted_rank_correlation(x, x_order, y, y_order, offsets, security, n_securities, days, shifts, least):
    """Spearman correlation (average ties) of the value of one day with that of the same name some days later.

    Args:
        x, y: (R,) values, missing as NaN.
        x_order, y_order: (R,) rows of each day in ascending order of value, the missing ones of y last.
        days: (D,) days of x.
        shifts: (K,) days from x to y; negative: before.
        least: fewest names with both.

    Returns:
        (K, D); NaN where there are fewer names, where a side is constant, and beyond the calendar.
    """
    n_days = len(offsets) - 1
    out = np.full((len(shifts), len(days)), np.nan)
    x_names = np.empty(n_securities, np.int64)
    x_values = np.empty(n_securities)
    names = np.empty(n_securities, np.int64)
    values = np.empty(n_securities)
    rank_x = np.empty(n_securities)
    rank_y = np.empty(n_securities)
    has_x = np.full(n_securities, -1, np.int64)
    has_y = np.full(n_securities, -1, np.int64)
    has_both = np.full(n_securities, -1, np.int64)
    for d in range(len(days)):
        t = days[d]
        n_x = 0
        for r in x_order[offsets[t] : offsets[t + 1]]:
            if not np.isnan(x[r]):
                x_names[n_x] = security[r]
                x_values[n_x] = x[r]
                has_x[security[r]] = d
                n_x += 1
        for k in range(len(shifts)):
            later = t + shifts[k]
            if later < 0 or later >= n_days:
                continue
            n = 0
            for r in y_order[offsets[later] : offsets[later + 1]]:
                if np.isnan(y[r]):
                    break
                if has_x[security[r]] == d:
                    names[n] = security[r]
                    values[n] = y[r]
                    n += 1
            if n < least:
                continue
            token = d * len(shifts) + k
            yy = _rank_present(names[:n], values[:n], rank_y, token, has_y)
            n = 0
            for i in range(n_x):
                if has_y[x_names[i]] == token:
                    names[n] = x_names[i]
                    values[n] = x_values[i]
                    n += 1
            xx = _rank_present(names[:n], values[:n], rank_x, token, has_both)
            xy = 0.0
            for i in range(n):
                xy += rank_x[names[i]] * rank_y[names[i]]
            if xx > 0 and yy > 0:
                out[k, d] = xy / np.sqrt(xx * yy)
    return out
