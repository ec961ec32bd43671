"""From books to daily trades, costs and returns. Compiled; arrays in, arrays out.

Everything is laid out by information day: the day whose close is the last that a book knows.
"""

import numpy as np

from poc.data.sort_kernels import ABSENT, longest_day, sort_few
from poc.kernel import inner, kernel
from poc.prefetch import AHEAD, prefetch

TRADED, COST, GROSS, SHORT, N_LONG, N_SHORT = range(6)
"""Columns of `trade_books`: sums of absolute trades, costs, absolute weights, absolute short weights; names a side."""

RET_LONG, RET_SHORT, RESRET, MISSING = range(4)
"""Columns of `earn`: sums of weight times return; absolute weight of the names without a return."""

NOTHING = 1e-12
"""A smaller weight is no holding and a smaller trade is no trade: what is left when opposite books cancel."""
UNKNOWN_COST = 10e-4
"""Least unit cost under the power law of a name whose volatility or volume was never known."""


@inner
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


@kernel
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
            sort_few(names[:n])
            for s in names[:n]:
                if abs(total[s]) > NOTHING:
                    held_row[used] = latest[s]
                    held_weight[used] = total[s]
                    used += 1
                total[s] = 0.0
                is_named[s] = False
            held_start[t * n_portfolios + p + 1] = used
    return held_start, held_row[:used].copy(), held_weight[:used].copy()


