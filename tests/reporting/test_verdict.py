"""Each rule on both sides of its threshold, precedence, and what did not run."""

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from poc.engine.config import BacktestConfig
from poc.reporting.verdict import compute_verdict
from poc.suite.config import QUICK_SUITE, STANDARD_SUITE
from poc.suite.measure import Measure
from poc.suite.result import BaselineEvidence, Evidence
from tests.reporting.verdict_suites import (
    CALENDAR,
    EVIDENCE,
    NOT_APPLICABLE,
    NOT_RUN,
    YEARS,
    check_names,
    check_of,
    make_suite,
    with_baseline,
)


def test_a_good_signal_is_green_and_says_what_was_not_asked() -> None:
    verdict = compute_verdict(make_suite())
    assert verdict.color == "green"
    assert verdict.rules_version == "2"
    assert verdict.reasons == ("Every check that applies passed: 27 passed, 1 did not apply.",)


def test_the_order_of_checks_does_not_depend_on_the_outcome() -> None:
    green = compute_verdict(make_suite())
    red = compute_verdict(make_suite(sharpe=0.1, evidence={"spanning_alpha_t": NOT_RUN, "is_baseline": "value"}))
    unknown = compute_verdict(make_suite(failed={(0, "off"): "never invested"}, evidence={"baselines": ()}))
    assert check_names(green) == check_names(red) == check_names(unknown)
    assert len(set(check_names(green))) == len(green.checks)


@pytest.mark.parametrize(
    ("sharpe", "state", "threshold"),
    [
        (0.4999, "fail", 0.5),
        (0.5, "concern", 1.0),
        (1.0, "concern", 1.0),
        (1.0001, "pass", 1.0),
        (-1.0, "fail", 0.5),
        (math.nan, "not_run", 1.0),
    ],
)
def test_net_sharpe(sharpe: float, state: str, threshold: float) -> None:
    check = check_of("net_sharpe", sharpe=sharpe)
    assert (check.state, check.threshold) == (state, threshold)
    assert check.value == (None if math.isnan(sharpe) else sharpe)


@pytest.mark.parametrize(
    ("variant", "below"),
    [((1, "off"), "fail"), ((2, "off"), "concern"), ((0, "industry"), "concern"), ((2, "industry"), "concern")],
)
def test_half_of_the_sharpe_is_kept_in_each_judged_variant(variant: tuple[int, str], below: str) -> None:
    name = f"retention_lag{variant[0]}_{variant[1]}"
    assert check_of(name, sharpe=2.0, others={variant: 1.0}).state == "pass"
    check = check_of(name, sharpe=2.0, others={variant: 0.99})
    assert (check.state, check.value, check.threshold) == (below, 0.495, 0.5)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("retention_styles", "style_residualized_sharpe_net"),
        ("retention_small_caps", "without_small_caps_sharpe_net"),
    ],
)
def test_half_of_the_sharpe_is_kept_without_styles_and_without_small_caps(name: str, field: str) -> None:
    assert check_of(name, evidence={field: Measure(value=1.0)}).state == "pass"
    assert check_of(name, evidence={field: Measure(value=0.99)}).state == "concern"
    assert check_of(name, evidence={field: NOT_RUN}).state == "not_run"
    assert check_of(name, evidence={field: NOT_APPLICABLE}).state == "not_applicable"


def test_retention_is_judged_from_a_base_sharpe_of_a_half_on() -> None:
    assert check_of("retention_lag1_off", sharpe=0.5, others={(1, "off"): 0.2}).state == "fail"
    weak = check_of("retention_lag1_off", sharpe=0.49, others={(1, "off"): 0.2})
    assert weak.state == "not_applicable"
    assert weak.sentence.endswith("does not apply: it is judged from a base net Sharpe ratio of 0.50 on.")


@pytest.mark.parametrize("sharpe", [0.2, 2.0])
def test_a_failed_variant_is_named_whatever_the_base_sharpe(sharpe: float) -> None:
    check = check_of("retention_lag2_industry", sharpe=sharpe, failed={(2, "industry"): "never invested."})
    assert check.state == "not_run"
    assert check.sentence == (
        "Share of the base net Sharpe ratio kept at lag 2 with industry taken out of the signal did not run: "
        "the variant at lag 2 with industry taken out of the signal has no result (never invested)."
    )


