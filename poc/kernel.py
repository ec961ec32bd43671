"""How loops over arrays are compiled, by numba; none holds the interpreter while it runs."""

from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that Python calls: compiled when it first does, and kept on disk."""
    return njit(cache=True, nogil=True)(function)


def inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that kernels call: compiled as a part of each.

    It has no way in from Python and is not kept by itself, either of which can take longer than a short function.
    """
    compiled: Callable[..., Any] = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)  # type: ignore[call-overload]  # numba's types lack these options
    return compiled