@inner
def _write_costs(costs, trades, rows, known, cost_inputs, cost_settings):
    """Cost of each trade, a fraction of notional, from the latest known row of each name traded.

    Args:
        known: a buffer for as many.
    """
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
            known[n_known] = costs[i]
            n_known += 1
        else:
            costs[i] = np.nan
    fallback = UNKNOWN_COST
    if 0 < n_known < len(trades):
        sort_few(known[:n_known])
        fallback = max(UNKNOWN_COST, (known[(n_known - 1) // 2] + known[n_known // 2]) / 2)
    for i in range(len(trades)):
        costs[i] = trades[i] * (fallback if np.isnan(costs[i]) else costs[i])


@kernel
def trade_books(
    books, before, n_portfolios, offsets, security, n_securities, next_place, cost_inputs, cost_settings, listed, days
):
    """Trade from each day's held book to the next.

    Args:
        books: (start, row, weight) of the books held on the n days.
        before: the same of the day before them, which the first day trades away from; not read where there is none.
        next_place: (R,) place of the same name among the rows of the next trading day, or `ABSENT`.
        cost_inputs: (cap, vol, adv), (R,) each, latest known of any age.
        cost_settings: (by power law or not, bps (3,), power (2,), gmv).
        listed: whether the single trades of portfolio 0 are listed.
        days: (first, end) of the n days.

    Returns:
        (P, n, 6) daily sums, in the order of the names above; and the listed trades: (n + 1,) start of each day's,
        (trades,) latest known row of the name, (trades,) cost.
    """
    first, end = days
    start, row, weight = books
    daily = np.zeros((n_portfolios, end - first, 6))
    trade_start = np.zeros(end - first + 1, np.int64)
    most = len(before[1])
    for t in range(end - first):
        most = max(most, start[(t + 1) * n_portfolios] - start[t * n_portfolios])
    most *= 2  # what is bought and what is sold
    all_rows = np.empty(2 * len(row) + len(before[1]) if listed else 0, np.int32)
    all_costs = np.empty(len(all_rows))
    used = 0
    held = np.zeros(longest_day(offsets))  # by the row of the name on the day
    held_without = np.zeros(n_securities)  # of names that have no row on the day
    touched = np.empty(most, np.int32)
    trade = np.empty(most)
    cost, known_cost = np.empty(most), np.empty(most)
    sold = np.empty(most, np.int32)
    for t in range(first, end):
        begin = offsets[t]
        old_start, old_row, old_weight = books if t > first else before
        first_old = (t - 1 - first) * n_portfolios if t > first else 0
        for p in range(n_portfolios):
            book, old = (t - first) * n_portfolios + p, first_old + p
            n_old = 0
            for e in range(old_start[old], old_start[old + 1]) if t > 0 else range(0):
                r = old_row[e]
                now = begin + next_place[r] if next_place[r] != ABSENT else -1
                if r < offsets[t - 1]:  # the row is older than the book
                    now = _row_on(t, security[r], offsets, security)
                if now >= 0:
                    held[now - begin] = old_weight[e]
                else:
                    held_without[security[r]] = old_weight[e]
                sold[n_old] = now if now >= 0 else r
                n_old += 1
            n = n_short = 0
            gross = short = traded = paid = 0.0
            for e in range(start[book], start[book + 1]):
                r, w = row[e], weight[e]
                gross += abs(w)
                if w < 0:
                    short -= w
                    n_short += 1
                if r >= begin:
                    change = abs(w - held[r - begin])
                    held[r - begin] = 0.0
                else:
                    change = abs(w - held_without[security[r]])
                    held_without[security[r]] = 0.0
                touched[n], trade[n] = r, change
                n += change > NOTHING
            for r in sold[:n_old]:
                if r >= begin:
                    change = abs(held[r - begin])
                    held[r - begin] = 0.0
                else:
                    change = abs(held_without[security[r]])
                    held_without[security[r]] = 0.0
                touched[n], trade[n] = r, change
                n += change > NOTHING
            _write_costs(cost[:n], trade[:n], touched[:n], known_cost, cost_inputs, cost_settings)
            for i in range(n):
                traded += trade[i]
                paid += cost[i]
                if listed and p == 0:
                    all_rows[used], all_costs[used] = touched[i], cost[i]
                    used += 1
            trade_start[t - first + 1] = used
            out = daily[p, t - first]
            out[TRADED], out[COST], out[GROSS], out[SHORT] = traded, paid, gross, short
            out[N_LONG], out[N_SHORT] = start[book + 1] - start[book] - n_short, n_short
    return daily, trade_start, all_rows[:used], all_costs[:used]


@kernel
def earn(
    start, row, weight, n_portfolios, offsets, security, later, ret, resret, shift, fractile, n_fractiles, days
):  # fmt: skip
    """Returns that each held book and each fractile earns `shift` trading days after its information day.

    Args:
        start, row, weight, n_portfolios: books held on the n days.
        later: (R,) place of the same name among the rows of `shift` trading days later, or `ABSENT`.
        ret, resret: (R,) returns, missing as NaN; a name without one earns 0. `resret` is empty where there is none.
        fractile: (R,) 1 to `n_fractiles`, 0 for none; not read where `n_fractiles` is 0.
        days: (first, end) of the n information days.

    Returns:
        (P, n, 4) daily sums by information day, in the order of the names above; (2, n, n_fractiles) sums of the
        returns and of the residual returns of the names of each fractile.
    """
    first, end = days
    out = np.zeros((n_portfolios, end - first, 4))
    of_fractiles = np.zeros((2, end - first, n_fractiles))
    total = np.zeros((n_fractiles + 1, 2))
    has_residual = len(resret) > 0
    longest = longest_day(offsets)
    day_ret, day_resret = np.empty(longest, ret.dtype), np.empty(longest, resret.dtype)
    for t in range(first, min(end, len(offsets) - 1 - shift)):
        begin, end_of_day = offsets[t], offsets[t + 1]
        places, groups = later[begin:end_of_day], fractile[begin:end_of_day]
        earned_there, residual_there = ret[offsets[t + shift] :], resret[offsets[t + shift] if has_residual else 0 :]
        for i in range(len(places)):
            place = places[i]
            prefetch(places, i + AHEAD)
            if place == ABSENT:
                day_ret[i] = day_resret[i] = np.nan
                continue
            prefetch(earned_there, place + AHEAD)
            if has_residual:
                prefetch(residual_there, place + AHEAD)
            earned = day_ret[i] = earned_there[place]
            earned_residual = day_resret[i] = residual_there[place] if has_residual else np.nan
            if n_fractiles > 0:
                g = groups[i]
                prefetch(groups, i + AHEAD)
                total[g, 0] += 0.0 if np.isnan(earned) else earned
                total[g, 1] += 0.0 if np.isnan(earned_residual) else earned_residual
        for g in range(n_fractiles + 1):
            for kind in range(2):
                if g > 0:
                    of_fractiles[kind, t - first, g - 1] = total[g, kind]
                total[g, kind] = 0.0
        for p in range(n_portfolios):
            book = (t - first) * n_portfolios + p
            long = short = residual = missing = np.float64(0.0)
            for e in range(start[book], start[book + 1]):
                w = weight[e]
                i = row[e] - begin
                if i >= 0:
                    earned, earned_residual = day_ret[i], day_resret[i]
                else:  # the row is older than the book
                    r = _row_on(t + shift, security[row[e]], offsets, security)
                    earned = ret[r] if r >= 0 else np.nan
                    earned_residual = resret[r] if r >= 0 and has_residual else np.nan
                if np.isnan(earned):
                    missing += abs(w)
                elif w > 0:
                    long += w * earned
                else:
                    short += w * earned
                residual += 0.0 if np.isnan(earned_residual) else w * earned_residual
            sums = out[p, t - first]
            sums[RET_LONG], sums[RET_SHORT], sums[RESRET], sums[MISSING] = long, short, residual, missing
    return out, of_fractiles


@kernel
def contribute(start, row, weight, trades, offsets, names, later, ret, shift, days, borrow):
    """What each name adds to the net return of the book of all names; the trades of the first day are not counted.

    Args:
        start, row, weight: held book by information day.
        trades: (start, row, cost) of its trades.
        names: (security, sector, N, number of sectors).
        later: (R,) place of the same name among the rows of `shift` trading days later, or `ABSENT`.
        ret: (R,) return, missing as NaN; a name without one earns 0.
        days: information days of the series.
        borrow: cost a day of the short side, as a fraction.

    Returns:
        (N,) contributions by name and (sectors + 1,) by sector, the last one unknown.
    """
    security, sector, n_securities, n_sectors = names
    trade_start, trade_row, cost = trades
    by_name = np.zeros(n_securities)
    by_sector = np.zeros(n_sectors + 1)
    for t in days:
        for e in range(start[t], start[t + 1]):
            place = later[row[e]]
            r = offsets[t + shift] + place if place != ABSENT else -1
            if row[e] < offsets[t]:  # the row is older than the book
                r = _row_on(t + shift, security[row[e]], offsets, security)
            net = min(weight[e], 0.0) * borrow
            if r >= 0 and not np.isnan(ret[r]):
                net += weight[e] * ret[r]
            by_name[security[row[e]]] += net
            by_sector[sector[row[e]]] += net
        if t > days[0]:
            for e in range(trade_start[t], trade_start[t + 1]):
                by_name[security[trade_row[e]]] -= cost[e]
                by_sector[sector[trade_row[e]]] -= cost[e]
    return by_name, by_sector
