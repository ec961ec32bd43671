"""Serve the app until it is told to end."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

GRACE = 10.0
"""Seconds that the server has to end by itself."""


def serve(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the server of the app until Ctrl-C or SIGTERM.

    The server waits until each browser has taken what it asked for, and one that has gone to sleep never does: the
    server is killed then. No job is lost with it, each has a process of its own.

    Returns:
        The exit code: 0 when it was told to end, else that of the server (negative: the signal that ended it).
    """
    server = subprocess.Popen(command, env=environment)  # noqa: S603 - our own command
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()  # Ctrl-C in a terminal has told it already
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            server.wait(GRACE)
        return 0
    finally:
        server.kill()  # does nothing to one that has ended
        server.wait()
