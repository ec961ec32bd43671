"""How numbers and limits are written, the JSON form, thresholds, and the documentation of the rules."""

import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from poc.errors import ConfigError, PocError
from poc.reporting.verdict import Check, Thresholds, Verdict, compute_verdict
from tests.reporting.verdict_suites import (
    check_names,
    check_of,
    make_suite,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "verdict.md"


@pytest.mark.parametrize(
    ("sharpe", "shown"),
    [
        (2.0, "2.00"),
        (0.9999, "0.9999"),
        (1.0, "1.00"),
        (1.000000001, "1.000000"),
        (0.00498, "0.005"),
        (-0.0004, "0.000"),
        (0.0, "0.00"),
    ],
)
def test_a_number_is_written_so_that_its_side_of_the_limit_is_seen(sharpe: float, shown: str) -> None:
    assert check_of("net_sharpe", sharpe=sharpe).sentence.startswith(f"Net Sharpe ratio is {shown};")


def test_limits_are_written_exactly() -> None:
    thresholds = Thresholds(largest_name=0.255, green_sharpe=1.125)
    assert "at most 25.5%" in check_of("largest_name", thresholds=thresholds).sentence
    assert "more than 1.125" in check_of("net_sharpe", thresholds=thresholds).sentence


@pytest.mark.parametrize("changes", [{}, {"sharpe": 0.4}, {"failed": {(0, "off"): "never invested"}}])
def test_the_json_form_goes_both_ways(changes: dict[str, Any]) -> None:
    verdict = compute_verdict(make_suite(**changes))
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    assert Verdict.from_dict(json.loads(text)) == verdict
    assert json.dumps(Verdict.from_dict(json.loads(text)).to_dict()) == text


def test_a_number_that_is_not_finite_is_null() -> None:
    check = Check(name="x", state="not_run", value=math.nan, threshold=-math.inf, sentence="X did not run.")
    assert (check.value, check.threshold) == (None, None)
    verdict = Verdict(color="incomplete", rules_version="0", checks=(check,), reasons=())
    assert json.loads(json.dumps(verdict.to_dict()))["checks"][0]["value"] is None


@pytest.mark.parametrize(
    "broken", [{}, {"color": "green"}, {"color": "red", "rules_version": "1", "checks": [{"name": "x"}], "reasons": []}]
)
def test_a_broken_stored_verdict_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(PocError, match="The stored verdict cannot be read"):
        Verdict.from_dict(broken)


def test_a_verdict_of_the_first_rules_is_read_as_it_was_stored() -> None:
    verdict = compute_verdict(make_suite())
    stored = verdict.to_dict() | {"rules_version": "1"}
    stored["checks"] = [check | {"required": True} for check in stored["checks"]]
    assert Verdict.from_dict(stored) == replace(verdict, rules_version="1")


def test_other_thresholds_decide_and_are_marked() -> None:
    verdict = compute_verdict(make_suite(sharpe=2.0), Thresholds(green_sharpe=2.5))
    assert verdict.color == "yellow"
    assert verdict.rules_version == "2 with other thresholds"
    assert Thresholds(rules_version="1a").label == "1a"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"turnover": math.nan}, "turnover=nan is not allowed; allowed: a finite number"),
        ({"turnover": "0.3"}, "turnover='0.3' is not allowed"),
        ({"leak_ic": True}, "leak_ic=True is not allowed"),
        ({"red_sharpe": 1.1}, "red_sharpe=1.1 is not allowed; allowed: at most green_sharpe"),
        ({"similar_signal_corr": 0.8}, "allowed: at most clone_signal_corr"),
        ({"retention_base_sharpe": 0.0}, "retention_base_sharpe=0.0 is not allowed; allowed: above 0"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        Thresholds(**changes)


def documented(section: str) -> list[list[str]]:
    """The cells of the rows of the table in one section, code marks taken off."""
    body = DOCUMENT.read_text(encoding="utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


def test_the_document_lists_every_threshold_with_its_value() -> None:
    listed = {name: float(value) for name, value, *_ in documented("Thresholds")}
    assert listed == {name: value for name, value in asdict(Thresholds()).items() if name != "rules_version"}
    assert f"rules version {Thresholds().rules_version}" in DOCUMENT.read_text(encoding="utf-8")


def test_the_document_lists_every_check_in_order() -> None:
    names = [re.sub("(_corr)_.*", r"\1_<baseline>", name) for name in check_names(compute_verdict(make_suite()))]
    assert [row[0] for row in documented("The checks")] == list(dict.fromkeys(names))
