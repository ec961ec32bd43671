"""A second process that compiles, where the kernels of a run are not compiled yet: in the first run after installation.

Numba compiles a kernel when it is first called, one at a time in a process, and keeps what it has compiled on disk.
That takes a while for all that a run needs. So a run that has to compile starts a second process, which compiles what
the run needs last; when the run gets there it finds it done.
"""

import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from numba.core import event, sigutils

KERNELS = Path(__file__).with_name("kernels.txt")
"""Module, name and argument types of the kernels that a run needs last, in that order. `make kernels` writes it."""
COMMAND = [sys.executable, "-m", __name__]
logger = logging.getLogger(__name__)


@contextmanager
def second_compiler(tell: Callable[[], None]) -> Iterator[None]:
    """While this lasts, a second process compiles as soon as this one has to. It is gone at the end.

    Args:
        tell: is called when it starts.
    """
    starter = _Starter(tell)
    try:
        with event.install_listener("numba:compile", starter):
            yield
    finally:
        starter.end()


class _Starter(event.Listener):
    """Starts the second process when numba begins to compile."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell = tell
        self.process: Popen[str] | None = None

    def on_start(self, event: Any) -> None:  # noqa: ARG002 - numba calls it so
        """Compiling begins, under numba's own lock."""
        if self.process is None:
            # In a session of its own, an interrupt from the keyboard does not reach it.
            self.process = Popen(COMMAND, stdin=PIPE, stderr=PIPE, text=True, start_new_session=True)  # noqa: S603 - ours
            self.tell()

    def on_end(self, event: Any) -> None:
        """Nothing is to be done."""

    def end(self) -> None:
        """End the second process, and say why it failed, if it did."""
        if self.process is not None:
            _, errors = self.process.communicate()  # closes its input, on which it ends
            if self.process.returncode:
                logger.warning("The second process failed; this one has compiled in its place. %s", errors)


def compile_kernels() -> None:
    """Compile the kernels of the list, or load those that are compiled."""
    for line in KERNELS.read_text(encoding="utf-8").splitlines():
        module, name, types = line.split(" ", 2)
        arguments, _ = sigutils.normalize_signature(types)  # type: ignore[no-untyped-call]  # numba has no types
        getattr(import_module(module), name).compile(arguments)


def end_with_parent() -> None:
    """End this process as soon as the other end of its input is closed, as it is when the one that started it ends."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    gc.disable()  # to look for garbage would be a tenth of the time, and the process ends soon
    compile_kernels()
