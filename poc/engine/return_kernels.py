"""From books to daily trades, costs and returns, and the daily cross-sections. Compiled; arrays in, arrays out.

Everything is laid out by information day: the day whose close is the last that a book knows.
"""

import numpy as np
from numba import njit

TRADED, COST, GROSS, SHORT, N_LONG, N_SHORT = range(6)
"""Columns of `trade_books`: sums of absolute trades, costs, absolute weights, absolute short weights; names a side."""

RET_LONG, RET_SHORT, RESRET, MISSING = range(4)
"""Columns of `earn`: sums of weight times return; absolute weight of the names without a return."""

NOTHING = 1e-12
"""A smaller weight is no holding and a smaller trade is no trade: what is left when opposite books cancel."""
UNKNOWN_COST = 10e-4
"""Least unit cost under the power law of a name whose volatility or volume was never known."""


@njit(cache=True, nogil=True)
def hold_books(start, row, weight, n_portfolios, offsets, security, n_securities, holding_days, formed_on):
    """Held books: the mean of the target books of `holding_days` days ending that day, a missing one counting as zero.

    Args:
        start, row, weight, n_portfolios: target books, as `form_books` gives them.
        formed_on: (T,) day whose target book each day takes.

    Returns:
        The same three arrays for the held books; the row of an entry is the latest of its name at the day.
    """
    n_days = len(offsets) - 1
    held_start = np.zeros(n_days * n_portfolios + 1, np.int64)
    room = 0
    for t in formed_on:
        room += holding_days * (start[(t + 1) * n_portfolios] - start[t * n_portfolios])
    held_row = np.empty(room, np.int32)
    held_weight = np.empty(room)
    latest = np.full(n_securities, -1, np.int64)
    total = np.zeros(n_securities)
    names = np.empty(n_securities, np.int64)
    is_named = np.zeros(n_securities, np.bool_)
    used = 0
    for t in range(n_days):
        for r in range(offsets[t], offsets[t + 1]):
            latest[security[r]] = r
        for p in range(n_portfolios):
            n = 0
            for taken in range(max(t - holding_days + 1, 0), t + 1):
                book = formed_on[taken] * n_portfolios + p
                for e in range(start[book], start[book + 1]):
                    s = security[row[e]]
                    if not is_named[s]:
                        is_named[s] = True
                        names[n] = s
                        n += 1
                    total[s] += weight[e] / holding_days
            for s in np.sort(names[:n]):
                if abs(total[s]) > NOTHING:
                    held_row[used] = latest[s]
                    held_weight[used] = total[s]
                    used += 1
                total[s] = 0.0
                is_named[s] = False
            held_start[t * n_portfolios + p + 1] = used
    return held_start, held_row[:used].copy(), held_weight[:used].copy()


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
def trade_books(start, row, weight, n_portfolios, offsets, security, n_securities, cost_inputs, cost_settings):
    """Trade from each day's held book to the next.

    Args:
        start, row, weight, n_portfolios: held books.
        cost_inputs: (cap, vol, adv), (R,) each, latest known of any age.
        cost_settings: (by power law or not, bps (3,), power (2,), gmv).

    Returns:
        (P, T, 6) daily sums, in the order of the names above; and the trades of portfolio 0: (T + 1,) start of each
        day's, (trades,) latest known row of the name, (trades,) cost.
    """
    cap, vol, adv = cost_inputs
    n_days = len(offsets) - 1
    daily = np.zeros((n_portfolios, n_days, 6))
    trade_start = np.zeros(n_days + 1, np.int64)
    trade_row = np.empty(1024, np.int32)
    trade_cost = np.empty(1024)
    used = 0
    latest = np.full(n_securities, -1, np.int64)
    before = np.zeros(n_securities)
    touched = np.empty(2 * n_securities + 1, np.int64)
    trade = np.empty(2 * n_securities + 1)
    for t in range(n_days):
        for r in range(offsets[t], offsets[t + 1]):
            latest[security[r]] = r
        for p in range(n_portfolios):
            book = t * n_portfolios + p
            out = daily[p, t]
            old = range(0)
            if t > 0:
                old = range(start[book - n_portfolios], start[book - n_portfolios + 1])
            for e in old:
                before[security[row[e]]] = weight[e]
            n = 0
            for e in range(start[book], start[book + 1]):
                w = weight[e]
                s = security[row[e]]
                out[GROSS] += abs(w)
                if w > 0:
                    out[N_LONG] += 1
                else:
                    out[N_SHORT] += 1
                    out[SHORT] -= w
                touched[n] = row[e]
                trade[n] = abs(w - before[s])
                n += trade[n] > NOTHING
                before[s] = 0.0
            for e in old:
                s = security[row[e]]
                touched[n] = latest[s]
                trade[n] = abs(before[s])
                n += trade[n] > NOTHING
                before[s] = 0.0
            rows = touched[:n]
            trades = trade[:n]
            costs = trades * _unit_costs(trades, rows, cap, vol, adv, cost_settings)
            out[TRADED] = trades.sum()
            out[COST] = costs.sum()
            if p == 0:
                if used + n > len(trade_row):
                    trade_row = np.concatenate((trade_row, np.empty(used + n, np.int32)))
                    trade_cost = np.concatenate((trade_cost, np.empty(used + n)))
                trade_row[used : used + n] = rows
                trade_cost[used : used + n] = costs
                used += n
                trade_start[t + 1] = used
    return daily, trade_start, trade_row[:used].copy(), trade_cost[:used].copy()


