"""What a verdict is made of: thresholds, checks, and the JSON form. The rules are in `poc.reporting.verdict`."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from poc.errors import ConfigError, PocError

State = Literal["pass", "concern", "fail", "not_run", "not_applicable"]
Color = Literal["green", "yellow", "red", "incomplete"]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Every threshold of the rules; docs/verdict.md says what each one decides.

    Raises:
        ConfigError: a threshold is not a finite number, is laxer for green than for red, or would divide by nothing.
    """

    rules_version: str = "2"
    red_sharpe: float = 0.5
    green_sharpe: float = 1.0
    retention: float = 0.5
    retention_base_sharpe: float = 0.5
    clone_signal_corr: float = 0.7
    similar_signal_corr: float = 0.5
    clone_return_corr: float = 0.7
    spanning_t: float = 2.0
    leak_ic: float = 0.08
    leak_t: float = 3.0
    pre_entry_ic_red: float = 0.08
    pre_entry_ic_yellow: float = 0.05
    pre_entry_ic_multiple: float = 5.0
    survivorship_p: float = 0.001
    survivorship_rate: float = 0.5
    deflated_sharpe: float = 0.95
    placebo_p: float = 0.01
    full_year_days: float = 0.95
    full_years: float = 3
    positive_years: float = 0.7
    large_cap_sharpe: float = 0.0
    large_cap_days: float = 0.5
    largest_name: float = 0.25
    largest_month: float = 0.4
    largest_sector: float = 0.6
    turnover: float = 0.25
    cliff_drop: float = 0.8
    cliff_ic: float = 0.05

    def __post_init__(self) -> None:
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ConfigError(f"{field.name}={value!r} is not allowed; allowed: a finite number.")
        for lower, upper in (("red_sharpe", "green_sharpe"), ("similar_signal_corr", "clone_signal_corr")):
            if getattr(self, lower) > getattr(self, upper):
                raise ConfigError(f"{lower}={getattr(self, lower)} is not allowed; allowed: at most {upper}.")

        if self.retention_base_sharpe <= 0:
            raise ConfigError(f"retention_base_sharpe={self.retention_base_sharpe} is not allowed; allowed: above 0.")

    @property
    def label(self) -> str:
        """The rules version, with a mark where a threshold is not the standard one."""
        is_standard = self == Thresholds(rules_version=self.rules_version)
        return self.rules_version if is_standard else f"{self.rules_version} with other thresholds"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question that the verdict asks.

    Attributes:
        name: identifier, the same in every verdict of a rules version.
        state: `pass`; `concern` (rules out green); `fail` (makes red); `not_run`; `not_applicable`.
        value: what was measured; None where there is no finite number.
        threshold: what it is compared with: the red one where the check failed, else the one that green needs.
        sentence: number, threshold and outcome in plain words.
    """

    name: str
    state: State
    value: float | None
    threshold: float | None
    sentence: str

    def __post_init__(self) -> None:
        for name in ("value", "threshold"):
            number = getattr(self, name)
            is_number = number is not None and math.isfinite(number)
            object.__setattr__(self, name, float(number) if is_number else None)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The judgement of a suite. It is stored with its run and never judged again by later rules.

    Attributes:
        color: `green`, `yellow`, `red`, or `incomplete` where a check did not run.
        rules_version: of the rules and thresholds that were applied.
        checks: in the fixed order of the rules, so that two verdicts compare line by line.
        reasons: the sentences that decided the color.
    """

    color: Color
    rules_version: str
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON types: `from_dict` gives back an equal one."""
        return asdict(self) | {"checks": [asdict(check) for check in self.checks], "reasons": list(self.reasons)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """The verdict that `to_dict` stored, of any rules version.

        Raises:
            PocError: `stored` lacks a field or has an unknown one.
        """
        try:
            checks = tuple(_check(check) for check in stored["checks"])
            return cls(**stored | {"checks": checks, "reasons": tuple(stored["reasons"])})
        except (KeyError, TypeError) as error:
            raise PocError(
                f"The stored verdict cannot be read ({error}); it must have color, rules_version, checks and reasons."
            ) from error


def _check(stored: dict[str, Any]) -> Check:
    """Rules version 1 also stored whether a check was required; later rules require all of them."""
    return Check(**{name: value for name, value in stored.items() if name != "required"})
