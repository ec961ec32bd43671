"""A folder of results can be logged later, once, and only if it is whole."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from poc.errors import ConfigError
from poc.tracking import run_folder
from poc.tracking.mlflow_logger import history
from poc.tracking.run_folder import git_sha, log_directory


@pytest.fixture
def folder(demo: Any, tmp_path: Path) -> Path:
    """A copy of the results, as they are where the store could not be reached."""
    copy = tmp_path / "results"
    shutil.copytree(demo.evaluation.out_dir, copy)
    _change_run_file(copy, run_id=None)
    return copy


def _change_run_file(folder: Path, **changes: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_results_are_logged_once(folder: Path, tmp_path: Path) -> None:
    run_id = log_directory(folder, workspace=tmp_path)
    assert json.loads((folder / "run.json").read_text())["run_id"] == run_id
    assert log_directory(folder, workspace=tmp_path) == run_id
    assert history(tmp_path)["run_id"].tolist() == [run_id]
    _change_run_file(folder, run_id="of another store")
    assert log_directory(folder, workspace=tmp_path) not in (run_id, "of another store")


def test_a_folder_that_is_not_whole_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "holdings.parquet").unlink()
    (folder / "result.json").unlink()
    with pytest.raises(ConfigError, match=r"lacks result\.json, holdings\.parquet"):
        log_directory(folder, workspace=tmp_path)
    with pytest.raises(ConfigError, match=r"no folder of results: it lacks tearsheet\.html"):
        log_directory(tmp_path / "nowhere", workspace=tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"run_id": null, "name": "a"}'])
def test_a_broken_run_file_is_refused(folder: Path, tmp_path: Path, content: str) -> None:
    (folder / "run.json").write_text(content)
    with pytest.raises(ConfigError, match=r"run\.json cannot be read"):
        log_directory(folder, workspace=tmp_path)


def _git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


def test_the_commit_is_that_of_the_checkout_the_code_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = tmp_path / "run_folder.py"
    code.write_text("first")
    monkeypatch.setattr(run_folder, "__file__", str(code))
    assert git_sha() == "unknown"
    _git(tmp_path, "init")
    assert git_sha() == "unknown"  # beside a checkout, as in its virtual environment, but not part of it
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "--message", "one")
    assert re.fullmatch("[0-9a-f]{40}", git_sha())
    code.write_text("second")
    assert re.fullmatch("[0-9a-f]{40}-dirty", git_sha())