@njit(cache=True, nogil=True)
def earn(start, row, weight, n_portfolios, offsets, security, n_securities, ret, resret, shift):
    """Returns that each held book earns `shift` trading days after its information day.

    Args:
        start, row, weight, n_portfolios: held books.
        ret, resret: (R,) returns, missing as NaN; a name without one earns 0.

    Returns:
        (P, T, 4) daily sums by information day, in the order of the names above.
    """
    n_days = len(offsets) - 1
    out = np.zeros((n_portfolios, n_days, 4))
    latest = np.full(n_securities, -1, np.int64)
    for t in range(n_days - shift):
        day = t + shift
        for r in range(offsets[day], offsets[day + 1]):
            latest[security[r]] = r
        for p in range(n_portfolios):
            sums = out[p, t]
            for e in range(start[t * n_portfolios + p], start[t * n_portfolios + p + 1]):
                w = weight[e]
                r = latest[security[row[e]]]
                there = r >= offsets[day]
                if there and not np.isnan(ret[r]):
                    sums[RET_LONG if w > 0 else RET_SHORT] += w * ret[r]
                else:
                    sums[MISSING] += abs(w)
                if there and not np.isnan(resret[r]):
                    sums[RESRET] += w * resret[r]
    return out


@njit(cache=True, nogil=True)
def attribute(books, trades, panel, ret, shift, borrow, days):
    """What each name and each sector contributed, net of its own costs, over the given information days.

    Args:
        books: (start, row, weight, P): held books.
        trades: (start, row, cost) of portfolio 0.
        panel: (offsets, security, sector, N, number of sectors).
        borrow: cost a day of the short side, as a fraction.
        days: information days in order; the trades of the first are not counted.

    Returns:
        (N,) by name and (sectors + 1,) by sector, the last one unknown.
    """
    start, row, weight, n_portfolios = books
    trade_start, trade_row, trade_cost = trades
    offsets, security, sector, n_securities, n_sectors = panel
    by_name = np.zeros(n_securities)
    by_sector = np.zeros(n_sectors + 1)
    latest = np.full(n_securities, -1, np.int64)
    for i in range(len(days)):
        t = days[i]
        day = t + shift
        for r in range(offsets[day], offsets[day + 1]):
            latest[security[r]] = r
        for e in range(start[t * n_portfolios], start[t * n_portfolios + 1]):
            w = weight[e]
            s = security[row[e]]
            net = w * borrow if w < 0 else 0.0
            if latest[s] >= offsets[day] and not np.isnan(ret[latest[s]]):
                net += w * ret[latest[s]]
            by_name[s] += net
            by_sector[sector[row[e]]] += net
        if i > 0:
            for e in range(trade_start[t], trade_start[t + 1]):
                by_name[security[trade_row[e]]] -= trade_cost[e]
                by_sector[sector[trade_row[e]]] -= trade_cost[e]
    return by_name, by_sector


