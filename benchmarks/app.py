"""Time the pages of the app in Chromium, on the snapshot of size L and a store of 100,000 runs.

    python -m benchmarks.app --root .bench

The snapshot, one run of the standard suite on it and the store are made the first time, which takes some minutes and
7 GB of disk. Seconds are from the click until the page stands still, the fastest of three.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.many_runs import multiply_runs
from benchmarks.market import make_market
from poc.evaluate import RunRequest, evaluate
from tests.ui.desk import Server, browser, choose, free_port, settle

COUNT = 100_000


def make_workspace(root: Path) -> Path:
    """The workspace that is looked at, made unless it is there."""
    snapshot_id, signal_file = make_market("L", root)
    workspace = root / "app"
    if not (workspace / "ready").exists():
        workspace.mkdir(exist_ok=True)
        (workspace / "snapshots").symlink_to((root / "snapshots").absolute())
        request = RunRequest(snapshot_id=snapshot_id, author="benchmark", name="noise")
        evaluate(signal_file, request, workspace=workspace, now=datetime(2026, 1, 1, tzinfo=UTC))
        multiply_runs(workspace / "mlflow.db", count=COUNT)
        (workspace / "ready").touch()
    return workspace


def seconds(page: Page, act: Callable[[], object], sign: str) -> float:
    """From the act until its sign is seen and the page stands still."""
    begin = time.perf_counter()
    act()
    page.get_by_text(sign).first.wait_for()
    settle(page)
    return time.perf_counter() - begin


def measure(page: Page, server: Server) -> dict[str, float]:
    """Seconds by what was done."""
    found: dict[str, list[float]] = {}

    def note(what: str, act: Callable[[], object], sign: str) -> None:
        found.setdefault(what, []).append(seconds(page, act, sign))

    def click(link: str) -> Callable[[], object]:
        return page.get_by_role("link", name=link).click

    note("first page after the start of the app", lambda: page.goto(server.address), "1. Signal")
    note("first history: all runs are read", click("History"), f"{COUNT:,} of {COUNT:,} runs")
    note("first snapshots: securities are counted", click("Snapshots"), "Securities a day")
    note("first result: the run is read", click("Results"), "suite standard")
    for lag in (1, 2, 0):
        variant = f"lag{lag}.off.naive.equal"
        note("Run suite", click("Run suite"), "1. Signal")
        note("History", click("History"), f"{COUNT:,} of {COUNT:,} runs")
        search = page.get_by_placeholder("name, label, note")
        note("History, search", lambda: (search.fill("signal_77_"), search.press("Enter")), "200 of 100,000 runs")  # noqa: B023 - used at once
        note("History, search taken away", lambda: (search.fill(""), search.press("Enter")), f"{COUNT:,} of {COUNT:,}")  # noqa: B023 - used at once
        note("Snapshots", click("Snapshots"), "Securities a day")
        note("Results", click("Results"), "suite standard")
        page.get_by_role("tab", name="Plots").click()
        note("Results, another variant", lambda: choose(page, "Variant", variant), "Turnover and number of names")  # noqa: B023 - used at once
        note("Results, log scale", lambda: page.get_by_text("Log scale").click(), "Turnover and number of names")
    return {what: min(times) for what, times in found.items()}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder for the made-up market and the store")
    root = parser.parse_args().root
    workspace = make_workspace(root)
    (workspace / "history.parquet").unlink(missing_ok=True)
    server = Server(workspace, free_port())
    server.start()
    try:
        with browser(server) as page:
            times = measure(page, server)
    finally:
        server.stop()
    print("| what | seconds |\n|---|---:|")
    for what, fastest in times.items():
        print(f"| {what} | {fastest:.2f} |")


if __name__ == "__main__":
    main()