def test_the_quick_preset_is_incomplete_because_the_judged_set_is_the_same_for_all() -> None:
    verdict = compute_verdict(make_suite(config=QUICK_SUITE, evidence={"baselines": (), "spanning_alpha_t": NOT_RUN}))
    missing = {check.name for check in verdict.checks if check.state == "not_run"}
    assert verdict.color == "incomplete"
    assert missing == {
        "retention_lag2_off",
        "retention_lag0_industry",
        "retention_lag1_industry",
        "retention_lag2_industry",
        *(f"{kind}_corr_{name}" for kind in ("signal", "return") for name in STANDARD_SUITE.baselines),
        "spanning_alpha_t",
    }


@pytest.mark.parametrize(
    ("corr", "state", "threshold"),
    [(0.4999, "pass", 0.5), (-0.5, "concern", 0.5), (0.6999, "concern", 0.5), (0.7, "fail", 0.7), (-0.7, "fail", 0.7)],
)
def test_signal_correlation_with_a_baseline(corr: float, state: str, threshold: float) -> None:
    check = check_of("signal_corr_value", evidence=with_baseline("value", signal_corr=Measure(value=corr)))
    assert (check.state, check.value, check.threshold) == (state, abs(corr), threshold)


@pytest.mark.parametrize(
    ("corr", "alpha_t", "state"),
    [
        (0.6999, 0.0, "pass"),
        (0.7, 1.9999, "fail"),
        (-0.7, 1.9999, "fail"),
        (0.7, -3.0, "fail"),
        (0.7, 2.0, "pass"),
        (0.7, None, "not_run"),
        (0.6, None, "pass"),
    ],
)
def test_return_correlation_needs_an_alpha_to_be_forgiven(corr: float, alpha_t: float | None, state: str) -> None:
    evidence = with_baseline("value", return_corr=Measure(value=corr))
    evidence["spanning_alpha_t"] = NOT_RUN if alpha_t is None else Measure(value=alpha_t)
    check = check_of("return_corr_value", evidence=evidence)
    assert (check.state, check.threshold) == (state, 0.7)


def test_a_clone_by_return_says_which_alpha_condemned_it() -> None:
    evidence = with_baseline("value", return_corr=Measure(value=0.81)) | {"spanning_alpha_t": Measure(value=1.2)}
    assert check_of("return_corr_value", evidence=evidence).sentence == (
        "Absolute correlation of daily returns with value is 0.81 (the spanning alpha's t is 1.20); "
        "at least 0.70 is red where the spanning alpha's t is less than 2.00."
    )


def test_a_baseline_itself_is_named() -> None:
    evidence = with_baseline("momentum_12_1", signal_corr=Measure(value=1.0)) | {"is_baseline": "momentum_12_1"}
    verdict = compute_verdict(make_suite(evidence=evidence))
    assert verdict.color == "red"
    (reason,) = verdict.reasons
    assert reason == (
        "The signal is the baseline momentum_12_1. "
        "Absolute rank correlation of the signal with momentum_12_1 is 1.00; at least 0.70 is red."
    )


def test_a_baseline_beyond_the_suite_that_it_equals_is_listed_too() -> None:
    check = check_of("signal_corr_size", evidence={"is_baseline": "size"})
    assert check.state == "fail"
    assert check.sentence.startswith("The signal is the baseline size.")


@pytest.mark.parametrize(
    "baselines",
    [
        tuple(b for b in EVIDENCE.baselines if b.name != "value"),
        with_baseline("value", signal_corr=NOT_RUN, return_corr=NOT_RUN)["baselines"],
    ],
)
def test_a_skipped_baseline_is_not_run_with_its_reason(baselines: tuple[BaselineEvidence, ...]) -> None:
    changes: dict[str, Any] = {"evidence": {"baselines": baselines}, "skipped": {"value": "no column 'value'"}}
    assert compute_verdict(make_suite(**changes)).color == "incomplete"
    for name in ("signal_corr_value", "return_corr_value"):
        check = check_of(name, **changes)
        assert check.state == "not_run"
        assert check.sentence.endswith("did not run: no column 'value'.")


def test_further_baselines_of_a_suite_are_judged_too() -> None:
    config = replace(STANDARD_SUITE, baselines=(*STANDARD_SUITE.baselines, "size"))
    assert check_of("signal_corr_size", config=config).state == "not_run"


@pytest.mark.parametrize(("t_stat", "state"), [(2.0, "concern"), (2.0001, "pass"), (-5.0, "concern")])
def test_spanning_alpha(t_stat: float, state: str) -> None:
    assert check_of("spanning_alpha_t", evidence={"spanning_alpha_t": Measure(value=t_stat)}).state == state


