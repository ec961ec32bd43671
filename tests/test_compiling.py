"""The second process that compiles: what it compiles, when it starts, and that it ends."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from numba import njit

from poc import compiling
from poc.compiling import KERNELS, compile_kernels, second_compiler

RUN = """
import sys
from datetime import datetime, UTC
from importlib import import_module
from pathlib import Path

from numba.core.sigutils import normalize_signature

from poc.compiling import KERNELS
from poc.evaluate import RunRequest, evaluate

signal, workspace = map(Path, sys.argv[1:])
request = RunRequest(snapshot_id="demo", author="ann", placebos=0)
evaluate(signal, request, workspace=workspace, now=datetime.now(UTC))
for line in KERNELS.read_text().splitlines():
    module, name, types = line.split(" ", 2)
    if normalize_signature(types)[0] not in getattr(import_module(module), name).signatures:
        print("not used:", line)
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """The processes that are started."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        processes.append(subprocess.Popen(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(compiling, "Popen", start)
    return processes


def compile_one() -> None:
    assert njit(lambda x: x + 1)(1) == 2


def test_what_is_compiled_is_what_a_run_uses(demo: Any, tmp_path: Path) -> None:
    """If not: `make kernels`."""
    workspace = demo.new_workspace(tmp_path)
    command = [sys.executable, "-c", RUN, str(demo.evaluation.paths["signal"]), str(workspace)]
    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout == ""


def test_all_kernels_of_the_list_can_be_compiled() -> None:
    assert len(KERNELS.read_text().splitlines()) >= 5
    compile_kernels()


def test_a_second_process_starts_when_something_is_compiled_and_ends_at_the_end(
    started: list[subprocess.Popen[str]], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    with caplog.at_level(logging.WARNING), second_compiler(lambda: told.append("begun")):
        assert not started
        compile_one()
        compile_one()
        assert told == ["begun"]
    (process,) = started
    assert process.returncode == 0
    assert not caplog.records


def test_no_process_starts_where_nothing_is_compiled(started: list[subprocess.Popen[str]]) -> None:
    with second_compiler(lambda: pytest.fail("nothing is compiled")):
        pass
    compile_one()
    assert not started


def test_a_failure_of_the_second_process_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, started: list[subprocess.Popen[str]]
) -> None:
    monkeypatch.setattr(compiling, "COMMAND", [sys.executable, "-c", "raise SystemExit('no kernels')"])
    with caplog.at_level(logging.WARNING), second_compiler(lambda: None):
        compile_one()
        started[0].wait()
    assert "no kernels" in caplog.text


def test_it_ends_when_the_run_is_killed() -> None:
    endless = "import time; from poc.compiling import end_with_parent; end_with_parent(); print(1); time.sleep(3600)"
    start = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-uc', {endless!r}], stdin=-1); "
    with subprocess.Popen([sys.executable, "-c", start + "time.sleep(3600)"], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"1\n"
        run.kill()
        assert run.stdout.read() == b""  # returns when nobody is left who could write
