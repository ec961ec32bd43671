"""List the kernels that a run needs last, for a second process to compile, in poc/kernels.txt; `make kernels` runs it.

They are those of a run at size S that has nothing compiled, after the first of them that is met when `SHARE` of the
time that compiling takes is over.
"""

import argparse
import os
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from typing import Any

SHARE = 0.44
"""Of the compiling, which the run does itself: less than half, because it has other things to do too."""


def compile_seconds(root: Path) -> dict[str, float]:
    """Processor seconds of each kernel that a run calls, by its line of the list, in the order that it needs them."""
    from job import run
    from numba.core import event

    seconds: dict[str, float] = {}
    begun: list[float] = []

    class Recorder(event.Listener):
        def on_start(self, event: Any) -> None:  # noqa: ARG002 - numba calls it so
            begun.append(time.thread_time())

        def on_end(self, event: Any) -> None:
            took = time.thread_time() - begun.pop()
            if not begun:  # else another kernel calls it, and is compiled with it
                kernel = event.data["dispatcher"].py_func
                seconds[f"{kernel.__module__} {kernel.__name__} {event.data['args']}"] = took

    with event.install_listener("numba:compile", Recorder()):
        run("S", root)
    return seconds


def main() -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder for the made-up market")
    root = parser.parse_args().root
    with tempfile.TemporaryDirectory() as cache:
        os.environ["NUMBA_CACHE_DIR"] = cache
        from job import make

        from poc.compiling import KERNELS

        make("S", root)
        KERNELS.write_text("", encoding="utf-8")  # then nothing is compiled elsewhere while this measures
        seconds = compile_seconds(root)
    total = sum(seconds.values())
    before = [done - own for done, own in zip(accumulate(seconds.values()), seconds.values(), strict=True)]
    for (kernel, own), done in zip(seconds.items(), before, strict=True):
        print(f"{own:6.2f} s {'' if done < SHARE * total else '*'} {kernel.partition(' (')[0]}")
    late = [kernel for kernel, done in zip(seconds, before, strict=True) if done >= SHARE * total]
    KERNELS.write_text("\n".join(late) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
