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


def run(workspace: str, *options: str) -> str:
    """The output of `poc demo` with these options, without the workspace's path."""
    environment = os.environ | {"POC_WORKSPACE": workspace, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [str(Path(sys.executable).with_name("poc")), "demo", "--author", "me", *options]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line.rstrip() for line in output.replace(f"{workspace}/", "").splitlines()]
    return "\n".join(lines).strip()


def show(text: str, mark: str, command: str, output: str) -> str:
    """The text with the block between two marks replaced by a command and its output."""
    block = f"<!-- {mark} -->\n```console\n$ {command}\n{output}\n```\n<!-- /{mark} -->"
    replaced, count = re.subn(rf"<!-- {mark} -->.*<!-- /{mark} -->", lambda _: block, text, flags=re.S)
    if count != 1:
        sys.exit(f"{README.name} must hold the marks {mark} and /{mark} once.")
    return replaced


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
        view.locator("#headline figure").first.screenshot(path=folder / "tearsheet-headline.png")
        chromium.close()


def main() -> None:
    """Run the demo, and put what it printed and drew where the README shows it."""
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as workspace:
        text = show(text, "demo", "make demo", run(workspace))
        photograph(next(Path(workspace).glob("artifacts/*/tearsheet.html")), PICTURES)
        text = show(text, "demo-all", ".venv/bin/poc demo --all", run(workspace, "--all"))
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
