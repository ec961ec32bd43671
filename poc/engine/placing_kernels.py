"""From signal rows to one live value a panel row. Compiled; arrays in, arrays out."""

import numpy as np

from poc.kernel import kernel
from poc.prefetch import AHEAD, prefetch


@kernel
def live_intervals(number, formation, rank, carry_days, n_days, first, end):
    """Days on which each row is its security's live row, in any case.

    A row lives from its formation day for `carry_days` days, except where a row with a later `date_sig` is alive. All
    lives are equally long, so what is left of one is a single interval.

    Args:
        number: (n,) security. Rows are sorted by (number, formation, rank).
        formation: (n,) index of the formation day, `n_days` where beyond the calendar.
        rank: (n,) order of `date_sig`.
        first, end: (n,) int32, written: the first day and the day after the last; empty where the row never lives.
    """
    stack = np.empty(len(number), np.int64)  # rows of this security, each with an earlier date_sig than the one below
    top = 0
    for i in range(len(number)):
        first[i] = formation[i]
        end[i] = min(formation[i] + carry_days, n_days)
        if formation[i] >= n_days:
            continue
        if top > 0 and number[stack[top - 1]] != number[i]:
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


@kernel
def spread_live(
    start,
    signal,
    number,
    rank,
    end,
    lowest,
    index,
    carry_days,
    panel_security,
    offsets,
    n_securities,
    ahead,
    block,
    out,
):
    """Write the live values of some days on their panel rows. No value depends on which days are written together.

    Args:
        start: (T + 2,) the rows that begin to live on day t are `start[t]:start[t + 1]`.
        signal, number: (n,) signal rows, and `number - lowest` is the code of the security.
        rank: (n,) order of `date_sig`; or empty, where the rows of each security are known to ascend.
        end: (n,) the day after the last on which each is its security's live row. Or empty: then a row lives for
            `carry_days` days or until the next row of its security, which is right only if that has a later `date_sig`.
        index: (codes,) index of each security, -1 unknown.
        carry_days: no row lives for longer.
        ahead: panel rows of day t get the value that lives on day `t + ahead`.
        block: the first day to write, and the day after the last.
        out: (R,) float64, written on these days: the live value, NaN where there is none.

    Returns:
        Rows of unknown securities, and rows that never live, among those that begin to live on the days of the block;
        and False where `end` is needed but empty: `out` is not to be used.
    """
    n_days = len(offsets) - 1
    newest = np.full(n_securities, -1, np.int32)  # row that began to live last
    unknown, idle = 0, 0
    first = block[0] + ahead if block[0] > 0 else 0
    for day in range(max(first + 1 - carry_days, 0), block[1] + ahead):
        begin = start[min(day, n_days)]
        born = number[begin : start[min(day + 1, n_days)]]
        nowhere = 0
        for k in range(len(born)):  # an index that may be negative would be looked at twice, so it is made unsigned
            prefetch(born, k + AHEAD)
            i, s = begin + k, index[np.uint32(born[k] - lowest)]
            if s < 0:
                nowhere += 1
            elif len(end) == 0 or end[i] > day:
                if len(rank) > 0 and newest[s] >= 0 and rank[newest[s]] > rank[i]:
                    return unknown, idle, False
                newest[s] = i
        if day < first:
            continue
        unknown += nowhere
        idle += len(born) - nowhere
        for i in newest:
            idle -= i >= begin
        t = day - ahead
        if t < 0:
            continue
        oldest = start[max(day + 1 - carry_days, 0)] if day < n_days else len(number)
        today, values = panel_security[offsets[t] : offsets[t + 1]], out[offsets[t] : offsets[t + 1]]
        for k in range(len(today)):
            i = newest[np.uint32(today[k])]
            prefetch(today, k + AHEAD)
            prefetch(signal, i + AHEAD)
            values[k] = signal[np.uint32(i)] if i >= oldest and (len(end) == 0 or end[i] > day) else np.nan
    return unknown, idle, True


@kernel
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
