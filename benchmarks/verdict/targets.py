"""The classes of planted signals, what the verdict should say of them, and how well it has to."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.verdict.judge import Row

CLASSES = {
    "null": "knows nothing: nine sorts of noise, new every day to fixed for ever, by industry, in five values",
    "best of 100": "the best of a hundred noise signals, the others of which are known as tries of its family",
    "true 0.3": "a slow alpha, true net Sharpe ratio 0.3",
    "true 0.7": "a slow alpha, true net Sharpe ratio 0.7",
    "true 1.5": "a slow alpha, true net Sharpe ratio 1.5",
    "true 2.5": "a slow alpha, true net Sharpe ratio 2.5",
    "rating": "the same characteristic as *true 2.5*, told in five values",
    "fast-dead": "paid on the next day (net Sharpe ratio 2.0), gone the day after",
    "cost-eaten": "gross Sharpe ratio 2.0, which trading costs eat up",
    "clone 0.75-0.95": "a baseline under noise, population rank correlation 0.75 to 0.95",
    "clone 0.65-0.75": "the same, 0.65 to 0.75",
    "baseline plus little": "a baseline and a little of *true 1.5*",
    "small caps only": "a slow alpha of net Sharpe ratio 1.5, paid in small caps only",
    "one sector": "the same, paid in one sector only",
    "lucky year": "the same, paid in one calendar year only",
    "lucky name": "noise, but for one name that it is always right about; net Sharpe ratio 1.5",
    "factor bet": "a style that is no baseline, under noise; net Sharpe ratio 1.5",
    "leak: next return": "the return of the first holding day, IC 0.10 to 0.30, under noise",
    "leak: date_avail": "known 2, 5 or 10 days before it can be, IC 0.10 to 0.30 with each of these days",
    "leak: before entry": "*true 2.5* and the return of the day before its entry, IC 0.10 to 0.30",
    "leak: survivors": "*true 2.5*, told of the names only that are still listed at the end",
}
"""What is planted in each class, in the order of the report."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A rate that was set as a goal.

    Attributes:
        title: what is counted.
        among: whether a row is one of the cases.
        hit: whether it counts.
        bound: the rate; `at_most`: it is the largest allowed, else the smallest.
    """

    title: str
    among: Callable[[Row], bool]
    hit: Callable[[Row], bool]
    bound: float
    at_most: bool = False

    def met(self, rate: float) -> bool:
        """Whether a measured rate is good enough."""
        return rate <= self.bound if self.at_most else rate >= self.bound


def _is(*classes: str, years: int | None = None) -> Callable[[Row], bool]:
    return lambda row: row["class"] in classes and years in (None, row["years"])


def _green(row: Row) -> bool:
    return bool(row["color"] == "green")


def _not_green(row: Row) -> bool:
    return not _green(row)


def _red(row: Row) -> bool:
    return bool(row["color"] == "red")


def _one_class(title: str, hit: Callable[[Row], bool], bound: float, *classes: str) -> Target:
    return Target(title=f"{title}: {', '.join(classes)}", among=_is(*classes), hit=hit, bound=bound)


TARGETS = (
    Target(title="green: null", among=_is("null"), hit=_green, bound=0.004, at_most=True),
    Target(title="green: best of 100", among=_is("best of 100"), hit=_green, bound=0.01, at_most=True),
    Target(title="green: true 0.3", among=_is("true 0.3"), hit=_green, bound=0.02, at_most=True),
    _one_class("red", _red, 0.95, "fast-dead"),
    _one_class("red", _red, 0.95, "cost-eaten"),
    _one_class("red", _red, 0.95, "clone 0.75-0.95"),
    Target(title="green: clone 0.65-0.75", among=_is("clone 0.65-0.75"), hit=_green, bound=0.0, at_most=True),
    *(_one_class("red", _red, 0.95, name) for name in CLASSES if name.startswith("leak")),
    *(_one_class("not green", _not_green, 0.90, n) for n in ("lucky year", "lucky name", "one sector", "factor bet")),
    Target(title="green: true 2.5 over 10 years", among=_is("true 2.5", years=10), hit=_green, bound=0.90),
    Target(title="green: true 2.5 over 5 years", among=_is("true 2.5", years=5), hit=_green, bound=0.85),
)
