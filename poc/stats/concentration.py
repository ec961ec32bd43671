"""How much of a result hangs on one name, one month or one sector."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, kw_only=True)
class LargestShare:
    """The largest contributor.

    Attributes:
        share: its part of the total, a fraction, above 1 where the others lose; NaN where the total is not positive.
        index: its position, the first of equals; None where nothing was given.
    """

    share: float
    index: int | None


def largest_share(contributions: ArrayLike) -> LargestShare:
    """Largest contribution as a share of the total: max(c) / sum(c).

    Our own measure: a share of *net* return, losers included, so it says how much would be gone without the winner.

    Args:
        contributions: shape (n,), what each name, month or sector added, all in the same unit.

    Raises:
        ValueError: `contributions` is not one-dimensional or holds an undefined number (NaN, infinite).
    """
    parts = np.asarray(contributions, dtype=np.float64)
    if parts.ndim != 1 or not np.isfinite(parts).all():
        raise ValueError(f"contributions of shape {parts.shape} are not allowed; expected finite numbers, shape (n,).")
    if len(parts) == 0:
        return LargestShare(share=float("nan"), index=None)
    largest, total = int(np.argmax(parts)), float(parts.sum())
    return LargestShare(share=float(parts[largest]) / total if total > 0 else float("nan"), index=largest)
