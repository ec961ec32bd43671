"""The app in a real browser: from nothing to comparing two runs, with everything that can go wrong on the way.

Pictures of each step are left in `screenshots/`, which git ignores, to be looked at.
"""

import os
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from poc.data.demo_signals import demo_signals
from poc.ui.jobs import JobStore
from tests.ui.desk import CHROMIUM, Server, browser, choose, picture

SLOW = 120_000
"""Milliseconds that a whole run may take on a busy machine."""


def _start(page: Page, source: str, name: str) -> None:
    """Start a quick run of something in the registry."""
    page.get_by_role("radio", name=source).click()
    choose(page, source, name)
    choose(page, "Preset", "quick")
    expect(page.get_by_label("Name of the signal").first).to_have_value(name)  # the former one goes a moment later
    page.get_by_role("button", name="Run", exact=True).click()


def _pid(store: JobStore) -> int:
    """The process of the job that is under way, once there is one."""
    latest = time.monotonic() + 60
    while not (found := [job.pid for job in store.jobs() if job.is_active and job.pid is not None]):
        assert time.monotonic() < latest
        time.sleep(0.05)
    return found[0]


@pytest.mark.timeout(900)
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; the story of the app needs it.")
def test_the_story_of_a_desk(server: Server, tmp_path: Path) -> None:
    server.start()
    store = JobStore(server.workspace)
    good, bad = tmp_path / "my_alpha.parquet", tmp_path / "bad.csv"
    demo_signals()["real_alpha"].frame.to_parquet(good)
    bad.write_text("security_id,date_sig,date_avail,signal\n100,2015-03-03,2015-03-02,1.0\n")
    with browser(server) as page:
        _make_the_demo(page, server)
        _upload(page, bad, good)
        _read_the_result(page)
        _cancel_and_kill(page, store)
        _queue_and_restart(page, server, store)
        _compare(page)
    _look_at_every_page(server)


def _make_the_demo(page: Page, server: Server) -> None:
    page.goto(server.address)
    expect(page.get_by_text("There is no snapshot yet")).to_be_visible()
    picture(page, "1-empty")
    page.get_by_role("button", name="Create the demo snapshot").click()
    expect(page.get_by_role("heading", name="1. Signal")).to_be_visible(timeout=SLOW)


def _upload(page: Page, bad: Path, good: Path) -> None:
    chooser = page.locator("input[type=file][accept*=parquet]")  # the other one is for earlier tries
    chooser.set_input_files(bad)
    expect(page.get_by_text("The file cannot be used.")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    picture(page, "2-bad-file")
    page.get_by_role("button", name="Remove bad.csv").click()
    expect(page.get_by_text("Upload a table with the columns")).to_be_visible()
    chooser.set_input_files(good)
    expect(page.get_by_text("The file keeps the contract.")).to_be_visible(timeout=SLOW)
    choose(page, "Preset", "quick")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    picture(page, "3-progress")
    page.reload()
    expect(page.get_by_role("link", name="Open the result")).to_be_visible(timeout=SLOW)
    picture(page, "4-done")


def _read_the_result(page: Page) -> None:
    page.get_by_role("link", name="Open the result").first.click()
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    expect(page.get_by_text("INCOMPLETE").first).to_be_visible()
    picture(page, "5-verdict")
    page.get_by_role("tab", name="Plots").click()
    expect(page.locator(".main-svg").first).to_be_visible()
    picture(page, "6-plots")
    page.get_by_role("tab", name="Tear sheet").click()
    sheet = page.frame_locator("iframe").first.frame_locator("iframe")
    expect(sheet.get_by_role("heading", level=1)).to_be_visible()
    expect(sheet.locator(".main-svg").first).to_be_visible()
    picture(page, "7-tearsheet")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download tearsheet.html").click()
    assert b"Plotly.newPlot" in Path(download.value.path()).read_bytes()


def _cancel_and_kill(page: Page, store: JobStore) -> None:
    page.get_by_role("link", name="Run suite").click()
    _start(page, "Baselines", "value")
    _pid(store)
    page.get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_text("cancelled", exact=True)).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Run", exact=True).click()
    os.kill(_pid(store), signal.SIGKILL)
    expect(page.get_by_text("Its process was killed (signal SIGKILL)")).to_be_visible(timeout=10_000)
    picture(page, "8-killed")


def _queue_and_restart(page: Page, server: Server, store: JobStore) -> None:
    """While a job stands still, another visitor's waits and blocks no page; both outlive the app."""
    done = page.get_by_role("link", name="Open the result").count()
    page.get_by_role("button", name="Run", exact=True).click()
    os.kill(held := _pid(store), signal.SIGSTOP)
    assert page.context.browser is not None
    other = page.context.browser.new_page()
    other.goto(server.address)
    _start(other, "Demo signals", "noise")
    expect(other.get_by_text("It waits until a job before it has ended.")).to_be_visible()
    picture(other, "9-queue")
    other.get_by_role("link", name="Snapshots").click()
    expect(other.get_by_text("Securities a day")).to_be_visible()
    server.stop()
    server.start()
    os.kill(held, signal.SIGCONT)
    page.goto(server.address)
    expect(page.get_by_role("link", name="Open the result")).to_have_count(done + 2, timeout=2 * SLOW)


def _compare(page: Page) -> None:
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("3 of 3 runs")).to_be_visible()
    table = page.get_by_test_id("stDataFrame").locator(".dvn-scroller").first
    table.click(position={"x": 16, "y": 52})
    expect(page.get_by_role("link", name="Open the run")).to_be_visible()
    table.click(position={"x": 16, "y": 87})
    expect(page.get_by_text("Is the difference of the net Sharpe ratios more than chance?")).to_be_visible(timeout=SLOW)
    expect(page.locator(".main-svg").first).to_be_visible()
    picture(page, "10-compare")


def _look_at_every_page(server: Server) -> None:
    for width, dark in ((1440, True), (390, False)):
        with browser(server, width=width, dark=dark) as page:
            for place, sign in (("", "1. Signal"), ("results", "Verdict"), ("history", "runs"), ("snapshots", "Make")):
                page.goto(f"{server.address}/{place}")
                expect(page.get_by_text(sign).first).to_be_visible(timeout=SLOW)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{place or 'run'} is {wide} pixels wide on a screen of {width}"
                red = page.evaluate(
                    "getComputedStyle(document.querySelector('.stApp')).backgroundColor.match(/[0-9]+/)[0]"
                )
                assert (int(red) < 128) == dark
                picture(page, f"{place or 'run'}-{width}-{'dark' if dark else 'light'}")
