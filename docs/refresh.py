"""Put the output of `poc demo` into the README. Run by `make docs`."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


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


def main() -> None:
    """Run the demo, and put what it printed where the README shows it."""
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as workspace:
        text = show(text, "demo", "make demo", run(workspace))
        text = show(text, "demo-all", ".venv/bin/poc demo --all", run(workspace, "--all"))
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
