"""From books to daily returns, trades and costs, and the daily cross-sections. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit

RET_LONG, RET_SHORT, RESRET, COST, BORROW, TRADED, GROSS, MISSING, N_LONG, N_SHORT = range(10)
N_DAILY = 10
"""Columns of the daily array of `simulate`."""

NO_TRADE = 1e-12
UNKNOWN_COST = 10e-4
"""Least unit cost under the power law of a name whose volatility or volume was never known."""


@njit(cache=True, nogil=True)
def _unit_costs(trades, rows, cap, vol, adv, cost_settings):
    """(n,) cost per unit traded, as a fraction, from the latest known row of each name traded."""
    by_impact, bps, power, gmv = cost_settings
    n = len(trades)
    costs = np.full(n, np.nan)
    if not by_impact:
        for i in range(n):
            bucket = cap[rows[i]]
            costs[i] = 1e-4 * (bps[bucket - 1] if bucket > 0 else bps[2])
        return costs
    for i in range(n):
        if not np.isnan(vol[rows[i]]) and adv[rows[i]] > 0:
            costs[i] = power[0] * vol[rows[i]] * (gmv * trades[i] / adv[rows[i]]) ** power[1]
    known = costs[~np.isnan(costs)]
    fallback = max(UNKNOWN_COST, np.median(known)) if len(known) > 0 else UNKNOWN_COST
    for i in range(n):
        if np.isnan(costs[i]):
            costs[i] = fallback
    return costs


@njit(cache=True, nogil=True)
def simulate(books, shift, holding_days, series, panel, returns, cost_inputs, cost_settings, borrow):
    """Hold the books and account for every day.

    Args:
        books: (start, row, weight, P) as `form_books` gives them.
        shift: trading days from the information day of a book to the day of its return.
        holding_days: the held book is the mean of this many target books.
        series: (first, last) return day of each portfolio's series, (P,) each, and the (T,) days that are selected.
        panel: (offsets, security, N, number of sectors).
        returns: (ret, resret), (R,) each, missing as NaN.
        cost_inputs: (cap, sector, vol, adv), (R,) each, latest known of any age.
        cost_settings: (by power law or not, bps (3,), power (2,), gmv).
        borrow: cost a day of the short side, as a fraction.

    Returns:
        (P, T, 10) daily sums, in the order of the names above, only on the days of the series; and what each name (N,)
        and each sector (sectors + 1,), the last one unknown, contributed to portfolio 0, net.
    """
    start, book_row, book_weight, n_portfolios = books
    first, last, selected = series
    offsets, security, n_securities, n_sectors = panel
    ret, resret = returns
    cap, sector, vol, adv = cost_inputs
    n_days = len(offsets) - 1
    daily = np.zeros((n_portfolios, n_days, N_DAILY))
    by_name = np.zeros(n_securities)
    by_sector = np.zeros(n_sectors + 1)
    row_now = np.full(n_securities, -1, np.int64)  # latest row at the day of the return
    row_known = np.full(n_securities, -1, np.int64)  # latest row at the information day
    weight = np.zeros((n_portfolios, n_securities))
    before = np.zeros((n_portfolios, n_securities))
    held = np.empty((n_portfolios, n_securities), np.int32)
    n_held = np.zeros(n_portfolios, np.int64)
    held_before = np.empty((n_portfolios, n_securities), np.int32)
    n_held_before = np.zeros(n_portfolios, np.int64)
    is_held = np.zeros(n_securities, np.bool_)
    touched = np.empty(2 * n_securities + 1, np.int32)
    trade = np.empty(2 * n_securities + 1)
    for day in range(n_days):
        for r in range(offsets[day], offsets[day + 1]):
            row_now[security[r]] = r
        known_day = day - shift
        if known_day < 0:
            continue
        for r in range(offsets[known_day], offsets[known_day + 1]):
            row_known[security[r]] = r
        for p in range(n_portfolios):
            # The book of the day before moves aside; the book of today is the mean of the latest target books.
            for i in range(n_held_before[p]):
                before[p, held_before[p, i]] = 0.0
            for i in range(n_held[p]):
                s = held[p, i]
                before[p, s] = weight[p, s]
                weight[p, s] = 0.0
                held_before[p, i] = s
            n_held_before[p] = n_held[p]
            count = 0
            for formed in range(known_day, max(known_day - holding_days, -1), -1):
                book = formed * n_portfolios + p
                for e in range(start[book], start[book + 1]):
                    s = security[book_row[e]]
                    if not is_held[s]:
                        is_held[s] = True
                        held[p, count] = s
                        count += 1
                    weight[p, s] += book_weight[e] / holding_days
            n_held[p] = count
            for i in range(count):
                is_held[held[p, i]] = False
            if day < first[p] or day > last[p] or not selected[day]:
                continue
            out = daily[p, day]
            for i in range(count):
                s = held[p, i]
                w = weight[p, s]
                r = row_now[s]
                value = ret[r] if r >= offsets[day] else np.nan
                residual = resret[r] if r >= offsets[day] else np.nan
                out[GROSS] += abs(w)
                if np.isnan(value):
                    out[MISSING] += abs(w)
                    value = 0.0
                if not np.isnan(residual):
                    out[RESRET] += w * residual
                if w > 0:
                    out[RET_LONG] += w * value
                    out[N_LONG] += w > NO_TRADE
                    net = w * value
                else:
                    out[RET_SHORT] += w * value
                    out[N_SHORT] += w < -NO_TRADE
                    out[BORROW] -= w * borrow
                    net = w * value + w * borrow
                if p == 0:
                    by_name[s] += net
                    by_sector[sector[row_known[s]]] += net
            if day == first[p]:
                continue
            n = 0
            for i in range(count):
                s = held[p, i]
                touched[n] = s
                trade[n] = abs(weight[p, s] - before[p, s])
                before[p, s] = weight[p, s]  # done with: what is left below are the names that leave
                n += trade[n] > NO_TRADE
            for i in range(n_held_before[p]):
                s = held_before[p, i]
                touched[n] = s
                trade[n] = abs(weight[p, s] - before[p, s])
                n += trade[n] > NO_TRADE
            names = touched[:n]
            trades = trade[:n]
            rows = row_known[names]
            costs = trades * _unit_costs(trades, rows, cap, vol, adv, cost_settings)
            out[TRADED] = trades.sum()
            out[COST] = costs.sum()
            if p == 0:
                for i in range(n):
                    by_name[names[i]] -= costs[i]
                    by_sector[sector[rows[i]]] -= costs[i]
    return daily, by_name, by_sector


@njit(cache=True, nogil=True)
def group_returns(group, n_groups, rows_later, offsets, ret, resret):
    """Equal-weighted return of each group of each day's names, a missing return counting as 0.

    Args:
        group: (R,) 1 to `n_groups`, 0 for none.
        rows_later: (R,) row of the name on the day of its return, or -1.

    Returns:
        (T, n_groups) counts, mean returns and mean residual returns, by information day; NaN where the group is empty.
    """
    n_days = len(offsets) - 1
    count = np.zeros((n_days, n_groups))
    mean = np.full((n_days, n_groups), np.nan)
    mean_residual = np.full((n_days, n_groups), np.nan)
    total = np.zeros(n_groups)
    total_residual = np.zeros(n_groups)
    for t in range(n_days):
        total[:] = 0.0
        total_residual[:] = 0.0
        for r in range(offsets[t], offsets[t + 1]):
            g = group[r]
            if g == 0:
                continue
            count[t, g - 1] += 1
            later = rows_later[r]
            if later >= 0 and not np.isnan(ret[later]):
                total[g - 1] += ret[later]
            if later >= 0 and not np.isnan(resret[later]):
                total_residual[g - 1] += resret[later]
        for g in range(n_groups):
            if count[t, g] > 0:
                mean[t, g] = total[g] / count[t, g]
                mean_residual[t, g] = total_residual[g] / count[t, g]
    return count, mean, mean_residual


@njit(cache=True, nogil=True)
def group_exposures(group, n_groups, offsets, styles, style_mean):
    """(T, n_groups, K) mean exposure of each group of each day's names; a missing one counts as the day's mean."""
    n_days, n_styles = style_mean.shape
    total = np.zeros((n_days, n_groups, n_styles))
    for t in range(n_days):
        count = np.zeros(n_groups)
        for r in range(offsets[t], offsets[t + 1]):
            g = group[r]
            if g == 0:
                continue
            count[g - 1] += 1
            for k in range(n_styles):
                exposure = styles[k, r]
                total[t, g - 1, k] += style_mean[t, k] if np.isnan(exposure) else exposure
        for g in range(n_groups):
            for k in range(n_styles):
                total[t, g, k] = total[t, g, k] / count[g] if count[g] > 0 else np.nan
    return total


@njit(cache=True, nogil=True)
def _average_ranks(values):
    n = len(values)
    order = np.argsort(values)
    ranks = np.empty(n)
    begin = 0
    while begin < n:
        end = begin + 1
        while end < n and values[order[end]] == values[order[begin]]:
            end += 1
        for i in range(begin, end):
            ranks[order[i]] = 0.5 * (begin + 1 + end)
        begin = end
    return ranks


@njit(cache=True, nogil=True)
def daily_rank_correlation(x, y, y_rows, offsets, least):
    """(T,) Spearman correlation (average ties) of x at a row with y at `y_rows` of that row.

    NaN on days with fewer than `least` pairs or a constant side. A row counts where both are there; -1 is no row.
    """
    n_days = len(offsets) - 1
    out = np.full(n_days, np.nan)
    for t in range(n_days):
        size = offsets[t + 1] - offsets[t]
        left = np.empty(size)
        right = np.empty(size)
        n = 0
        for r in range(offsets[t], offsets[t + 1]):
            if y_rows[r] >= 0 and not np.isnan(x[r]) and not np.isnan(y[y_rows[r]]):
                left[n] = x[r]
                right[n] = y[y_rows[r]]
                n += 1
        if n < least:
            continue
        a = _average_ranks(left[:n]) - 0.5 * (n + 1)
        b = _average_ranks(right[:n]) - 0.5 * (n + 1)
        variance = np.sum(a * a) * np.sum(b * b)
        if variance > 0:
            out[t] = np.sum(a * b) / np.sqrt(variance)
    return out
