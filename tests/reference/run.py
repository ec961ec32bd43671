"""One portfolio, held and traded a day at a time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from poc.engine.config import BacktestConfig
from tests.reference import costs
from tests.reference.market import Market
from tests.reference.portfolio import Book, Formation, target_book

NAN = float("nan")
SMALLEST_WEIGHT = 1e-12


@dataclass(frozen=True)
class Run:
    """What every step needs: the market, the variant, and the formation of every trading day."""

    market: Market
    config: BacktestConfig
    formations: list[Formation]
    selected: list[bool]

    @property
    def delay(self) -> int:
        """Trading days from a formation day to its return day."""
        return self.config.lag if self.config.from_open else self.config.lag + 1

    @property
    def ret(self) -> str:
        return "openret" if self.config.from_open else "ret"

    @property
    def resret(self) -> str:
        return "resopenret" if self.config.from_open else "resret"

    @cached_property
    def book_days(self) -> list[int]:
        """For every formation day, the one whose target book it holds: the first of its week or month that has one."""
        if self.config.rebalance == "daily":
            return list(range(len(self.formations)))
        first = 1 if self.config.from_open else 0  # nothing is known before the first open
        period = [
            date.isocalendar()[:2] if self.config.rebalance == "weekly" else (date.year, date.month)
            for date in self.market.calendar
        ]
        book_days: list[int] = []
        for day in range(len(period)):
            goes_on = day > first and period[day] == period[day - 1]
            book_days.append(book_days[-1] if goes_on else day)
        return book_days

    def behind(self, day: int) -> Formation:
        """The formation whose target book is first held on return day `day`."""
        return self.formations[day - self.delay] if day >= self.delay else Formation()


@dataclass(frozen=True)
class Series:
    """One portfolio: a row a day from the first to the last invested one, and what is behind each day.

    `books` are those held, `targets` those that are new on the day, `contributions` net of cost by name.
    """

    days: pd.DataFrame
    books: dict[int, Book]
    targets: dict[int, Book]
    contributions: dict[int, Book]


def run_portfolio(run: Run, members: list[list[Any]], *, mincos: int) -> Series:
    """Form a book from `members` on every formation day, hold it, and keep the selected days of its life."""
    config, market = run.config, run.market
    targets = [target_book(run.formations[day], members[day], config=config, mincos=mincos) for day in run.book_days]
    books = {day: _held_book(run, targets, day) for day in range(len(market.calendar))}
    invested = [day for day, book in books.items() if book and run.selected[day]]
    if not invested:
        return Series(pd.DataFrame(), {}, {}, {})
    days = [day for day in range(invested[0], invested[-1] + 1) if run.selected[day]]
    gross = _gross(run, [books[day] for day in invested])
    rows, contributions = [], {}
    for day in days:
        book, before = books[day], books[day - 1] if day > 0 else {}
        row, contributions[day] = _one_day(run, day, book=book, before=before, first=day == days[0])
        row["turnover"] /= 2 * gross
        rows.append(row | _held_exposures(run, targets, day))
    return Series(
        days=pd.DataFrame(rows),
        books={day: books[day] for day in days},
        targets={day: targets[day - run.delay] if day >= run.delay else {} for day in days},
        contributions=contributions,
    )


def _held_book(run: Run, targets: list[Book], day: int) -> Book:
    """The mean of the target books of the last `holding_days` return days; a missing one is a zero book."""
    k = run.config.holding_days
    total: Book = {}
    for return_day in range(day - k + 1, day + 1):
        if return_day >= run.delay:
            for name, weight in targets[return_day - run.delay].items():
                total[name] = total.get(name, 0.0) + weight
    return {name: weight / k for name, weight in total.items() if abs(weight / k) >= SMALLEST_WEIGHT}


def _held_exposures(run: Run, targets: list[Book], day: int) -> dict[str, float]:
    """Style -> mean over the target books in the held book of the sum of weight times exposure."""
    k = run.config.holding_days
    held = dict.fromkeys(run.market.styles, 0.0)
    for return_day in range(max(day - k + 1, run.delay), day + 1):
        target = targets[return_day - run.delay]
        formed = run.formations[run.book_days[return_day - run.delay]]
        for style, exposures in formed.exposures.items():
            held[style] += sum(w * exposures.get(n, NAN) for n, w in target.items()) / k
    return held


def _gross(run: Run, books: list[Book]) -> float:
    if run.config.input_type == "weight" and not run.config.rescale_weights:
        return float(np.mean([sum(map(abs, book.values())) for book in books]))
    return 2.0 if run.config.method == "long_short" else 1.0


def _one_day(run: Run, day: int, *, book: Book, before: Book, first: bool) -> tuple[dict[str, Any], Book]:
    """The row of the daily series (turnover still in traded weight), and name -> net contribution."""
    market, config = run.market, run.config
    earned = market.returns(run.ret, day)
    residual = market.returns(run.resret, day)
    traded = {} if first else costs.trades(book, before)
    cost = costs.cost_by_name(traded, day - 1 - config.lag, market=market, config=config)
    borrow_rate = config.borrow_bps / 1e4 / market.days_per_year
    contribution = {
        n: book.get(n, 0.0) * earned.get(n, 0.0) - cost.get(n, 0.0) - borrow_rate * max(-book.get(n, 0.0), 0.0)
        for n in book.keys() | traded.keys()
    }
    gross = sum(map(abs, book.values()))
    row = {
        "day": day,
        "date": market.calendar[day],
        "ret": sum(w * earned.get(n, 0.0) for n, w in book.items()),
        "ret_net": sum(contribution.values()),
        "resret": sum(w * residual.get(n, 0.0) for n, w in book.items()) if run.resret in market.ret else NAN,
        "ret_long": sum(w * earned.get(n, 0.0) for n, w in book.items() if w > 0),
        "ret_short": sum(w * earned.get(n, 0.0) for n, w in book.items() if w < 0),
        "cost": sum(cost.values()),
        "turnover": sum(traded.values()),
        "n_long": sum(w > 0 for w in book.values()),
        "n_short": sum(w < 0 for w in book.values()),
        "missing_return_share": sum(abs(w) for n, w in book.items() if n not in earned) / gross if book else 0.0,
        "ret_market": _market_return(run, day, earned),
    }
    return row, contribution


def _market_return(run: Run, day: int, earned: dict[Any, float]) -> float:
    """Equal-weighted return of the names that were eligible when the day's target book was formed."""
    names = run.behind(day).signal
    return float(np.mean([earned.get(n, 0.0) for n in names])) if names else 0.0
