"""Sorting and ranking the values of each day. Compiled; arrays in, arrays out.

Here and in every other kernel arrays are copied by a loop: to compile an assignment of arrays takes numba some seconds.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

LOW_63_BITS = 2**63 - 1
LOW_32_BITS = 2**32 - 1
MINUS_ZERO = -(2**63)


def order_by_day(values: NDArray[np.float64], offsets: NDArray[Any]) -> NDArray[np.int32]:
    """(R,) rows of each day in ascending order of value, equal ones in the order of rows; the missing ones last.

    A radix sort (Knuth, The Art of Computer Programming, vol. 3, section 5.2.5) by the leading half of the bits leaves
    next to nothing out of place, which an insertion sort mends; where it is much, both halves are sorted by.
    """
    order: NDArray[np.int32] = _order_by_day(_frozen(values), _frozen(offsets))
    return order


@njit(cache=True, nogil=True)
def longest_day(offsets: NDArray[Any]) -> int:
    """Rows of the day that has most."""
    longest = 0
    for t in range(len(offsets) - 1):
        longest = max(longest, offsets[t + 1] - offsets[t])
    return longest


@njit(cache=True, nogil=True)
def _order_by_day(values, offsets):
    order = np.empty(len(values), np.int32)
    bits = values.view(np.int64)
    longest = longest_day(offsets)
    room = (np.empty(longest, np.uint32), np.empty(longest, np.int32), np.empty((4, 256), np.int32))
    word = np.empty(longest, np.uint32)
    for t in range(len(offsets) - 1):
        begin = offsets[t]
        n = _present_first(values, begin, offsets[t + 1], order)
        rows = order[begin : begin + n]
        for i in range(n):
            word[i] = (_rising(bits[rows[i]]) >> 32) + 2**31
        _radix_sort(word[:n], rows, room)
        if not _insertion_sort(rows, values, 4 * n):
            _present_first(values, begin, offsets[t + 1], order)
            for i in range(n):
                word[i] = _rising(bits[rows[i]]) & LOW_32_BITS
            _radix_sort(word[:n], rows, room)
            for i in range(n):
                word[i] = (_rising(bits[rows[i]]) >> 32) + 2**31
            _radix_sort(word[:n], rows, room)
    return order


@njit(cache=True, nogil=True)
def _present_first(values, begin, end, order):
    """Write the rows of a day, those with a value first; how many have one."""
    free = end
    n = 0
    for r in range(begin, end):
        if np.isnan(values[r]):
            free -= 1
            order[free] = r
        else:
            order[begin + n] = r
            n += 1
    return n


@njit(cache=True, nogil=True)
def _rising(bits):
    """A whole number that rises with the float64 of these bits."""
    if bits == MINUS_ZERO:
        return np.int64(0)
    return bits ^ ((bits >> 63) & LOW_63_BITS)


@njit(cache=True, nogil=True)
def _radix_sort(word, rows, room):
    """Sort rows by their 32-bit words, equal ones in the order they come, a byte at a time from the last.

    Args:
        room: (longest,) words, (longest,) rows, (4, 256) counts.
    """
    n = len(rows)
    other_word, other_rows, counts = room
    counts[:] = 0
    for i in range(n):
        w = word[i]
        counts[0, w & 255] += 1
        counts[1, (w >> 8) & 255] += 1
        counts[2, (w >> 16) & 255] += 1
        counts[3, w >> 24] += 1
    source_word, source, target_word, target = word, rows, other_word, other_rows
    swapped = False
    for byte in range(4):
        shift = np.uint32(8 * byte)
        count = counts[byte]
        if n == 0 or count[(source_word[0] >> shift) & 255] == n:
            continue  # the byte is the same everywhere
        begin = 0
        for value in range(256):
            size = count[value]
            count[value] = begin
            begin += size
        for i in range(n):
            w = source_word[i]
            value = (w >> shift) & 255
            to = count[value]
            count[value] = to + 1
            target_word[to] = w
            target[to] = source[i]
        source_word, target_word = target_word, source_word
        source, target = target, source
        swapped = not swapped
    if swapped:
        for i in range(n):
            rows[i] = source[i]


@njit(cache=True, nogil=True)
def _insertion_sort(rows, values, most_moves):
    """Sort rows that are nearly in order; False where that takes more moves than given, which leaves them unsorted."""
    moves = 0
    for i in range(1, len(rows)):
        row = rows[i]
        value = values[row]
        at = i
        while at > 0 and values[rows[at - 1]] > value:
            rows[at] = rows[at - 1]
            at -= 1
        rows[at] = row
        moves += i - at
        if moves > most_moves:
            return False
    return True


def distinct_ranks(values: NDArray[np.float64], order: NDArray[np.int32], offsets: NDArray[Any]) -> NDArray[np.int32]:
    """(R,) how many distinct values of its day are lower, -1 where missing.

    Args:
        order: as `order_by_day` gives it.
    """
    ranks: NDArray[np.int32] = _frozen(_distinct_ranks(_frozen(values), _frozen(order), _frozen(offsets)))
    return ranks


@njit(cache=True, nogil=True)
def _distinct_ranks(values, order, offsets):
    ranks = np.full(len(values), -1, np.int32)
    for t in range(len(offsets) - 1):
        rank = -1
        before = np.nan
        for r in order[offsets[t] : offsets[t + 1]]:
            value = values[r]
            if np.isnan(value):
                break
            rank += value != before
            before = value
            ranks[r] = rank
    return ranks


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view: for arrays that can be written, a compiled function would be compiled a second time."""
    array = array.view()
    array.flags.writeable = False
    return array
