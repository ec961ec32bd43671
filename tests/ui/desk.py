"""The app as a desk has it: a server of its own, and Chromium in front of it.

Pictures are left in `screenshots/`, which git ignores, to be looked at.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from playwright.sync_api import Page, Request, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURES = Path(__file__).parents[2] / "screenshots"
PATIENCE = 90_000
"""Milliseconds to wait for anything: the machine may be busy with other tests."""


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Server:
    """`poc ui` in a session of its own, on a port that stays the same."""

    workspace: Path
    port: int
    process: "subprocess.Popen[str] | None" = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.workspace / "server.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "poc", "ui", "--port", str(self.port), "--workspace", str(self.workspace)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, text=True, start_new_session=True)
        latest = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < latest
            time.sleep(0.2)

    def stop(self) -> None:
        """As Ctrl-C in its terminal does."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGINT)
            self.process.wait(PATIENCE / 1000)
            self.process = None

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/_stcore/health")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def browser(server: Server, *, width: int = 1440, dark: bool = False, also: str = "about:") -> Iterator[Page]:
    """A page that may talk to the server (and `also`) only, and in which no script may fail."""
    expect.set_options(timeout=PATIENCE)
    strays: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((server.address, also, "data:", "blob:", "about:")):
            strays.append(request.url)

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        scheme = "dark" if dark else "light"
        page = chromium.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)  # type: ignore[arg-type]  # one of the two literals
        page.set_default_timeout(PATIENCE)
        page.on("request", note)
        page.on("pageerror", lambda error: strays.append(str(error)))
        yield page
        chromium.close()
    assert not strays, strays


def choose(page: Page, label: str, value: str) -> None:
    """Choose in a select box."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=value, exact=True).click()


def settle(page: Page) -> None:
    """Wait until the page stands still: its script has ended and nothing is drawn any more."""
    state = "document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state')"
    page.wait_for_function(f"{state} === 'notRunning'")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def picture(page: Page, name: str, *, height: int = 1000) -> None:
    """Keep what the page shows, once it is whole."""
    settle(page)
    width = (page.viewport_size or {"width": 1440})["width"]
    page.set_viewport_size({"width": width, "height": height})
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
