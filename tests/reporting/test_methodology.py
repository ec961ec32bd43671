import re
import tomllib
from pathlib import Path

from poc.reporting.methodology import METHODOLOGY, SECTIONS, links
from poc.reporting.terms import TERMS

ROOT = Path(__file__).parents[2]


def _anchors() -> set[str]:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "methodology.md").read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_section_of_the_methodology() -> None:
    assert set(SECTIONS) <= _anchors()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Documentation"].replace("/tree/", "/blob/") + "/methodology.md" == METHODOLOGY


def test_every_term_has_one_link() -> None:
    keys = [key for keys in SECTIONS.values() for key in keys]
    assert len(keys) == len(set(keys)) == len(links())
    assert set(keys) == set(TERMS)


def test_a_meaning_belongs_to_one_term() -> None:
    assert len({term.meaning for term in TERMS.values()}) == len(TERMS)
