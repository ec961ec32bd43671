"""The instant check of an uploaded signal: `poc validate` in a process of its own, bounded in time and memory."""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from poc.errors import ContractError

SECONDS = 120
MEMORY = 16 << 30
"""Bytes of address space that a check may take."""


def check_upload(
    content: bytes, suffix: str, *, snapshot_id: str, workspace: Path, carry_days: int | None = None
) -> Any:
    """What `poc validate --json` says about the content of a file: `valid, errors, warnings, not_checked, ledger`.

    Raises:
        ContractError: the file cannot be read, or the check takes too long or too much memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"signal{suffix}"
        path.write_bytes(content)
        command = [sys.executable, "-m", "poc", "validate", str(path), "--snapshot", snapshot_id, "--json"]
        command += ["--workspace", str(workspace)] + (["--carry-days", str(carry_days)] if carry_days else [])
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                command, capture_output=True, text=True, check=False, timeout=SECONDS, preexec_fn=_bound
            )
        except subprocess.TimeoutExpired:
            raise ContractError(f"The check takes longer than {SECONDS} seconds. Upload a smaller file.") from None
        said = _document(done.stdout).get("error")
        if said:
            raise ContractError(str(said["message"]).replace(str(path), "The file"))
        return _document(done.stdout)


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _document(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        raise ContractError(
            "The check ended without an answer; memory may have run out. Upload a smaller file."
        ) from None
