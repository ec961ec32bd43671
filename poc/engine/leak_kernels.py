"""Cross-sections of a signal with the returns of other days. Compiled; arrays in, arrays out."""

import numpy as np

from poc.kernel import kernel


@kernel
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


@kernel
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
