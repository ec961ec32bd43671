"""Books: what is held, by information day and portfolio. Those of all days are kept in blocks of days."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poc.engine.blocks import read_only

Floats = NDArray[np.float64]
Ints = NDArray[Any]


class Books(NamedTuple):
    """Books of n successive days: entries `start[t * P + p]:start[t * P + p + 1]` are those of portfolio p on day t.

    Attributes:
        start: (n * P + 1,).
        row: (entries,) panel row of the name; ascending within a side, of which the short one comes first.
        weight: (entries,) signed.
        n_portfolios: P.
    """

    start: Ints
    row: Ints
    weight: Floats
    n_portfolios: int

    @property
    def n_days(self) -> int:
        """How many days there are."""
        return (len(self.start) - 1) // self.n_portfolios

    def on(self, first: int, end: int) -> "Books":
        """Those of the days from one to before another, in the same memory."""
        start = self.start[first * self.n_portfolios : end * self.n_portfolios + 1]
        entries = slice(int(start[0]), int(start[-1]))
        return Books(read_only(start - start[0]), self.row[entries], self.weight[entries], self.n_portfolios)

    def invested(self) -> NDArray[np.bool_]:
        """(n, P) whether a book holds anything."""
        return (np.diff(self.start) > 0).reshape(-1, self.n_portfolios)

    def first_portfolio(self) -> "Books":
        """Those of all names alone."""
        if self.n_portfolios == 1:
            return self
        begin, end = self.start[: -1 : self.n_portfolios], self.start[1 :: self.n_portfolios]
        entries = [slice(*bounds) for bounds in zip(begin.tolist(), end.tolist(), strict=True)]
        row, weight = (np.concatenate([values[one] for one in entries]) for values in (self.row, self.weight))
        start = np.append(0, np.cumsum(end - begin))
        return Books(read_only(start), read_only(row), read_only(weight), n_portfolios=1)


class BooksByBlock:
    """Books of every day, in the blocks of days in which they are made and traded: to join them costs as much as that.

    Args:
        blocks: the books of successive blocks.
    """

    def __init__(self, blocks: Sequence[Books]) -> None:
        self.blocks = tuple(blocks)
        self.begins = np.cumsum([0, *(books.n_days for books in self.blocks)])

    def invested(self) -> NDArray[np.bool_]:
        """(T, P) whether a book holds anything."""
        return np.concatenate([books.invested() for books in self.blocks])

    def first_portfolio(self) -> "BooksByBlock":
        """Those of all names alone."""
        return BooksByBlock([books.first_portfolio() for books in self.blocks])

    def joined(self) -> Books:
        """Those of every day in one."""
        return join_books(self.blocks)

    def on(self, first: int, end: int) -> Books:
        """Those of the days from one to before another; in the same memory where a single block has them."""
        b = int(np.searchsorted(self.begins[:-1], first, side="right")) - 1
        parts: list[Books] = []
        while not parts or self.begins[b] < end:
            begin = int(self.begins[b])
            parts.append(self.blocks[b].on(max(first - begin, 0), min(end - begin, self.blocks[b].n_days)))
            b += 1
        return join_books(parts)


def join_books(parts: Sequence[Books]) -> Books:
    """Those of successive days in one; in the same memory where there is a single part."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([0, *(books.start[-1] for books in parts)])
    starts = [books.start[1:] + end for books, end in zip(parts, ends, strict=False)]
    return Books(
        read_only(np.concatenate([np.zeros(1, np.int64), *starts])),
        read_only(np.concatenate([books.row for books in parts])),
        read_only(np.concatenate([books.weight for books in parts])),
        parts[0].n_portfolios,
    )
