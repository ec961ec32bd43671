"""A signal under permuted identities, without ranking it again. Compiled; arrays in, arrays out."""

import numpy as np

from poc.kernel import kernel


@kernel
def move_values(values, order, offsets, security, n_securities, recipient, candidate):
    """Hand each name's values to another name; they stay in the order that they are in.

    Args:
        values: (R,) NaN where missing.
        order: (R,) rows of each day in ascending order of value, the missing ones last.
        recipient: (n_securities,) the name that receives the values of each; a permutation.
        candidate: (R,) rows that may hold a value; what falls elsewhere is dropped.

    Returns:
        The same two arrays for the moved values.
    """
    moved = np.full(len(values), np.nan)
    moved_order = np.empty_like(order)
    row = np.full(n_securities, -1, np.int64)
    for t in range(len(offsets) - 1):
        begin, end = offsets[t], offsets[t + 1]
        for r in range(begin, end):
            row[security[r]] = r
        n = begin
        for r in order[begin:end]:
            if np.isnan(values[r]):
                break
            to = row[recipient[security[r]]]
            if to >= begin and candidate[to]:
                moved[to] = values[r]
                moved_order[n] = to
                n += 1
        for r in range(begin, end):
            if np.isnan(moved[r]):
                moved_order[n] = r
                n += 1
    return moved, moved_order
