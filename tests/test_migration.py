"""docs/migration.md names every argument of the face, with its default, and every column of its tables."""

import ast
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from poc.engine.legacy import Backtest
from poc.engine.legacy_tables import RESULT_COLUMNS

PAGE = (Path(__file__).parents[1] / "docs" / "migration.md").read_text()


def section(title: str) -> str:
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def test_every_argument_is_documented_with_its_default_and_what_becomes_of_it() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.+?)`)? ?\| (.*)\|$", section("The arguments"), re.M)
    defaults: dict[str, Any] = {}
    for field in fields(Backtest):
        made = MISSING if field.default_factory is MISSING else field.default_factory()
        defaults[field.name] = made if field.default is MISSING else field.default
    assert [name for name, _, _ in rows] == list(defaults)
    assert {name: ast.literal_eval(text) if text else MISSING for name, text, _ in rows} == defaults
    assert [name for name, _, fate in rows if not fate.strip()] == []


def test_every_column_is_documented_beside_ours() -> None:
    rows = re.findall(r"^\| (`.+?) \| (`.+?) \|$", section("The tables"), re.M)[1:]
    documented: dict[str, str] = {}
    for former, ours in rows:
        former_names, our_names = (re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", cell)) for cell in (former, ours))
        documented |= dict(zip(former_names, our_names, strict=True))
    assert documented == RESULT_COLUMNS
