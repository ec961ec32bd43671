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
def _row_on(day, s, offsets, security):
    """Panel row of a security on a day, or -1; the rows of a day ascend by security."""
    low, high = offsets[day], offsets[day + 1]
    while low < high:
        middle = (low + high) // 2
        if security[middle] < s:
            low = middle + 1
        else:
            high = middle
    return low if low < offsets[day + 1] and security[low] == s else -1


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
def _write_costs(costs, trades, rows, cost_inputs, cost_settings):
    """Cost of each trade, a fraction of notional, from the latest known row of each name traded."""
    cap, vol, adv = cost_inputs
    by_impact, bps, power, gmv = cost_settings
    if not by_impact:
        for i in range(len(trades)):
            bucket = cap[rows[i]]
            costs[i] = trades[i] * (1e-4 * bps[bucket - 1 if bucket > 0 else 2])
        return
    n_known = 0
    for i in range(len(trades)):
        r = rows[i]
        if not np.isnan(vol[r]) and adv[r] > 0:
            costs[i] = power[0] * vol[r] * (gmv * trades[i] / adv[r]) ** power[1]
            n_known += 1
        else:
            costs[i] = np.nan
    fallback = UNKNOWN_COST
    if 0 < n_known < len(trades):
        fallback = max(UNKNOWN_COST, np.median(costs[~np.isnan(costs)]))
    for i in range(len(trades)):
        costs[i] = trades[i] * (fallback if np.isnan(costs[i]) else costs[i])


@njit(cache=True, nogil=True)
def trade_books(
    start, row, weight, n_portfolios, offsets, security, n_securities, next_row, cost_inputs, cost_settings, days
):  # fmt: skip
    """Trade from each day's held book to the next.

    Args:
        start, row, weight, n_portfolios: held books.
        next_row: (R,) row of the same name on the next trading day, or -1.
        cost_inputs: (cap, vol, adv), (R,) each, latest known of any age.
        cost_settings: (by power law or not, bps (3,), power (2,), gmv).
        days: (first, end) of the n days to trade on; the first trades away from the book of the day before it.

    Returns:
        (P, n, 6) daily sums, in the order of the names above; and the trades of portfolio 0: (n + 1,) start of each
        day's, (trades,) latest known row of the name, (trades,) cost.
    """
    first, end = days
    daily = np.zeros((n_portfolios, end - first, 6))
    trade_start = np.zeros(end - first + 1, np.int64)
    room = 0  # for every entry of the first portfolio, as what is bought and as what is sold
    most = 0
    for t in range(first, end):
        before = max(t - 1, 0) * n_portfolios
        room += start[before + 1] - start[before] + start[t * n_portfolios + 1] - start[t * n_portfolios]
        most = max(most, start[(t + 1) * n_portfolios] - start[before])
    all_rows = np.empty(room, np.int32)
    all_costs = np.empty(room)
    used = 0
    held = np.zeros(n_securities)
    touched = np.empty(most, np.int32)
    trade = np.empty(most)
    cost = np.empty(most)
    for t in range(first, end):
        for p in range(n_portfolios):
            book = t * n_portfolios + p
            old = range(start[book - n_portfolios], start[book - n_portfolios + 1]) if t > 0 else range(0)
            for e in old:
                held[security[row[e]]] = weight[e]
            n = 0
            gross = short = 0.0
            n_short = 0
            for e in range(start[book], start[book + 1]):
                w = weight[e]
                s = security[row[e]]
                gross += abs(w)
                if w < 0:
                    short -= w
                    n_short += 1
                touched[n] = row[e]
                trade[n] = abs(w - held[s])
                n += trade[n] > NOTHING
                held[s] = 0.0
            for e in old:
                s = security[row[e]]
                if abs(held[s]) > NOTHING:
                    now = next_row[row[e]]
                    if row[e] < offsets[t - 1]:
                        now = _row_on(t, s, offsets, security)
                    touched[n] = now if now >= 0 else row[e]
                    trade[n] = abs(held[s])
                    n += 1
                held[s] = 0.0
            _write_costs(cost[:n], trade[:n], touched[:n], cost_inputs, cost_settings)
            out = daily[p, t - first]
            out[TRADED] = trade[:n].sum()
            out[COST] = cost[:n].sum()
            out[GROSS] = gross
            out[SHORT] = short
            out[N_LONG] = start[book + 1] - start[book] - n_short
            out[N_SHORT] = n_short
            if p == 0:
                all_rows[used : used + n] = touched[:n]
                all_costs[used : used + n] = cost[:n]
                used += n
                trade_start[t - first + 1] = used
    return daily, trade_start, all_rows[:used].copy(), all_costs[:used].copy()


