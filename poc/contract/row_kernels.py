"""Linear passes over the rows of a signal, compiled. Days are int32 numbers since 1970, `MISSING` where there is none.

Securities are numbers that, less the lowest, are small codes, so that what was last seen of each is looked up in a
buffer. Nothing is sorted: it is enough that the rows of each security ascend, as they do in files by date and in files
by security. What follows from the dates of a row is found once for each run of rows that have the same.
"""

import numpy as np

from poc.kernel import inner, kernel
from poc.prefetch import AHEAD, prefetch

MISSING = np.int32(-(2**31))


@kernel
def find_changes(date_sig, date_avail, hour, start):
    """Find where runs of rows with the same dates and hour begin.

    Args:
        date_sig, date_avail: (n,) days.
        hour: (n,) the bits of float64 hours; or empty, where the rows have none.
        start: (n + 1,) int64, written: the first row of each run, and then n.

    Returns:
        How many runs there are.
    """
    start[0] = 0
    n_runs = min(len(date_sig), 1)
    for i in range(1, len(date_sig)):
        prefetch(date_sig, i + AHEAD)
        prefetch(date_avail, i + AHEAD)
        changes = (date_sig[i] != date_sig[i - 1]) | (date_avail[i] != date_avail[i - 1])
        if changes or (len(hour) > 0 and hour[i] != hour[i - 1]):
            start[n_runs] = i
            n_runs += 1
    start[n_runs] = len(date_sig)
    return n_runs


@kernel
def find_unusual(number, lowest, signal, start, date_sig, is_usual, known, last_sig, unusual, repeats):
    """Mark the rows that do not pass every check at first sight, and those that repeat a key.

    Args:
        number, lowest: (n,) `number - lowest` is the code of the security, -1 missing.
        signal: (n,) NaN where missing.
        start: (runs + 1,) where runs of rows with the same dates and hour begin.
        date_sig: (runs,) day, `MISSING` where missing.
        is_usual: (runs,) whether nothing is wrong with dates and hour.
        known: (codes,) whether the snapshot knows the security.
        last_sig: (codes,) buffer, filled with `MISSING`.
        unusual, repeats: (n,) False, written.

    Returns:
        False where the rows of some security do not ascend by `date_sig`: then a repetition is only found if it comes
        directly after the row that it repeats.
    """
    ascending = True
    for r in range(len(start) - 1):
        begin, sig, usual = start[r], date_sig[r], is_usual[r]
        numbers, values = number[begin : start[r + 1]], signal[begin : start[r + 1]]
        for k in range(len(numbers)):
            prefetch(numbers, k + AHEAD)
            prefetch(values, k + AHEAD)
            s = numbers[k] - lowest
            if s >= 0 and last_sig[s] < sig:
                last_sig[s] = sig
                if usual & known[s] & np.isfinite(values[k]):
                    continue
            elif s >= 0 and sig != MISSING:
                ascending = False
                repeats[begin + k] = sig == last_sig[s]
                last_sig[s] = sig
            unusual[begin + k] = True
    return ascending


@kernel
def rows_by_group(group, n_groups, order):
    """Write the rows of each group, in their order, one group after the other.

    Args:
        group: (n,) from 0.
        order: (n,) int32, written.

    Returns:
        (n_groups + 1,) where each group begins.
    """
    start = np.zeros(n_groups + 1, np.int64)
    free = np.zeros(n_groups, np.int64)
    for g in group:
        start[g + 1] += 1
    for g in range(n_groups):
        free[g] = start[g]
        start[g + 1] += start[g]
    for i in range(len(group)):
        order[free[group[i]]] = i
        free[group[i]] += 1
    return start


@kernel
def surely_varied(bits, order, start):
    """(groups,) True only where a group has two distinct values or more, and half as many as it has rows.

    Values are counted by the slots of a table that they fall into: where some share one, a varied group may be False.

    Args:
        bits: (n,) the bits of float64 values, none of them NaN.
        order: rows, group by group; or empty, where they are in that order.
        start: (groups + 1,) where each group begins.
    """
    longest = 1
    for g in range(len(start) - 1):
        longest = max(longest, start[g + 1] - start[g])
    power = 1
    while 1 << power < 2 * longest:
        power += 1
    taken_by = np.full(1 << power, -1, np.int32)
    varied = np.zeros(len(start) - 1, np.bool_)
    for g in range(len(varied)):
        missing = max(2, (start[g + 1] - start[g] + 1) // 2)
        for j in range(start[g], start[g + 1]):
            value = bits[order[j] if len(order) > 0 else j]
            if value == np.int64(-(2**63)):  # minus zero is zero
                value = np.int64(0)
            half = (np.uint64(value) ^ (np.uint64(value) >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
            slot = (half * np.uint64(0x9E3779B1) & np.uint64(0xFFFFFFFF)) >> np.uint64(32 - power)
            missing -= taken_by[slot] != g
            taken_by[slot] = g
            if missing == 0:
                varied[g] = True
                break
    return varied


@inner
def _bin_of(bits):
    """The first 16 bits of a float64, in an order that is that of the values."""
    return ((bits >> np.int64(48)) & np.int64(0xFFFF)) ^ (np.int64(0xFFFF) if bits < 0 else np.int64(0x8000))


@kernel
def count_bins(bits):
    """(65536,) values by their first 16 bits, in ascending order of value."""
    counts = np.zeros(1 << 16, np.int64)
    for i in range(len(bits)):
        counts[_bin_of(bits[i])] += 1
    return counts


@kernel
def take_bins(values, bits, wanted):
    """The values of the wanted bins, in the order of the rows."""
    out = np.empty(len(values))
    n = 0
    for i in range(len(values)):
        if wanted[_bin_of(bits[i])]:
            out[n] = values[i]
            n += 1
    return out[:n]


@kernel
def follow_rows(number, lowest, start, formation, carry_days, n_days, last):
    """Gaps between the rows of each security, and the names that are live on each day.

    Args:
        number, lowest: (n,) `number - lowest` is the code of the security.
        start: (runs + 1,) where runs of rows that are formed on the same day begin.
        formation: (runs,) formation day; rows formed at `n_days` or later are passed over.
        last: (codes,) int32 buffer, filled with `MISSING`; its last formation day is written.

    Returns:
        (codes,) rows, and gaps between their formation days that are longer than `carry_days`; (n_days + 1,) change of
        the number of live names; and False where the rows of some security are not in order of formation.
    """
    rows, long_gaps = np.zeros(len(last), np.int32), np.zeros(len(last), np.int32)
    change = np.zeros(n_days + 1, np.int64)
    for r in range(len(formation)):
        day = formation[r]
        if day >= n_days:
            continue
        for x in number[start[r] : start[r + 1]]:
            s = np.uint32(x - lowest)  # an index that may be negative would be looked at twice
            before = last[s]
            last[s] = day
            rows[s] += 1
            if before <= day <= before + carry_days:  # it stays live
                continue
            if before > day:
                return rows, long_gaps, change, False
            if before != MISSING:
                long_gaps[s] += 1
                change[before + carry_days] -= 1
            change[day] += 1
    for before in last:
        if before != MISSING:
            change[min(before + carry_days, n_days)] -= 1
    return rows, long_gaps, change, True
