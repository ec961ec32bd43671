"""Pictures of the app and its tear sheet for the README, from the demo run. Run by `make screenshots`.

Needs Chromium (`chromium` or `google-chrome` on the path).
"""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.ui.desk import Server, browser, free_port, settle

PICTURES = Path(__file__).parent / "images"
COLORS = 128
"""Of the palette of a picture: few enough for a small file, enough for text and lines."""


def main() -> None:
    """Run the demo, open the app on it, and take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        os.environ |= {"POC_WORKSPACE": folder, "LOGNAME": "me"}
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        command = [sys.executable, "-m", "poc", "demo", "--all", "--author", "me"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        server = Server(workspace, free_port())
        server.start()
        try:
            with browser(server) as page:
                page.set_viewport_size({"width": 1280, "height": 800})
                _photograph_the_app(page, server.address)
            with browser(server, also=workspace.as_uri()) as page:
                _photograph_the_tear_sheet(page, next(workspace.glob("artifacts/real_alpha_*/tearsheet.html")))
        finally:
            server.stop()


def _photograph_the_app(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("radio", name="Demo signals").click()
    page.get_by_text("A real, slow alpha").first.wait_for()
    _take(page, "app-run")
    page.goto(f"{address}/history")
    page.get_by_text("6 of 6 runs").wait_for()
    table = page.get_by_test_id("stDataFrame").locator(".dvn-scroller").first
    for row in (3, 5):  # noise, and the real alpha
        settle(page)
        table.click(position={"x": 16, "y": 52 + 35 * row})
    page.get_by_text("Is the difference of the net Sharpe ratios").wait_for()
    page.set_viewport_size({"width": 1280, "height": 1250})
    _take(page, "app-compare")
    page.set_viewport_size({"width": 1280, "height": 800})


def _photograph_the_tear_sheet(page: Page, sheet: Path) -> None:
    page.set_viewport_size({"width": 1200, "height": 900})
    page.goto(sheet.as_uri())
    page.locator("#headline .main-svg").first.wait_for()
    _save(page.screenshot(), "tearsheet")
    _save(page.locator("#headline figure").first.screenshot(), "tearsheet-headline")


def _take(page: Page, name: str) -> None:
    settle(page)
    page.mouse.move(0, 0)
    _save(page.screenshot(), name)


def _save(picture: bytes, name: str) -> None:
    """Write it as a PNG with a palette."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