@njit(cache=True, nogil=True)
def earn(start, row, weight, n_portfolios, offsets, security, later, ret, resret, shift, days):
    """Returns that each held book earns `shift` trading days after its information day.

    Args:
        start, row, weight, n_portfolios: held books.
        later: (R,) row of the same name `shift` trading days later, or -1.
        ret, resret: (R,) returns, missing as NaN; a name without one earns 0. `resret` is empty where there is none.
        days: (first, end) of the n information days.

    Returns:
        (P, n, 4) daily sums by information day, in the order of the names above.
    """
    first, end = days
    out = np.zeros((n_portfolios, end - first, 4))
    has_residual = len(resret) > 0
    for t in range(first, min(end, len(offsets) - 1 - shift)):
        for p in range(n_portfolios):
            long = short = residual = missing = 0.0
            for e in range(start[t * n_portfolios + p], start[t * n_portfolios + p + 1]):
                w = weight[e]
                r = later[row[e]]
                if row[e] < offsets[t]:  # the row is older than the book
                    r = _row_on(t + shift, security[row[e]], offsets, security)
                if r < 0 or np.isnan(ret[r]):
                    missing += abs(w)
                elif w > 0:
                    long += w * ret[r]
                else:
                    short += w * ret[r]
                if has_residual and r >= 0 and not np.isnan(resret[r]):
                    residual += w * resret[r]
            sums = out[p, t - first]
            sums[RET_LONG], sums[RET_SHORT], sums[RESRET], sums[MISSING] = long, short, residual, missing
    return out


