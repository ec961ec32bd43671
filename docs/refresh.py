"""Remake what the README shows: the output of `poc demo`, and pictures of its tear sheet. Run by `make docs`.

Needs Chromium (`chromium`, `google-chrome` or the path in CHROMIUM).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
PICTURES = DOCS / "images"


def run_demo(workspace: str) -> str:
    """The output of `poc demo` in an empty workspace, with the workspace's path left out."""
    environment = os.environ | {"POC_WORKSPACE": workspace, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [str(Path(sys.executable).with_name("poc")), "demo", "--author", "me"]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.sub(rf"{re.escape(workspace)}/?", "", output).strip()


def photograph(page: Path, folder: Path) -> None:
    """Pictures of a tear sheet: its top, and its first plots."""
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is needed for the pictures; install it, or set CHROMIUM to its path.")
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        view = chromium.new_page(viewport={"width": 1200, "height": 900})
        view.goto(page.as_uri())
        view.locator("#headline .main-svg").first.wait_for()
        view.screenshot(path=folder / "tearsheet.png")
        view.locator("#headline").screenshot(path=folder / "tearsheet-headline.png")
        chromium.close()


def main() -> None:
    """Run the demo once and put both where the README shows them."""
    with tempfile.TemporaryDirectory() as workspace:
        output = run_demo(workspace)
        photograph(next(Path(workspace).glob("artifacts/*/tearsheet.html")), PICTURES)
    shown = f"<!-- demo -->\n```console\n$ make demo\n{output}\n```\n<!-- /demo -->"
    text = README.read_text(encoding="utf-8")
    README.write_text(re.sub(r"<!-- demo -->.*<!-- /demo -->", lambda _: shown, text, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
