"""The documentation says what the program does: blocks run, commands exist, names and defaults are the real ones."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

import poc
from poc.baselines.library import generate_reversal_signal
from poc.cli import app
from poc.data.demo import create_demo_snapshot
from poc.engine.config import BacktestConfig

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
METHODOLOGY = (ROOT / "docs" / "methodology.md").read_text()


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def _section(title: str) -> str:
    """A section of the methodology, without what comes after it."""
    return re.split(r"^## ", METHODOLOGY.split(f". {title}\n", 1)[1], maxsplit=1, flags=re.M)[0]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small demo snapshot."""
    folder = tmp_path_factory.mktemp("workspace")
    create_demo_snapshot(folder / "snapshots", n_securities=200, n_years=2)
    return folder


@pytest.mark.parametrize("page", [p for p in PAGES if _blocks(p, "python")], ids=lambda page: page.name)
def test_python_blocks_run(page: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POC_WORKSPACE", str(workspace))
    monkeypatch.chdir(workspace)
    names: dict[str, object] = {}
    for block in _blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)  # noqa: S102 - running the documentation is the test


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and those below it, by their words."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(app), ("poc",)))


def _command_lines(page: Path) -> list[list[str]]:
    """The `poc` commands in console blocks, split into words."""
    text = "".join(_blocks(page, r"\w*")).replace("\\\n", " ")
    lines = re.findall(r"^(?:\$ )?(?:\.venv/bin/)?(poc .*)$", text, re.M)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_in_a_console_block_exists(page: Path) -> None:
    for words in _command_lines(page):
        path = max((path for path in COMMANDS if list(path) == words[: len(path)]), key=len)
        known = {option for parameter in COMMANDS[path].params for option in parameter.opts} | {"--help"}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, " ".join(words)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_and_its_options_are_documented(path: tuple[str, ...]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert " ".join(path) in page
    options = [option for parameter in COMMANDS[path].params for option in parameter.opts if option.startswith("--")]
    completion = {"--install-completion", "--show-completion"}
    assert [option for option in options if f"`{option}" not in page and option not in completion] == []


@pytest.mark.parametrize("name", poc.__all__)
def test_a_public_name_is_documented(name: str) -> None:
    assert any(re.search(rf"\b{re.escape(name)}\b", page.read_text()) for page in PAGES)


def test_every_configuration_field_is_documented_with_its_default() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| `(.+?)` \|", _section("Configuration"), re.M)
    documented = {name: ast.literal_eval(default) for names, default in rows for name in re.findall(r"\w+", names)}
    assert documented == {field.name: field.default for field in fields(BacktestConfig)}


def test_every_column_and_diagnostic_is_documented(workspace: Path) -> None:
    catalog = poc.DataCatalog("demo", root=workspace / "snapshots")
    result = poc.run_backtest(generate_reversal_signal(catalog), BacktestConfig(method="long_only"), catalog)
    assert set(re.findall(r"^\| `(\w+)` \|", _section("Diagnostics"), re.M)) == set(result.diagnostics)
    tables = _section("The tables of a result") + _section("Statistics")
    frames = (result.daily_series, result.summary_table, result.fractile_analysis, result.attribution)
    styles = set(catalog.panel.style_names)
    columns = {str(column) for frame in frames for column in frame.columns} - styles
    assert {column for column in columns if f"`{column}`" not in tables} == set()
