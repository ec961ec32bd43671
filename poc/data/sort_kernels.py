"""Sorting and ranking the values of each day. Compiled; arrays in, arrays out.

Here and in every other kernel arrays are copied, summed and sorted by loops: to compile an assignment of arrays or a
function of numpy takes numba up to some seconds, and so does a constant as an argument, which is a type of its own.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poc.kernel import inner, kernel

WIDTH = 11
"""Most bits of a digit."""
ROW_BITS = np.uint64(32)
"""What is sorted are words: two digits, and below them, in so many bits, the place of a row among those of its day."""
PLACE = np.uint64(2**32 - 1)
SIGN = np.uint64(2**63)
ABSENT = 2**16 - 1
"""In place of a number that counts names of a day: there is none."""


def order_by_day(values: NDArray[np.floating[Any]], offsets: NDArray[Any]) -> NDArray[np.int32]:
    """(R,) rows of each day in ascending order of value, equal ones in the order of rows; the missing ones last."""
    return sort_days(values, offsets)[0]


def sort_days(values: NDArray[np.floating[Any]], offsets: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The same, and (T,) False only where the values of a day all differ.

    A radix sort (Knuth, The Art of Computer Programming, vol. 3, section 5.2.5) by where a value lies between the least
    and the greatest of the day leaves next to nothing out of place, which an insertion sort mends. Where it is much,
    because few values span nearly all of that, all the bits of the values are sorted by.
    """
    order, tied = _sort_days(_frozen(values.astype(np.float64, copy=False)), _frozen(offsets))
    return order, tied


@inner
def longest_day(offsets: NDArray[Any]) -> int:
    """Rows of the day that has most."""
    longest = 0
    for t in range(len(offsets) - 1):
        longest = max(longest, offsets[t + 1] - offsets[t])
    return longest


@kernel
def _sort_days(values, offsets):
    order = np.empty(len(values), np.int32)
    tied = np.empty(len(offsets) - 1, np.bool_)
    longest = longest_day(offsets)
    row = np.empty(longest, np.int32)
    value = np.empty(longest)
    word = np.empty(longest, np.uint64)
    room = (np.empty(longest, np.uint64), np.empty(1 << WIDTH, np.int32), np.empty(1 << WIDTH, np.int32))
    for t in range(len(offsets) - 1):
        begin, free = offsets[t], offsets[t + 1]
        n = 0
        low, high = np.inf, -np.inf
        for r in range(begin, offsets[t + 1]):
            x = values[r]
            if np.isnan(x):
                free -= 1
                order[free] = r
            else:
                row[n] = r
                value[n] = x + 0.0  # minus zero is zero
                low, high = min(low, x), max(high, x)
                n += 1
        _sort_by_place(word[:n], value[:n], low, high, room)
        done, tied[t] = _insertion_sort(word[:n], value, 4 * n)
        if not done:
            _sort_by_bits(word[:n], value.view(np.uint64), room)
        for i in range(n):
            order[begin + i] = row[word[i] & PLACE]
    return order, tied


@inner
def _sort_by_place(word, value, low, high, room):
    """Write words in the order of where each value lies between the least and the greatest."""
    width = 6
    while width < WIDTH and 1 << width < len(value):
        width += 1
    scale = ((1 << 2 * width) - 1) / (high - low) if 1e-280 < high - low < np.inf else 0.0
    for i in range(len(value)):
        digits = np.int64((value[i] - low) * scale) if scale > 0 else 0
        word[i] = (np.uint64(digits) << ROW_BITS) | np.uint64(i)
    _radix_sort(word, width, room)


@inner
def _sort_by_bits(word, bits, room):
    """Write words in the order of float64 values, equal ones in the order of their places."""
    for i in range(len(word)):
        word[i] = i
    width = np.int64(WIDTH)
    for shift in range(0, 64, 2 * WIDTH):
        for i in range(len(word)):
            at = word[i] & PLACE
            rising = ~bits[at] if bits[at] & SIGN else bits[at] | SIGN  # rises with the value
            digits = (rising >> np.uint64(shift)) & np.uint64((1 << 2 * WIDTH) - 1)
            word[i] = (digits << ROW_BITS) | at
        _radix_sort(word, width, room)


@inner
def _radix_sort(word, width, room):
    """Sort words by their two digits, equal ones in the order they come.

    Args:
        width: bits of a digit.
        room: (longest,) words and twice (2**WIDTH,) counts.
    """
    other, low, high = room
    size = 1 << width
    mask, upper = np.uint64(size - 1), ROW_BITS + np.uint64(width)
    for digit in range(size):
        low[digit] = 0
        high[digit] = 0
    for w in word:
        low[(w >> ROW_BITS) & mask] += 1
        high[w >> upper] += 1
    begin_low = begin_high = 0
    for digit in range(size):
        n_low, n_high = low[digit], high[digit]
        low[digit], high[digit] = begin_low, begin_high
        begin_low += n_low
        begin_high += n_high
    for w in word:
        digit = (w >> ROW_BITS) & mask
        other[low[digit]] = w
        low[digit] += 1
    for i in range(len(word)):
        w = other[i]
        digit = w >> upper
        word[high[digit]] = w
        high[digit] += 1


@inner
def _insertion_sort(word, value, most_moves):
    """Sort words of equal digits by value.

    Returns:
        False where that takes more moves than given, which leaves them unsorted; and False if all values differ.
    """
    moves = 0
    tied = False
    for i in range(1, len(word)):
        w = word[i]
        if word[i - 1] >> ROW_BITS != w >> ROW_BITS:
            continue
        x = value[w & PLACE]
        at = i
        while at > 0 and word[at - 1] >> ROW_BITS == w >> ROW_BITS and value[word[at - 1] & PLACE] > x:
            word[at] = word[at - 1]
            at -= 1
        word[at] = w
        tied |= at > 0 and word[at - 1] >> ROW_BITS == w >> ROW_BITS and value[word[at - 1] & PLACE] == x
        moves += i - at
        if moves > most_moves:
            return False, True
    return True, tied


@inner
def count_present(values, rows):
    """How many of the rows, in ascending order of value and the missing ones last, have one."""
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        if np.isnan(values[rows[middle]]):
            high = middle
        else:
            low = middle + 1
    return low


@inner
def sort_few(values):
    """Sort in place (Shell sort; Knuth, The Art of Computer Programming, vol. 3, section 5.2.1)."""
    gap = 1
    while 3 * gap + 1 < len(values):
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, len(values)):
            value, at = values[i], i
            while at >= gap and values[at - gap] > value:
                values[at] = values[at - gap]
                at -= gap
            values[at] = value
        gap //= 3


def distinct_ranks(values: NDArray[np.float64], order: NDArray[np.int32], offsets: NDArray[Any]) -> NDArray[np.uint16]:
    """(R,) how many distinct values of its day are lower, `ABSENT` where missing.

    Args:
        order: as `order_by_day` gives it.
    """
    ranks: NDArray[np.uint16] = _frozen(_distinct_ranks(_frozen(values), _frozen(order), _frozen(offsets)))
    return ranks


@kernel
def _distinct_ranks(values, order, offsets):
    ranks = np.full(len(values), ABSENT, np.uint16)
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
