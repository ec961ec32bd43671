"""The tear sheet in a real browser that has no network."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from poc.reporting.tearsheet import render_tearsheet
from poc.reporting.terms import TERMS
from poc.reporting.verdict import Verdict
from poc.suite.result import SuiteResult

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
"""Git-ignored; to be looked at."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def _sort_and_ask_by_keyboard(page: Page) -> None:
    head = page.locator("thead button:visible").first
    head.focus()
    page.keyboard.press("Enter")
    assert head.locator("..").get_attribute("aria-sort") == "ascending"
    term = page.locator(".tiles .term").first
    term.focus()
    assert TERMS["sharpe_net"].meaning in page.locator("#tip").inner_text()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Methodology"
    page.keyboard.press("Escape")
    assert page.locator("#tip").count() == 0
    term.click()
    assert page.locator("#tip").is_visible()


def _unfold(page: Page) -> None:
    assert not page.locator("#horizons table").is_visible()
    page.locator("#horizons summary").click()
    assert page.locator("#horizons table").is_visible()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_every_plot_is_drawn_and_the_console_stays_silent(
    suite_result: SuiteResult, verdict: Verdict, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    path = tmp_path / "tearsheet.html"
    path.write_text(render_tearsheet(suite_result, verdict, author="ada", rerun_command="poc run x"), encoding="utf-8")
    said: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]  # one of the two literals
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.context.set_offline(True)
        page.goto(path.as_uri())
        page.locator("html[data-plots=drawn]").wait_for()
        figures = page.locator("figure").count()
        drawn = page.evaluate(
            "[...document.querySelectorAll('figure')].filter(f => f.querySelector('.main-svg')).length"
        )
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        above = page.locator(".tiles").bounding_box()
        _sort_and_ask_by_keyboard(page)
        _unfold(page)
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"tearsheet-{width}-{scheme}.png", full_page=True)
        pages = page.pdf(format="A4")
        browser.close()
    assert drawn == figures > 5
    assert above is not None
    assert above["y"] < height, "the first numbers are on the first screen"
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert overflow <= 0
    assert pages.startswith(b"%PDF")
