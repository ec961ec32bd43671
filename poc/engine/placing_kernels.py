"""From signal rows to one live value a panel row. Compiled; arrays in, arrays out."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def live_intervals(security, formation, rank, carry_days, n_days, first, end):
    """Days on which each row is its security's live row, in any case.

    A row lives from its formation day for `carry_days` days, except where a row with a later `date_sig` is alive. All
    lives are equally long, so what is left of one is a single interval.

    Args:
        security: (n,) security index, -1 unknown. Rows are sorted by (security, formation, rank).
        formation: (n,) index of the formation day, `n_days` where beyond the calendar.
        rank: (n,) order of `date_sig`.
        first, end: (n,) int32, written: the first day and the day after the last; empty where the row never lives.
    """
    stack = np.empty(len(security), np.int64)  # rows of this security, each with an earlier date_sig than the one below
    top = 0
    for i in range(len(security)):
        first[i] = formation[i]
        end[i] = min(formation[i] + carry_days, n_days)
        if security[i] < 0 or formation[i] >= n_days:
            continue
        if top > 0 and security[stack[top - 1]] != security[i]:
            top = 0
        while top > 0 and rank[stack[top - 1]] < rank[i]:
            older = stack[top - 1]
            end[older] = max(first[older], min(end[older], formation[i]))
            top -= 1
        if top > 0:
            first[i] = max(first[i], min(formation[stack[top - 1]] + carry_days, end[i] - 1))
            if first[i] < formation[stack[top - 1]] + carry_days:  # never: that one lives to the end of the calendar
                end[i] = first[i]
        stack[top] = i
        top += 1


@njit(cache=True, nogil=True)
def spread_live(
    signal, security, rank, end, carry_days, order, start, panel_security, offsets, n_securities, ahead, out
):
    """Write each live value on the panel rows of its days.

    Args:
        signal, security, rank: (n,) signal rows, the index of their security (-1 unknown), and the order of `date_sig`.
        end: (n,) the day after the last on which each is its security's live row. Or empty: then a row lives for
            `carry_days` days or until the next row of its security, which is right only if that has a later `date_sig`.
        order: rows by their first day; or empty, where they are in that order.
        start: (T + 2,) the rows that begin to live on day t are `start[t]:start[t + 1]` of that order.
        ahead: rows of day t get the value that lives on day `t + ahead`.
        out: (R,) float64, written: the live value, NaN where there is none.

    Returns:
        Rows of unknown securities, rows beyond the calendar, and rows that never live for another reason; and False
        where `end` is needed but empty: `out` is not to be used.
    """
    n_days = len(offsets) - 1
    value = np.full(n_securities, np.nan)
    born = np.full(n_securities, -1, np.int64)
    until = np.zeros(n_securities, np.int64)
    newest = np.full(n_securities, np.int64(-(2**62)))  # rank of the live row
    unknown, idle = 0, 0
    for day in range(n_days + ahead):
        for j in range(start[min(day, n_days)], start[min(day + 1, n_days)]):
            i = order[j] if len(order) > 0 else j
            s = security[i]
            if s < 0:
                unknown += 1
                continue
            if len(end) > 0:
                if end[i] <= day:
                    idle += 1
                    continue
                until[s] = end[i]
            else:
                if rank[i] <= newest[s]:
                    return unknown, 0, idle, False
                if born[s] == day:  # the one before is superseded at once
                    idle += 1
                newest[s] = rank[i]
                born[s] = day
                until[s] = day + carry_days
            value[s] = signal[i]
        t = day - ahead
        if t < 0:
            continue
        for r in range(offsets[t], offsets[t + 1]):
            s = panel_security[r]
            out[r] = value[s] if until[s] > day and day < n_days else np.nan
    beyond = 0
    for j in range(start[n_days], start[n_days + 1]):
        if security[order[j] if len(order) > 0 else j] < 0:
            unknown += 1
        else:
            beyond += 1
    return unknown, beyond, idle, True


@njit(cache=True, nogil=True)
def move_to_next_day(values, traded, panel_security, offsets, n_securities, out):
    """Write the value of each row that traded on the row of the same security on the next trading day.

    Args:
        values, traded: (R,) values, NaN where there is none, and whether the row counts.
        out: (R,) float64, written; NaN where the day before has no value.
    """
    value = np.full(n_securities, np.nan)
    for r in range(offsets[0], offsets[1]):
        out[r] = np.nan
    for t in range(len(offsets) - 2):
        for r in range(offsets[t], offsets[t + 1]):
            if traded[r]:
                value[panel_security[r]] = values[r]
        for r in range(offsets[t + 1], offsets[t + 2]):
            out[r] = value[panel_security[r]]
        for r in range(offsets[t], offsets[t + 1]):
            value[panel_security[r]] = np.nan
