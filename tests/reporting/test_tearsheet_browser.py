"""The tear sheet in a real browser that has no network."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from poc.reporting.tearsheet import render_tearsheet
from poc.reporting.verdict import Verdict
from poc.suite.result import SuiteResult

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_every_plot_is_drawn_and_the_console_stays_silent(
    suite_result: SuiteResult, verdict: Verdict, tmp_path: Path, width: int, scheme: str
) -> None:
    path = tmp_path / "tearsheet.html"
    path.write_text(render_tearsheet(suite_result, verdict, author="ada", rerun_command="poc run x"), encoding="utf-8")
    said: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]  # one of the two literals
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.context.set_offline(True)
        page.goto(path.as_uri())
        figures = page.locator("figure").count()
        page.locator("figure .main-svg").nth(figures - 1).wait_for()
        page.wait_for_function("[...document.querySelectorAll('figure')].every(f => f.querySelector('.main-svg'))")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        head = page.locator("thead button:visible").first
        head.click()
        assert head.locator("..").get_attribute("aria-sort") == "ascending"
        pages = page.pdf(format="A4")
        browser.close()
    assert figures > 5
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert overflow <= 0
    assert pages.startswith(b"%PDF")
