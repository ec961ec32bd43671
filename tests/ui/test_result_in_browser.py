"""What can be done with a result and a comparison, in a real browser, on two small runs of different days."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from poc.evaluate import Evaluation, RunRequest, evaluate_frame
from poc.tracking.stored_run import load_folder
from tests.ui.desk import CHROMIUM, Server, browser, choose, free_port, picture, settle

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IN_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; these tests look into a browser.")


@pytest.fixture
def runs(demo: Any, workspace: Path) -> list[Evaluation]:
    """A standard run of every day, and one of another signal from 2011 on."""
    (workspace / "poc.toml").write_text('mlflow_url = "http://runs.example/"\n')
    requests = {
        "real_alpha": RunRequest(snapshot_id="demo", author="ann", name="real_alpha", placebos=0),
        "noise": RunRequest(snapshot_id="demo", author="ben", name="noise", preset="quick", start="2011-01-03"),
    }
    return [
        evaluate_frame(
            demo.signals[name].frame, request, workspace=workspace, now=NOW + timedelta(minutes=minute), jobs=1
        )
        for minute, (name, request) in enumerate(requests.items())
    ]


@pytest.fixture
def desk(workspace: Path) -> Iterator[Server]:
    """A server in that workspace."""
    running = Server(workspace, free_port())
    running.start()
    yield running
    running.stop()


def _plot(page: Page, expression: str) -> Any:
    """Something of the first plot, as Plotly has it."""
    return page.evaluate(f"(plot => {expression})(document.querySelector('.js-plotly-plot'))")


def _expect_plot(page: Page, expression: str) -> None:
    shown = f"(plot => plot && {expression})(document.querySelector('.js-plotly-plot'))"
    page.wait_for_function(shown)


def _download(page: Page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {name}").click()
    assert download.value.suggested_filename == name
    return Path(download.value.path()).read_bytes()


@pytest.mark.timeout(600)
@IN_CHROMIUM
def test_plots_tables_and_links_of_a_result(runs: list[Evaluation], desk: Server) -> None:
    stored = load_folder(runs[0].out_dir)
    with browser(desk) as page:
        page.goto(f"{desk.address}/results?run={runs[0].run_id}")
        for check in stored.verdict.checks:
            expect(page.get_by_text(check.sentence, exact=False).first).to_be_attached()
        picture(page, "result-verdict")
        page.get_by_role("tab", name="Plots").click()
        _look_at_the_plots(page, list(stored.variants()))
        page.get_by_role("tab", name="Tables").click()
        summary = pd.read_csv(io.BytesIO(_download(page, "suite_summary.csv")))
        pd.testing.assert_frame_equal(summary, pd.read_csv(runs[0].paths["suite_summary"]), rtol=1e-12)
        assert _download(page, "daily_series.parquet") == runs[0].paths["daily_series"].read_bytes()
        picture(page, "result-tables")
        page.get_by_role("tab", name="Run it again").click()
        assert _download(page, "signal.parquet") == runs[0].paths["signal"].read_bytes()
        assert _download(page, "trials.json") == (runs[0].out_dir / "trials.json").read_bytes()
        expect(
            page.get_by_text("poc run signal.parquet --snapshot demo --author ann --name real_alpha")
        ).to_be_visible()
        address = page.get_by_role("link", name="Open in MLflow").get_attribute("href") or ""
        assert re.fullmatch(rf"http://runs\.example/#/experiments/\d+/runs/{runs[0].run_id}", address)
        picture(page, "result-again")


def _look_at_the_plots(page: Page, keys: list[str]) -> None:
    _expect_plot(page, "plot.data.some(trace => trace.name === 'value, net')")
    page.get_by_text("Baselines", exact=True).click()
    _expect_plot(page, "!plot.data.some(trace => trace.name === 'value, net')")
    page.get_by_text("Log scale").click()
    _expect_plot(page, "plot.layout.yaxis.type === 'log'")
    last = "plot._fullData[0].y.at(-1)"
    former = _plot(page, last)
    assert isinstance(former, float)
    choose(page, "Variant", keys[2])
    _expect_plot(page, f"{last} !== {json.dumps(former)}")
    settle(page)
    _zoom(page)
    picture(page, "result-plots")


def _zoom(page: Page) -> None:
    """Drag from left to right across the middle of the first plot, which has to stand still: it shows fewer dates."""
    days = "Date.parse(plot.layout.xaxis.range[1]) - Date.parse(plot.layout.xaxis.range[0])"
    before = _plot(page, days)
    box = page.locator(".js-plotly-plot").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] * 0.4
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    _expect_plot(page, f"{days} < {before} * 0.5")


@pytest.mark.timeout(600)
@IN_CHROMIUM
@pytest.mark.usefixtures("runs")
def test_runs_of_different_days_are_compared_on_the_common_ones(desk: Server) -> None:
    with browser(desk) as page:
        page.goto(f"{desk.address}/history")
        expect(page.get_by_text("2 of 2 runs")).to_be_visible()
        table = page.get_by_test_id("stDataFrame").locator(".dvn-scroller").first
        table.click(position={"x": 16, "y": 52})
        expect(page.get_by_role("link", name="Open the run")).to_be_visible()
        picture(page, "history-one")
        table.click(position={"x": 16, "y": 87})
        expect(page.get_by_text("The runs do not cover the same days")).to_be_visible()
        expect(page.get_by_text("Is the difference of the net Sharpe ratios more than chance?")).to_be_visible()
        _expect_plot(page, "plot.data.length === 3")
        picture(page, "history-compare", height=2000)
