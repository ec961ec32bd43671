"""Asking for memory before it is read, from compiled functions."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

AHEAD = 256
"""So many values ahead of the one in work a loop asks for the next."""


def prefetch(array: Any, index: Any) -> None:
    """Ask for an element that a compiled function will soon read, and go on without waiting for it.

    For loops over arrays that lie in no cache, and that do so much with a value that the processor does not see the
    next ones in time. The index may lie beyond the array. In plain Python this does nothing.
    """


@intrinsic
def _prefetch(_context: Any, array: Any, index: Any) -> Any:
    """LLVM Language Reference Manual, "llvm.prefetch": an address, to read (0), to keep near (3), data (1)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, _ = signature.args
        values = context.make_array(kind)(context, builder, arguments[0])
        place = cgutils.get_item_pointer(context, builder, kind, values, [arguments[1]], wraparound=False)
        address, number = cgutils.voidptr_t, cgutils.int32_t
        arguments_of = ir.FunctionType(ir.VoidType(), [address, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [address], arguments_of)
        builder.call(ask, [builder.bitcast(place, address), number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


@overload(prefetch)
def _compile_prefetch(array: Any, index: Any) -> Any:  # noqa: ARG001 - numba matches the arguments by name
    def compiled(array: Any, index: Any) -> Any:
        _prefetch(array, index)  # type: ignore[call-arg]  # numba gives the context

    return compiled
