"""How a rule asks about one number, and how the answer is put in words."""

import math
import operator
from dataclasses import dataclass
from typing import Literal

from poc.reporting.verdict_types import Check, State
from poc.suite.measure import Measure


@dataclass(frozen=True)
class Bound:
    """A limit and the side of it that is meant: `Bound("more than", 1.0)`."""

    words: Literal["more than", "at least", "at most", "less than"]
    limit: float

    def holds(self, value: float) -> bool:
        """Whether the value is on the side that is meant; an undefined one never is."""
        return bool(_COMPARE[self.words](value, self.limit))


_COMPARE = {"more than": operator.gt, "at least": operator.ge, "at most": operator.le, "less than": operator.lt}
NEVER = Bound("less than", -math.inf)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A second number without which a red bound does not make a failure."""

    title: str
    bound: Bound
    measure: Measure


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a rule asks about one number, by `green`, `red` or both.

    Attributes:
        name: of the check.
        title: what the number is, to be followed by "is 0.80".
        red: where it holds, the check fails.
        red_if: what else must hold for a failure.
        green: where it does not hold, the check is a concern.
        unit: how the number is written.
    """

    name: str
    title: str
    red: Bound = NEVER
    red_if: Condition | None = None
    green: Bound | None = None
    unit: Literal["number", "share", "count"] = "number"

    def judge(self, measure: Measure) -> Check:
        """The check of a number. A reason beside a number that ran is a detail, put in brackets behind it."""
        value = number(measure)
        if math.isnan(value):
            state: State = "not_applicable" if measure.status == "not_applicable" else "not_run"
            return self._unanswered(state, measure.reason or "the number is undefined")
        is_red, detail = self.red.holds(value), measure.reason
        if is_red and self.red_if:
            condition = number(self.red_if.measure)
            if math.isnan(condition):
                reason = f"it is {value:.2f}, and {self.red_if.title} that decides is missing"
                return self._unanswered("not_run", reason)
            is_red, detail = self.red_if.bound.holds(condition), f"{self.red_if.title} is {condition:.2f}"
        return self._answered(value, is_red=is_red, detail=detail)

    def _answered(self, value: float, *, is_red: bool, detail: str) -> Check:
        if is_red or self.green is None:
            state: State = "fail" if is_red else "pass"
            bound, needs = self.red, f"{self._written(self.red)} is red{self._condition()}"
        else:
            state = "pass" if self.green.holds(value) else "concern"
            bound, needs = self.green, f"green needs {self._written(self.green)}"
        shown = _written(value, self.unit, beside=bound.limit) + (f" ({detail})" if detail else "")
        return self._check(state, value, bound, f"{self.title} is {shown}; {needs}.")

    def _unanswered(self, state: State, reason: str) -> Check:
        words = "did not run" if state == "not_run" else "does not apply"
        return self._check(state, None, self.green or self.red, f"{self.title} {words}: {reason.rstrip('.')}.")

    def _check(self, state: State, value: float | None, bound: Bound, sentence: str) -> Check:
        return Check(
            name=self.name,
            state=state,
            value=value,
            threshold=bound.limit,
            sentence=sentence[0].upper() + sentence[1:],
        )

    def _condition(self) -> str:
        if self.red_if is None:
            return ""
        return f" where {self.red_if.title} is {self.red_if.bound.words} {self.red_if.bound.limit:.2f}"

    def _written(self, bound: Bound) -> str:
        return f"{bound.words} {_written_limit(bound.limit, self.unit)}"


def number(measure: Measure) -> float:
    """The number of a measure that ran and is finite, else NaN."""
    if measure.status != "ok" or measure.value is None or not math.isfinite(measure.value):
        return math.nan
    return float(measure.value)


def _written(value: float, unit: str, *, beside: float) -> str:
    """The number, with as many digits as it takes to see on which side of the limit it is; a small one with three."""
    if unit == "count":
        return f"{value:.0f}"
    scale, mark, digits = (100, "%", 0) if unit == "share" else (1, "", 3 if 0 < abs(value) < 0.1 else 2)
    while digits < 6 and value != beside and round(value * scale, digits) == round(beside * scale, digits):
        digits += 1
    return f"{round(value * scale, digits) + 0.0:.{digits}f}{mark}"


def _written_limit(limit: float, unit: str) -> str:
    if unit == "share":
        return f"{100 * limit:g}%"
    return f"{limit:.2f}" if unit == "number" and limit == round(limit, 2) else f"{limit:.4g}"
