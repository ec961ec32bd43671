import os
import re
import resource
import shutil
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from poc.errors import ConfigError, PocError
from poc.reporting import browser
from poc.reporting.browser import export, find_chromium
from poc.reporting.tearsheet import render_tearsheet
from poc.reporting.verdict_types import Verdict
from poc.suite.result import SuiteResult

needs_chromium = pytest.mark.skipif(not any(map(shutil.which, browser.PROGRAMS)), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def page(suite_result: SuiteResult, verdict: Verdict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "tearsheet.html"
    path.write_text(render_tearsheet(suite_result, verdict, author="ada", rerun_command="poc run x"), encoding="utf-8")
    return path


@needs_chromium
def test_a_pdf_has_several_a4_pages(page: Path, tmp_path: Path) -> None:
    export(page, tmp_path / "out.pdf", file_format="pdf")
    content = (tmp_path / "out.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 4
    boxes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox\s*\[([^\]]+)\]", content)}
    assert boxes
    for left, bottom, right, top in boxes:
        assert (left, bottom, right, top) == pytest.approx((0, 0, 595, 842), abs=1.5)


@needs_chromium
def test_a_png_shows_the_whole_page(page: Path, tmp_path: Path) -> None:
    export(page, tmp_path / "out.png", file_format="png")
    content = (tmp_path / "out.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert width == browser.PNG_WIDTH
    assert 4000 < height < browser.PNG_HEIGHT, "nothing is made smaller"


@pytest.fixture
def crowded_process() -> Iterator[None]:
    """A process that has so many files open that the next descriptor is above 1,023."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, limits[1]))
    with ExitStack() as opened:
        last = 0
        while last < 1100:
            last = os.dup(1)
            opened.callback(os.close, last)
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@needs_chromium
@pytest.mark.usefixtures("crowded_process")
def test_a_process_with_many_open_files_can_print(page: Path, tmp_path: Path) -> None:
    export(page, tmp_path / "out.png", file_format="png")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@needs_chromium
@pytest.mark.parametrize("is_old", [False, True], ids=["of now", "of an earlier version"])
def test_it_waits_for_every_plot(page: Path, monkeypatch: pytest.MonkeyPatch, is_old: bool) -> None:
    if is_old:  # it lacks the mark that its plots are drawn, and is waited for by looking at each
        monkeypatch.setattr(browser, "_DRAWN", browser._DRAWN.split(" || ")[1])
    plots = page.read_text(encoding="utf-8").count('class="canvas"')
    with browser._opened(page, find_chromium()) as tab:
        drawn = "[...document.querySelectorAll('.canvas')].filter((one) => one.querySelector('.main-svg')).length"
        assert tab.value(drawn) == plots > 5
        assert tab.value("navigator.onLine") is False


def test_html_is_copied_byte_by_byte_and_nothing_is_overwritten(page: Path, tmp_path: Path) -> None:
    export(page, tmp_path / "out.html", file_format="html")
    assert (tmp_path / "out.html").read_bytes() == page.read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        export(page, tmp_path / "out.html", file_format="html")
    with pytest.raises(ConfigError, match="folder that does not exist"):
        export(page, tmp_path / "none" / "out.html", file_format="html")
    with pytest.raises(ConfigError, match="format='docx' is not allowed; allowed: html, pdf, png"):
        export(page, tmp_path / "out.docx", file_format="docx")


def test_where_there_is_no_browser_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "PROGRAMS", ())
    monkeypatch.setattr(browser, "MAC_PROGRAMS", ())
    with pytest.raises(ConfigError, match=r"apt install chromium.*POC_CHROMIUM"):
        find_chromium({})
    with pytest.raises(ConfigError, match="POC_CHROMIUM='nowhere' is no program"):
        find_chromium({"POC_CHROMIUM": "nowhere"})
    assert find_chromium({"POC_CHROMIUM": "/bin/sh"}) == "/bin/sh"


@pytest.mark.parametrize(
    ("script", "message"), [("exit 1", "Chromium ended before"), ("exec sleep 60", "did not finish within")]
)
def test_a_browser_that_does_not_answer_is_given_up(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    program = tmp_path / "browser"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(browser, "TIMEOUT", 1.0)
    with pytest.raises(PocError, match=message):
        export(page, tmp_path / "out.pdf", file_format="pdf", environ={"POC_CHROMIUM": str(program)})
    assert not (tmp_path / "out.pdf").exists()
