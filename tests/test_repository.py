"""What must hold for the repository as a whole and no tool checks."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SKIPPED_FOLDERS = {"__pycache__", ".venv", ".git", "images"}
TEXT_SUFFIXES = {"", ".css", ".html", ".j2", ".js", ".json", ".lock", ".md", ".py", ".sh", ".svg", ".toml", ".ambr"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _files() -> list[Path]:
    """The files of the repository, without what tools and runs leave beside them."""
    found = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in TEXT_SUFFIXES - {".json"}]
    for folder in ("poc", "tests", "docs", "examples", "benchmarks", ".ci"):
        found += [
            path
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and path.suffix in TEXT_SUFFIXES and not SKIPPED_FOLDERS & set(path.parts)
        ]
    return sorted(path for path in found if not path.name.startswith(".coverage"))


PYTHON_FILES = [path for path in _files() if path.suffix == ".py"]
MARKDOWN_FILES = [path for path in _files() if path.suffix == ".md"]


def _lines(paths: list[Path]) -> list[tuple[str, str]]:
    """Every line, with the place to look at."""
    return [
        (f"{path.relative_to(ROOT)}:{number}", line)
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    ]


def test_the_guards_see_the_repository() -> None:
    assert {"Makefile", "LICENSE", "run", "errors.py", "methodology.md"} <= {path.name for path in _files()}


def test_a_python_file_can_be_read_in_one_sitting() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in PYTHON_FILES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_ignore_has_a_reason() -> None:
    ignore = re.compile(r"#\s*(?:noqa\b(?::[A-Z0-9, ]+)?|type: ignore(?:\[[a-z, -]+\])?|pragma: no cover)(.*)")
    without = [
        where
        for where, line in _lines(PYTHON_FILES)
        if (found := ignore.search(line)) and "re.compile" not in line and not re.search("[a-z]{4}", found[1])
    ]
    assert without == []


def test_no_file_names_a_path_of_one_machine_or_a_package_index() -> None:
    forbidden = re.compile(
        r"(?:^|[\s\"'`(=])/(?:root|home|Users|work)/[\w.]|pypi[.]org|pythonhosted[.]org|registry[.]npmjs|index[-_]url=|https?://\S+/simple\b"
    )
    assert [where for where, line in _lines(_files()) if forbidden.search(line)] == []


def test_the_changelog_has_the_version() -> None:
    newest = re.search(r"^## \[(.+?)\] - (?:unreleased|\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest is not None
    assert newest[1] == PROJECT["version"]


def test_the_lock_has_what_the_project_asks_for() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    locked: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.M):
        locked.setdefault(name, set()).add(version)
    extras = [text for extra in PROJECT["optional-dependencies"].values() for text in extra]
    asked = [Requirement(text) for text in PROJECT["dependencies"] + extras]
    unmet = [
        str(requirement)
        for requirement in asked
        if not locked.get(requirement.name) or not all(map(requirement.specifier.contains, locked[requirement.name]))
    ]
    assert unmet == [], "run `make lock`"
    assert len(re.findall(r"^[\w.-]+==", lock, re.M)) == len(
        re.findall(r"^[\w.-]+==.*\\\n    --hash=sha256:", lock, re.M)
    )


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links(page: Path) -> list[tuple[Path, str]]:
    """Relative links of a page: (file, anchor)."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    return [
        ((page.parent / name).resolve() if name else page, anchor)
        for name, _, anchor in (target.partition("#") for target in targets)
    ]


@pytest.mark.parametrize("page", MARKDOWN_FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_somewhere(page: Path) -> None:
    broken = [
        f"{target.name}#{anchor}"
        for target, anchor in _links(page)
        if not target.exists() or (anchor and anchor not in _anchors(target))
    ]
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting += [target for target, _ in _links(page) if target.suffix == ".md" and target not in reached]
    pages = {path for path in MARKDOWN_FILES if not path.is_relative_to(ROOT / "tests")}
    assert pages - reached == set()


def test_every_room_is_in_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rooms = [
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "poc").iterdir()
        if path.name not in SKIPPED_FOLDERS | {"__init__.py", "py.typed"}
    ]
    assert [room for room in rooms if not re.search(rf"^{re.escape(room)} ", page, re.M)] == []


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    command = re.compile(r"(?:`|^|^\$ |&& )make ([a-z-]+)", re.M)
    named = {target for page in MARKDOWN_FILES for target in command.findall(page.read_text())}
    assert "demo" in named
    assert named <= targets
