"""From books to daily trades, costs and returns. Compiled; arrays in, arrays out.

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
def first_books(start, row, weight, n_portfolios):
    """The same three arrays for portfolio 0 alone."""
    n_days = (len(start) - 1) // n_portfolios
    first_start = np.zeros(n_days + 1, np.int64)
    for t in range(n_days):
        first_start[t + 1] = first_start[t] + start[t * n_portfolios + 1] - start[t * n_portfolios]
    first_row = np.empty(first_start[n_days], row.dtype)
    first_weight = np.empty(first_start[n_days])
    for t in range(n_days):
        a, b = start[t * n_portfolios], start[t * n_portfolios + 1]
        for e in range(a, b):
            first_row[first_start[t] + e - a] = row[e]
            first_weight[first_start[t] + e - a] = weight[e]
    return first_start, first_row, first_weight


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
        known = np.sort(costs[~np.isnan(costs)])
        fallback = max(UNKNOWN_COST, (known[(n_known - 1) // 2] + known[n_known // 2]) / 2)
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
                for i in range(n):
                    all_rows[used] = touched[i]
                    all_costs[used] = cost[i]
                    used += 1
                trade_start[t - first + 1] = used
    return daily, trade_start, all_rows[:used].copy(), all_costs[:used].copy()


@njit(cache=True, nogil=True)
def earn(start, row, weight, n_portfolios, offsets, names, later, ret, resret, shift, days, counted, borrow):
    """Returns that each held book earns `shift` trading days after its information day.

    Args:
        start, row, weight, n_portfolios: held books.
        names: (security, sector, N, number of sectors).
        later: (R,) row of the same name `shift` trading days later, or -1.
        ret, resret: (R,) returns, missing as NaN; a name without one earns 0. `resret` is empty where there is none.
        days: (first, end) of the n information days.
        counted: (T,) information days that count in what each name contributes to the book of all names.
        borrow: cost a day of the short side, as a fraction; only those contributions bear it.

    Returns:
        (P, n, 4) daily sums by information day, in the order of the names above; (N,) contributions by name and
        (sectors + 1,) by sector, the last one unknown.
    """
    security, sector, n_securities, n_sectors = names
    first, end = days
    out = np.zeros((n_portfolios, end - first, 4))
    by_name = np.zeros(n_securities)
    by_sector = np.zeros(n_sectors + 1)
    has_residual = len(resret) > 0
    for t in range(first, min(end, len(offsets) - 1 - shift)):
        for p in range(n_portfolios):
            counts = p == 0 and counted[t]
            long = short = residual = missing = 0.0
            for e in range(start[t * n_portfolios + p], start[t * n_portfolios + p + 1]):
                w = weight[e]
                r = later[row[e]]
                if row[e] < offsets[t]:  # the row is older than the book
                    r = _row_on(t + shift, security[row[e]], offsets, security)
                earned = 0.0
                if r < 0 or np.isnan(ret[r]):
                    missing += abs(w)
                else:
                    earned = w * ret[r]
                if w > 0:
                    long += earned
                else:
                    short += earned
                if has_residual and r >= 0 and not np.isnan(resret[r]):
                    residual += w * resret[r]
                if counts:
                    net = earned + min(w, 0.0) * borrow
                    by_name[security[row[e]]] += net
                    by_sector[sector[row[e]]] += net
            sums = out[p, t - first]
            sums[RET_LONG], sums[RET_SHORT], sums[RESRET], sums[MISSING] = long, short, residual, missing
    return out, by_name, by_sector


@njit(cache=True, nogil=True)
def sum_costs(trades, names, days):
    """Trading costs over the given information days: (N,) by name and (sectors + 1,) by sector, the last one unknown.

    Args:
        trades: (start, row, cost) of the book of all names.
        names: as `earn` takes them.
    """
    start, row, cost = trades
    security, sector, n_securities, n_sectors = names
    by_name = np.zeros(n_securities)
    by_sector = np.zeros(n_sectors + 1)
    for t in days:
        for e in range(start[t], start[t + 1]):
            by_name[security[row[e]]] += cost[e]
            by_sector[sector[row[e]]] += cost[e]
    return by_name, by_sector