@njit(cache=True, nogil=True)
def group_returns(group, n_groups, rows_later, offsets, ret, resret):
    """Equal-weighted return of each group of each day's names, a missing return counting as 0.

    Args:
        group: (R,) 1 to `n_groups`, 0 for none.
        rows_later: (R,) row of the name on the day of its return, or -1.

    Returns:
        (T, n_groups) mean returns and mean residual returns, by information day; NaN where the group is empty.
    """
    n_days = len(offsets) - 1
    mean = np.full((n_days, n_groups), np.nan)
    mean_residual = np.full((n_days, n_groups), np.nan)
    count = np.zeros(n_groups + 1)
    total = np.zeros(n_groups + 1)
    total_residual = np.zeros(n_groups + 1)
    for t in range(n_days):
        count[:] = 0.0
        total[:] = 0.0
        total_residual[:] = 0.0
        for r in range(offsets[t], offsets[t + 1]):
            g = group[r]
            later = rows_later[r]
            count[g] += 1
            if later >= 0 and not np.isnan(ret[later]):
                total[g] += ret[later]
            if later >= 0 and not np.isnan(resret[later]):
                total_residual[g] += resret[later]
        for g in range(1, n_groups + 1):
            if count[g] > 0:
                mean[t, g - 1] = total[g] / count[g]
                mean_residual[t, g - 1] = total_residual[g] / count[g]
    return mean, mean_residual


@njit(cache=True, nogil=True)
def group_exposures(group, n_groups, offsets, styles, style_mean):
    """(T, n_groups) names and (T, n_groups, K) mean exposure of each group; a missing one counts as the day's mean."""
    n_days, n_styles = style_mean.shape
    count = np.zeros((n_days, n_groups))
    mean = np.full((n_days, n_groups, n_styles), np.nan)
    total = np.zeros((n_groups + 1, n_styles))
    for t in range(n_days):
        total[:] = 0.0
        for r in range(offsets[t], offsets[t + 1]):
            g = group[r]
            if g == 0:
                continue
            count[t, g - 1] += 1
            for k in range(n_styles):
                exposure = styles[k, r]
                total[g, k] += style_mean[t, k] if np.isnan(exposure) else exposure
        for g in range(n_groups):
            for k in range(n_styles):
                if count[t, g] > 0:
                    mean[t, g, k] = total[g + 1, k] / count[t, g]
    return count, mean


@njit(cache=True, nogil=True)
def _write_ranks(ranks, names, values, other, order, begin):
    """Rank the rows that have both values; `names` takes their places within the day, in ascending order of value.

    Returns:
        How many they are.
    """
    n = 0
    for r in order:
        if np.isnan(values[r]):
            break
        if not np.isnan(other[r]):
            names[n] = r - begin
            n += 1
    first = 0
    while first < n:
        value = values[begin + names[first]]
        end = first + 1
        while end < n and values[begin + names[end]] == value:
            end += 1
        for i in range(first, end):
            ranks[names[i]] = 0.5 * (first + 1 + end)
        first = end
    return n


@njit(cache=True, nogil=True)
def daily_rank_correlation(x, x_order, y, y_order, offsets, least):
    """(T,) Spearman correlation (average ties) of two values of the same row, over the rows of a day that have both.

    Args:
        x, y: (R,) values, missing as NaN.
        x_order, y_order: (R,) rows of each day in ascending order of value, the missing ones last.
        least: fewest pairs; NaN on a day with fewer, or with a constant side.
    """
    n_days = len(offsets) - 1
    out = np.full(n_days, np.nan)
    longest = np.max(np.diff(offsets))
    rank_x = np.empty(longest)
    rank_y = np.empty(longest)
    names = np.empty(longest, np.int64)
    for t in range(n_days):
        begin, end = offsets[t], offsets[t + 1]
        n = _write_ranks(rank_x, names, x, y, x_order[begin:end], begin)
        if n < least:
            continue
        _write_ranks(rank_y, names, y, x, y_order[begin:end], begin)
        middle = 0.5 * (n + 1)
        xx = yy = xy = 0.0
        for i in names[:n]:  # halves of whole numbers: the sums are exact, whatever the order of equal values
            a = rank_x[i] - middle
            b = rank_y[i] - middle
            xx += a * a
            yy += b * b
            xy += a * b
        if xx > 0 and yy > 0:
            out[t] = xy / np.sqrt(xx * yy)
    return out
