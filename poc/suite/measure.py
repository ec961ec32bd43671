"""Measure: one number of the evidence, or the reason why there is none."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number of the evidence, or the reason why there is none."""

    status: Literal["ok", "not_run", "not_applicable"] = "ok"
    value: float | None = None
    reason: str = ""

    @classmethod
    def of(cls, value: float, *, otherwise: str = "it is undefined on these returns") -> Self:
        """The number where it is finite, else not run, for the reason given."""
        return cls(value=float(value)) if np.isfinite(value) else cls.not_run(otherwise)

    @classmethod
    def not_run(cls, reason: str = "the base variant failed") -> Self:
        """No number, though there should be one."""
        return cls(status="not_run", reason=reason)

    @classmethod
    def not_applicable(cls, reason: str) -> Self:
        """No number, because the question makes no sense here."""
        return cls(status="not_applicable", reason=reason)
