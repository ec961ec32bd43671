"""The server of the app ends when it is told to, whatever a browser does."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit

from poc.cli_serve import GRACE
from tests.ui.desk import Server

START = 60.0
STATIC = Path(streamlit.__file__).parent / "static"


@contextmanager
def _reader_that_sleeps(server: Server) -> Iterator[None]:
    """A visitor who asks for more than the buffers of a connection hold, and takes nothing of it."""
    largest = max(STATIC.rglob("*.js"), key=lambda path: path.stat().st_size).relative_to(STATIC)
    with socket.socket() as visitor:
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        visitor.connect(("127.0.0.1", server.port))
        visitor.sendall(f"GET /{largest} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        assert visitor.recv(12) == b"HTTP/1.1 200"
        yield


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_browser_that_takes_nothing_does_not_keep_the_server(server: Server, number: signal.Signals) -> None:
    server.start()
    assert server.process is not None
    with _reader_that_sleeps(server):
        told = time.monotonic()
        os.kill(server.process.pid, number)  # to the command alone, as a service manager may
        assert server.process.wait(START) == 0
        assert time.monotonic() - told > GRACE / 2  # it was given the time to end by itself
    server.start()  # the port is free
    server.stop()


def test_the_exit_code_of_a_server_that_ends_by_itself_is_handed_on(server: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        with pytest.raises(AssertionError, match="is not available"):
            server.start()
    assert server.process is not None
    assert server.process.wait(START) == 1
    server.process = None
