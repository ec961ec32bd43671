"""A stored tear sheet as PDF or PNG: a headless Chromium without network opens it, waits for its plots and prints it.

Chromium is spoken to over a pair of pipes (its DevTools protocol: JSON messages that end with a zero byte), because
only then is it known when the plots are drawn. Nothing is installed or fetched for it.
"""

import base64
import fcntl
import itertools
import json
import os
import selectors
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from poc.errors import ConfigError, PocError

FORMATS = ("html", "pdf", "png")
VARIABLE = "POC_CHROMIUM"
"""Environment variable that names the browser."""
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_PROGRAMS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--hide-scrollbars",
)  # fmt: skip
TIMEOUT = 120.0
"""Seconds after which a browser that has not answered is given up."""
PNG_WIDTH = 1200
PNG_HEIGHT = 16_000
"""Pixels; Chromium draws nothing below 16,384, so a longer page is made smaller."""

# A page that an earlier version stored does not say when its plots are drawn.
_DRAWN = (
    "document.documentElement.dataset.plots !== undefined || "
    "[...document.querySelectorAll('.canvas')].every((canvas) => canvas.querySelector('.main-svg'))"
)
_ENDED = f"Chromium ended before the page was printed. Try to start it by hand, or name another one in {VARIABLE}."
_FOOTER = """<div style="display:flex;justify-content:space-between;width:100%;padding:0 14mm;font:8px sans-serif">
<span class="title"></span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>"""


def export(page: Path, target: Path, *, file_format: str, environ: Mapping[str, str] = os.environ) -> None:
    """Write a stored tear sheet in another format; as `html` it is copied byte by byte.

    Args:
        page: the stored HTML file.
        target: the new file; nothing is overwritten.
        file_format: `html`, `pdf` (A4) or `png` (the whole page, 1,200 pixels wide).
        environ: where `POC_CHROMIUM` is looked up.

    Raises:
        ConfigError: the format is unknown, the file exists, or no Chromium is found.
        PocError: Chromium gave no answer.
    """
    if file_format not in FORMATS:
        raise ConfigError(f"format={file_format!r} is not allowed; allowed: {', '.join(FORMATS)}.")
    if target.exists():
        raise ConfigError(f"out={str(target)!r} exists already; give another file with --out, nothing is overwritten.")
    if not target.parent.is_dir():
        raise ConfigError(f"out={str(target)!r} is in a folder that does not exist; make {target.parent} first.")
    if file_format == "html":
        shutil.copyfile(page, target)
        return
    with _opened(page, find_chromium(environ)) as tab:
        target.write_bytes(_pdf(tab) if file_format == "pdf" else _png(tab))


def find_chromium(environ: Mapping[str, str] = os.environ) -> str:
    """The path of the browser.

    Raises:
        ConfigError: there is none, or the one that is named is not there.
    """
    if named := environ.get(VARIABLE):
        if found := shutil.which(named):
            return found
        raise ConfigError(f"{VARIABLE}={named!r} is no program; name a Chromium or Chrome, or unset {VARIABLE}.")
    for program in (*PROGRAMS, *MAC_PROGRAMS):
        if found := shutil.which(program):
            return found
    raise ConfigError(
        "PDF and PNG need Chromium or Chrome, and none was found. Install one (Debian: apt install chromium), or name "
        f"it in {VARIABLE}. The HTML file needs neither."
    )


class _Tab:
    """A tab of the browser: commands go in, answers come out."""

    def __init__(self, commands: int, answers: int, deadline: float) -> None:
        self._commands, self._answers, self._deadline = commands, answers, deadline
        self._numbers, self._rest, self._session = itertools.count(1), b"", ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command of the DevTools protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        try:
            os.write(self._commands, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise PocError(_ENDED) from None
        while True:
            answer: dict[str, Any] = json.loads(self._read())
            if answer.get("id") == number:
                if "error" in answer:
                    raise PocError(f"Chromium refused {method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until an expression is true."""
        while not self.value(expression):
            self._check_time()
            time.sleep(0.05)

    def _read(self) -> bytes:
        with selectors.DefaultSelector() as selector:  # select.select knows no descriptor above 1,023
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\0" not in self._rest:
                if selector.select(self._check_time()):
                    part = os.read(self._answers, 1 << 20)
                    if not part:
                        raise PocError(_ENDED)
                    self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return message

    def _check_time(self) -> float:
        """Seconds that are left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise PocError(f"Chromium did not finish within {TIMEOUT:.0f} seconds. Try again when the machine is idle.")
        return left


@contextmanager
def _opened(page: Path, program: str) -> Iterator[_Tab]:
    """A tab that shows the page with its plots drawn; the browser ends with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, _started(program, profile) as pipes:
        tab = _Tab(*pipes, deadline=time.monotonic() + TIMEOUT)
        tab.ask("Network.enable")
        tab.ask("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
        tab.ask("Emulation.setDeviceMetricsOverride", width=PNG_WIDTH, height=900, deviceScaleFactor=1, mobile=False)
        tab.ask("Page.enable")
        tab.ask("Page.navigate", url=page.resolve().as_uri())
        tab.wait("document.readyState === 'complete' && location.protocol === 'file:'")
        tab.wait(_DRAWN)
        yield tab


@contextmanager
def _started(program: str, profile: str) -> Iterator[tuple[int, int]]:
    """A browser that reads commands from its descriptor 3 and writes answers to 4; these are our ends of the pipes."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # Above 4, so that putting one in its place does not close the other.
    high = [fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, 10) for pipe in (theirs_in, theirs_out)]
    os.close(theirs_in)
    os.close(theirs_out)
    silent = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    actions = [*silent, (os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # root cannot have one
    words = [program, *FLAGS, *sandbox, f"--user-data-dir={profile}", "about:blank"]
    process = os.posix_spawn(program, words, os.environ, file_actions=actions, setpgroup=0)
    for pipe in high:
        os.close(pipe)
    try:
        yield ours_out, ours_in
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(ours_out)
        os.close(ours_in)


def _pdf(tab: _Tab) -> bytes:
    margins = {"displayHeaderFooter": True, "headerTemplate": "<span></span>", "footerTemplate": _FOOTER}
    answer = tab.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True, **margins)
    return base64.b64decode(answer["data"])


def _png(tab: _Tab) -> bytes:
    size = tab.ask("Page.getLayoutMetrics")["cssContentSize"]
    scale = min(1.0, PNG_HEIGHT / size["height"])
    clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": scale}
    answer = tab.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
    return base64.b64decode(answer["data"])