@pytest.mark.parametrize(
    ("ic", "t_stat", "state"),
    [
        (0.08, 9.0, "pass"),
        (0.0801, 3.0001, "fail"),
        (-0.0801, -3.0001, "fail"),
        (0.0801, 3.0, "pass"),
        (0.0801, math.nan, "not_run"),
        (0.02, math.nan, "pass"),
        (math.nan, 4.0, "not_run"),
    ],
)
def test_a_leak_by_the_ic_of_the_first_holding_day(ic: float, t_stat: float, state: str) -> None:
    assert check_of("leak_ic", ic=(ic, t_stat)).state == state


@pytest.mark.parametrize(
    ("lag1", "ic", "state"),
    [(0.4, 0.06, "pass"), (0.39, 0.06, "concern"), (0.39, -0.06, "concern"), (0.39, 0.05, "not_applicable")],
)
def test_a_cliff_from_lag_0_to_lag_1(lag1: float, ic: float, state: str) -> None:
    assert check_of("cliff", sharpe=2.0, others={(1, "off"): lag1}, ic=(ic, 5.0)).state == state


def test_a_cliff_without_its_numbers_is_not_run() -> None:
    assert check_of("cliff", ic=(math.nan, math.nan)).state == "not_run"
    assert check_of("cliff", ic=(0.06, 5.0), failed={(1, "off"): "never invested"}).state == "not_run"


def test_three_full_years_are_needed() -> None:
    two = check_of("full_years", years=YEARS[:2])
    assert (two.state, two.value, two.threshold) == ("concern", 2.0, 3.0)
    assert two.sentence == "Number of full years is 2 (short history); green needs at least 3."
    assert check_of("full_years", years=YEARS[:3]).state == "pass"


@pytest.mark.parametrize(("days", "full"), [(239, 2.0), (240, 3.0)])
def test_a_full_year_has_95_percent_of_the_days_of_the_calendar(days: int, full: float) -> None:
    assert check_of("full_years", years=(*YEARS[:2], (2012, days, 0.1))).value == full


@pytest.mark.parametrize(("days", "full"), [(239, 2.0), (240, 3.0)])
def test_a_year_that_the_calendar_covers_in_part_is_not_full(days: int, full: float) -> None:
    calendar = (*CALENDAR[:2], (2012, days))
    assert check_of("full_years", years=(*YEARS[:2], (2012, days, 0.1)), calendar=calendar).value == full


@pytest.mark.parametrize(("losing", "state"), [(3, "pass"), (4, "concern")])
def test_seven_of_ten_full_years_are_positive(losing: int, state: str) -> None:
    years = tuple((year, days, -0.1 if year < 2010 + losing else ret) for year, days, ret in YEARS)
    check = check_of("positive_years", years=years)
    assert check.state == state
    assert check.value == pytest.approx(1 - losing / 10)


def test_a_part_of_a_year_and_a_flat_year_are_no_positive_years() -> None:
    years = (*YEARS[:3], (2013, 252, 0.0), (2014, 100, 0.5))
    assert check_of("positive_years", years=years).value == 0.75


def test_without_a_full_year_there_is_no_share_of_them() -> None:
    assert check_of("positive_years", years=((2010, 50, 0.1),)).state == "not_applicable"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"calendar": ()}, "the calendar's days a year are not known"),
        ({"config": replace(STANDARD_SUITE, base=BacktestConfig(slices=("overall", "cap")))}, "no results by year"),
        ({"failed": {(0, "off"): "never invested"}}, "the variant at lag 0 has no result (never invested)"),
    ],
)
def test_years_that_cannot_be_judged_are_not_run(changes: dict[str, Any], reason: str) -> None:
    for name in ("full_years", "positive_years"):
        check = check_of(name, **changes)
        assert check.state == "not_run"
        assert reason in check.sentence


@pytest.mark.parametrize(
    ("large_cap", "state"),
    [
        ((2520, 1.0, 0.0), "pass"),
        ((2520, 1.0, -0.001), "concern"),
        ((2520, 0.5, -1.0), "concern"),
        ((1260, 1.0, -1.0), "concern"),
        ((2520, 0.499, -1.0), "not_applicable"),
        ((1800, 0.6, -1.0), "not_applicable"),
        ((0, math.nan, math.nan), "not_applicable"),
        ((2520, 1.0, math.nan), "not_run"),
    ],
)
def test_large_caps_do_not_lose_where_they_are_held(large_cap: tuple[int, float, float], state: str) -> None:
    assert check_of("large_cap_sharpe", large_cap=large_cap).state == state


