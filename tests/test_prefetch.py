"""Asking for memory ahead changes no number, and does ask."""

from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from poc.prefetch import AHEAD, prefetch


def total_ahead(values: NDArray[Any]) -> float:
    total = 0.0
    for i in range(len(values)):
        prefetch(values, i + AHEAD)
        total += values[i]
    return total


@pytest.mark.parametrize(
    "values", [np.arange(1000.0), np.arange(3000.0)[::3], np.arange(9, dtype=np.uint8), np.zeros(0)]
)
def test_a_loop_that_asks_ahead_finds_what_plain_python_finds(values: NDArray[Any]) -> None:
    assert njit(total_ahead)(values) == total_ahead(values)


def test_a_compiled_loop_asks_the_processor() -> None:
    compiled = njit(total_ahead)
    compiled(np.zeros(9))
    assert "llvm.prefetch" in compiled.inspect_llvm(compiled.signatures[0])