@njit(cache=True, nogil=True)
def attribute(books, trades, panel, later, ret, shift, borrow, days):
    """What each name and each sector contributed, net of its own costs, over the given information days.

    Args:
        books: (start, row, weight, P): held books.
        trades: (start, row, cost) of portfolio 0.
        panel: (offsets, security, sector, N, number of sectors).
        later: as `earn` takes it.
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
    for i in range(len(days)):
        t = days[i]
        for e in range(start[t * n_portfolios], start[t * n_portfolios + 1]):
            w = weight[e]
            net = w * borrow if w < 0 else 0.0
            r = later[row[e]]
            if row[e] < offsets[t]:
                r = _row_on(t + shift, security[row[e]], offsets, security)
            if r >= 0 and not np.isnan(ret[r]):
                net += w * ret[r]
            by_name[security[row[e]]] += net
            by_sector[sector[row[e]]] += net
        if i > 0:
            for e in range(trade_start[t], trade_start[t + 1]):
                by_name[security[trade_row[e]]] -= trade_cost[e]
                by_sector[sector[trade_row[e]]] -= trade_cost[e]
    return by_name, by_sector


@njit(cache=True, nogil=True)
def group_returns(group, n_groups, later, offsets, ret, resret, days):
    """Equal-weighted return of each group of each day's names, a missing return counting as 0.

    Args:
        group: (R,) 1 to `n_groups`, 0 for none.
        later: (R,) row of the name on the day of its return, or -1.
        resret: (R,), empty where there is none.
        days: (first, end) of the n information days.

    Returns:
        (n, n_groups) mean returns and mean residual returns; NaN where the group is empty.
    """
    first, end = days
    mean = np.full((end - first, n_groups), np.nan)
    mean_residual = np.full((end - first, n_groups), np.nan)
    count = np.zeros(n_groups + 1)
    total = np.zeros(n_groups + 1)
    total_residual = np.zeros(n_groups + 1)
    has_residual = len(resret) > 0
    for t in range(first, end):
        count[:] = 0.0
        total[:] = 0.0
        total_residual[:] = 0.0
        for r in range(offsets[t], offsets[t + 1]):
            g = group[r]
            count[g] += 1
            if later[r] >= 0:
                value = ret[later[r]]
                total[g] += 0.0 if np.isnan(value) else value
                if has_residual:
                    value = resret[later[r]]
                    total_residual[g] += 0.0 if np.isnan(value) else value
        for g in range(1, n_groups + 1):
            if count[g] > 0:
                mean[t - first, g - 1] = total[g] / count[g]
                mean_residual[t - first, g - 1] = total_residual[g] / count[g]
    return mean, mean_residual


@njit(cache=True, nogil=True)
def group_exposures(group, n_groups, offsets, styles, begin):
    """Size and mean exposures of each group of each day; a missing exposure counts as the day's mean of all groups.

    Args:
        group: (R,) 1 to `n_groups`, 0 for none.
        styles: (K, at least begin + R) exposures; those of row r are `styles[:, begin + r]`.

    Returns:
        (T, n_groups) names, (T, n_groups, K) mean exposures, NaN where the group is empty, and (T, K) the day's means.
    """
    n_days = len(offsets) - 1
    n_styles = styles.shape[0]
    count = np.zeros((n_days, n_groups))
    mean = np.full((n_days, n_groups, n_styles), np.nan)
    day_mean = np.full((n_days, n_styles), np.nan)
    total = np.zeros((n_groups + 1, n_styles))
    missing = np.zeros((n_groups + 1, n_styles))
    size = np.zeros(n_groups + 1)
    for t in range(n_days):
        total[:] = 0.0
        missing[:] = 0.0
        size[:] = 0.0
        for r in range(offsets[t], offsets[t + 1]):
            g = group[r]
            size[g] += 1
            for k in range(n_styles):
                exposure = styles[k, begin + r]
                if np.isnan(exposure):
                    missing[g, k] += 1
                else:
                    total[g, k] += exposure
        count[t] = size[1:]
        for k in range(n_styles):
            known = size[1:].sum() - missing[1:, k].sum()
            if known == 0:
                continue
            day_mean[t, k] = total[1:, k].sum() / known
            for g in range(1, n_groups + 1):
                if size[g] > 0:
                    mean[t, g - 1, k] = (total[g, k] + missing[g, k] * day_mean[t, k]) / size[g]
    return count, mean, day_mean


@njit(cache=True, nogil=True)
def _pair_ranks(ranks, values, both, order, begin):
    """Twice the rank of each row of a day that has both values, by its place within the day.

    Args:
        ranks: room for the day.
        both: whether a row has both values, by its place within the day.
        order: rows of the day in ascending order of value, the missing ones last.
    """
    n = 0
    i = 0
    while i < len(order) and not np.isnan(values[order[i]]):
        value = values[order[i]]
        tied = i
        before = n
        while i < len(order) and values[order[i]] == value:
            n += both[order[i] - begin]
            i += 1
        for j in range(tied, i):
            ranks[order[j] - begin] = before + 1 + n


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
    rank_x = np.empty(longest, np.int64)
    rank_y = np.empty(longest, np.int64)
    both = np.empty(longest, np.int64)
    for t in range(n_days):
        begin, end = offsets[t], offsets[t + 1]
        n = 0
        for r in range(begin, end):
            both[r - begin] = not (np.isnan(x[r]) or np.isnan(y[r]))
            n += both[r - begin]
        if n < least:
            continue
        _pair_ranks(rank_x, x, both, x_order[begin:end], begin)
        _pair_ranks(rank_y, y, both, y_order[begin:end], begin)
        xx = yy = xy = np.int64(0)  # whole numbers: exact, whatever the order
        for i in range(end - begin):
            if both[i]:
                a = rank_x[i] - n - 1
                b = rank_y[i] - n - 1
                xx += a * a
                yy += b * b
                xy += a * b
        if xx > 0 and yy > 0:
            out[t] = xy / np.sqrt(np.float64(xx) * np.float64(yy))
    return out
