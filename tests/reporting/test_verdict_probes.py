"""The rules on leaks and placebos, on both sides of their thresholds."""

import math
from dataclasses import replace
from typing import Any

import pytest

from poc.reporting.verdict import compute_verdict
from poc.suite.measure import Measure
from tests.reporting.verdict_suites import EVIDENCE, NOT_APPLICABLE, NOT_RUN, check_of, make_suite


def with_leaks(**measures: Any) -> dict[str, Any]:
    return {"leaks": replace(EVIDENCE.leaks, **measures)}


@pytest.mark.parametrize(
    ("pre_entry", "ic", "state"),
    [
        (0.0801, 0.1, "fail"),
        (-0.0801, 0.1, "fail"),
        (0.08, 0.1, "pass"),
        (0.0501, 0.01, "concern"),
        (-0.0501, 0.01, "concern"),
        (0.05, 0.001, "pass"),
        (0.08, 0.017, "pass"),
        (0.08, -0.015, "concern"),
        (0.0501, math.nan, "concern"),
    ],
)
def test_a_leak_by_the_ic_before_entry(pre_entry: float, ic: float, state: str) -> None:
    evidence = with_leaks(pre_entry_ic=Measure(value=pre_entry))
    assert check_of("pre_entry_ic", evidence=evidence, ic=(ic, 2.0)).state == state


@pytest.mark.parametrize(
    ("p_value", "rate", "state"),
    [
        (0.0009, 0.49, "fail"),
        (0.0009, 0.5, "pass"),
        (0.001, 0.1, "pass"),
        (0.0009, math.nan, "not_run"),
        (0.5, math.nan, "pass"),
    ],
)
def test_a_signal_that_covers_survivors_is_red(p_value: float, rate: float, state: str) -> None:
    evidence = with_leaks(survivorship_p=Measure(value=p_value), survivorship_rate=Measure(value=rate))
    assert check_of("survivorship_probe", evidence=evidence).state == state


@pytest.mark.parametrize(("p_value", "state"), [(0.01, "pass"), (0.0101, "concern")])
def test_placebos_rule_out_green_and_are_never_red(p_value: float, state: str) -> None:
    evidence = {"placebo": replace(EVIDENCE.placebo, p_value=Measure(value=p_value))}
    assert check_of("placebo", evidence=evidence).state == state


@pytest.mark.parametrize(
    ("evidence", "name"),
    [
        ({"placebo": replace(EVIDENCE.placebo, p_value=NOT_RUN)}, "placebo"),
        (with_leaks(pre_entry_ic=NOT_RUN), "pre_entry_ic"),
        (with_leaks(survivorship_p=NOT_RUN), "survivorship_probe"),
    ],
)
def test_a_probe_that_did_not_run_makes_the_verdict_incomplete(evidence: dict[str, Any], name: str) -> None:
    verdict = compute_verdict(make_suite(evidence=evidence))
    assert verdict.color == "incomplete"
    assert [check.name for check in verdict.checks if check.state == "not_run"] == [name]
    assert len(verdict.reasons) == 1


def test_probes_that_do_not_apply_do_not_rule_out_green() -> None:
    evidence = with_leaks(pre_entry_ic=NOT_APPLICABLE, survivorship_p=NOT_APPLICABLE, survivorship_rate=NOT_APPLICABLE)
    assert compute_verdict(make_suite(evidence=evidence)).color == "green"
    assert check_of("survivorship_probe", evidence=evidence).state == "not_applicable"