def test_large_caps_without_results_are_not_run() -> None:
    by_year = replace(STANDARD_SUITE, base=BacktestConfig(slices=("overall", "year")))
    assert "there are no results by cap bucket" in check_of("large_cap_sharpe", config=by_year).sentence
    assert check_of("large_cap_sharpe", failed={(0, "off"): "never invested"}).state == "not_run"


@pytest.mark.parametrize(("kind", "limit"), [("name", 0.25), ("month", 0.4), ("sector", 0.6)])
def test_the_largest_share_of_the_total_net_return(kind: str, limit: float) -> None:
    field = f"largest_{kind}_share"
    assert check_of(f"largest_{kind}", evidence={field: Measure(value=limit)}).state == "pass"
    above = check_of(f"largest_{kind}", evidence={field: Measure(value=limit + 0.01, reason="X9")})
    assert above.state == "concern"
    assert above.sentence == (
        f"Share of the total net return that the largest {kind} earned is {limit + 0.01:.0%} (X9); "
        f"green needs at most {limit:.0%}."
    )


@pytest.mark.parametrize(("turnover", "state"), [(0.25, "pass"), (0.2501, "concern")])
def test_turnover(turnover: float, state: str) -> None:
    assert check_of("turnover", turnover=turnover).state == state


def test_red_goes_before_incomplete_before_yellow_before_green() -> None:
    concern = {"spanning_alpha_t": Measure(value=1.0)}
    missing = {"largest_name_share": NOT_RUN}
    assert compute_verdict(make_suite(evidence=concern)).color == "yellow"
    assert compute_verdict(make_suite(evidence=concern | missing)).color == "incomplete"
    assert compute_verdict(make_suite(evidence=concern | missing, sharpe=0.4)).color == "red"


@pytest.mark.parametrize(
    ("changes", "decisive"),
    [
        ({"sharpe": 0.4, "turnover": 0.3}, ["net_sharpe"]),
        ({"evidence": {"largest_name_share": NOT_RUN}, "turnover": 0.3}, ["largest_name"]),
        ({"sharpe": 0.9, "turnover": 0.3}, ["net_sharpe", "turnover"]),
    ],
)
def test_the_reasons_are_the_sentences_that_decided(changes: dict[str, Any], decisive: list[str]) -> None:
    verdict = compute_verdict(make_suite(**changes))
    assert verdict.reasons == tuple(check.sentence for check in verdict.checks if check.name in decisive)


@pytest.mark.parametrize("field", [f.name for f in fields(Evidence) if f.type == Measure])
def test_evidence_that_did_not_run_never_gives_green(field: str) -> None:
    verdict = compute_verdict(make_suite(evidence={field: NOT_RUN}))
    shown_only = field in {"spanning_alpha_ann", "net_return_t"}
    assert verdict.color == ("green" if shown_only else "incomplete")


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_number_that_is_none_is_not_run(value: float | None) -> None:
    check = check_of("largest_month", evidence={"largest_month_share": Measure(value=value)})
    assert (check.state, check.value) == ("not_run", None)
    assert check.sentence.endswith("did not run: the number is undefined.")


def test_a_suite_whose_base_variant_failed_passes_nothing_of_it() -> None:
    verdict = compute_verdict(make_suite(failed={(0, "off"): "never invested"}))
    assert verdict.color == "incomplete"
    states = {check.name: check.state for check in verdict.checks}
    of_evidence = (
        "signal_corr",
        "return_corr",
        "spanning",
        "largest",
        "pre_entry",
        "survivorship",
        "deflated",
        "placebo",
    )
    of_base = [name for name in states if not name.startswith(of_evidence)]
    assert {states[name] for name in of_base} == {"not_run"}


@pytest.mark.parametrize(("deflated", "state"), [(0.95, "pass"), (0.9499, "concern")])
def test_the_deflated_sharpe_ratio_rules_out_green_and_is_never_red(deflated: float, state: str) -> None:
    evidence = {"trials": replace(EVIDENCE.trials, deflated_sharpe=Measure(value=deflated))}
    assert check_of("deflated_sharpe", evidence=evidence).state == state


def test_without_the_earlier_tries_there_is_no_judgement() -> None:
    evidence = {"trials": replace(EVIDENCE.trials, deflated_sharpe=NOT_RUN)}
    verdict = compute_verdict(make_suite(evidence=evidence))
    assert verdict.color == "incomplete"
    assert len(verdict.reasons) == 1


def test_a_limit_that_was_computed_is_written_with_four_digits() -> None:
    sentence = check_of("pre_entry_ic", ic=(0.0194789, 2.0)).sentence
    assert sentence.endswith("green needs at most 0.09739.")
