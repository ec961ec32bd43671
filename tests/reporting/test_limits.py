from dataclasses import replace
from typing import Any

import pytest

from poc.engine.result import BacktestResult
from poc.reporting.limits import assumptions
from poc.suite.result import SuiteResult


@pytest.fixture
def base(suite_result: SuiteResult) -> BacktestResult:
    result = suite_result.variant()
    assert result is not None
    return result


def _said(suite: SuiteResult, base: BacktestResult | None, **facts: Any) -> str:
    changed = base and replace(base, diagnostics=base.diagnostics | facts)
    return "\n".join(assumptions(suite, changed))


def test_what_was_missing_is_said_with_its_share(suite_result: SuiteResult, base: BacktestResult) -> None:
    said = _said(suite_result, base, missing_return_share=0.00043, flat_days=12, carry_days=32, universe="all")
    assert "Missing returns: 0.043% of the book, by weight, had no return on its day and earned 0." in said
    assert "Flat days: on 12 of 781 days there was no book." in said
    assert "Universe: every security with a row on the day could be held." in said
    assert "Coverage: the signal has a value for 93.0% of the names" in said
    assert "valid for 32 trading days" in said


def test_what_was_not_missing_is_not_said(suite_result: SuiteResult, base: BacktestResult) -> None:
    full = {"mean": 500.0, "min": 500, "share": 1.0}
    said = _said(suite_result, base, missing_return_share=0.0, flat_days=0, carry_days=1, coverage=full)
    for word in (
        "Missing returns",
        "Flat days",
        "Universe",
        "Coverage",
        "Carry",
        "Ties",
        "Dates",
        "Sample",
        "Variants",
    ):
        assert word not in said


def test_ties_are_said_where_a_side_holds_far_more_than_was_asked(
    suite_result: SuiteResult, base: BacktestResult
) -> None:
    said = _said(suite_result, base, tail_share={"long": 0.34, "short": 0.14})
    assert "Ties: the long side holds 34.0% of the ranked names in place of 10.0%." in said
    assert "the short side" not in said


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Cost: 2, 5 and 10 basis points of each trade in large, mid and small caps"),
        ({}, "Borrowing: short positions are free"),
        ({}, "the whole book trades at the price of the close"),
        ({"from_open": True}, "the whole book trades at the price of the open"),
        ({"borrow_bps": 50}, "Borrowing: 50 basis points a year on the short side."),
        ({"start": "2015-03-01"}, "Dates: only returns from 2015-03-01 to the last day count"),
        ({"sample": "in"}, "only the days of the sample 'in' count"),
    ],
)
def test_what_was_assumed_follows_from_the_configuration(
    suite_result: SuiteResult, changes: dict[str, Any], sentence: str
) -> None:
    config = suite_result.config
    suite = replace(suite_result, config=replace(config, base=replace(config.base, **changes)))
    assert sentence in _said(suite, None)


def test_market_impact_names_the_size_of_the_book(suite_result: SuiteResult) -> None:
    suite = replace(suite_result, config=replace(suite_result.config, tc_models=("power_law",)))
    said = _said(suite, None)
    assert "Cost: market impact by a power law, for a book of $10,000,000 a side." in said
    assert "basis points of each trade" not in said


def test_failed_variants_are_counted(broken_suite: SuiteResult) -> None:
    assert "Variants: 1 of 4 failed; the table of variants says why." in _said(broken_suite, None)
