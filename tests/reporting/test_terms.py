import re
from pathlib import Path

import numpy as np
import pytest

from poc.reporting import terms
from poc.reporting.terms import TERMS, count, dollars, fine, number, percent, significant, written


@pytest.mark.parametrize(
    ("value", "write", "text"),
    [
        (0.1234, percent, "12.3%"),
        (0.00123, percent, "0.12%"),
        (-0.5, percent, "\N{MINUS SIGN}50.0%"),
        (0.0, percent, "0.0%"),
        (-0.001, number, "0.00"),
        (1.235, number, "1.24"),
        (-0.01234, fine, "\N{MINUS SIGN}0.0123"),
        (1234.4, count, "1,234"),
        (0.21, count, "0.2"),
        (7.0, count, "7"),
        (0.001, significant, "0.001"),
        (0.0, significant, "0"),
        (3.0, significant, "3"),
        (12.345, significant, "12.35"),
        (np.float32(0.5), number, "0.50"),
        (999.0, dollars, "$999"),
        (999_600.0, dollars, "$1M"),
        (12_345_678.0, dollars, "$12.3M"),
        (4.51e10, dollars, "$45.1B"),
        (5e15, dollars, "$5,000T"),
        (float("nan"), number, "n/a"),
        (None, percent, "n/a"),
        ("off", None, "off"),
    ],
)
def test_a_value_is_written_with_its_unit_and_a_true_minus_sign(value, write, text) -> None:  # type: ignore[no-untyped-def]  # any value
    assert written(value, write) == text


def test_every_term_explains_itself_in_one_line() -> None:
    for key, term in TERMS.items():
        assert term.label, key
        assert term.meaning.endswith("."), key
        assert len(term.meaning) <= 110, key


def test_every_term_is_used() -> None:
    code = "".join(path.read_text() for path in Path(terms.__file__).parent.glob("*.py") if path.name != "terms.py")
    unused = {key for key in TERMS if not re.search(f"[\"']{key}[\"']", code) and not key.startswith("ic_")}
    assert unused == set()


def test_no_two_terms_have_the_same_label() -> None:
    assert len({term.label for term in TERMS.values()}) == len(TERMS)
