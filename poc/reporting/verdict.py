"""The verdict: every rule, each a small function from a suite and the thresholds to its checks, in the order listed.

docs/verdict.md explains each rule to a researcher. Whatever did not run is said so and never counts as passed.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pandas as pd

from poc.reporting.verdict_question import NEVER, Bound, Condition, Question, number
from poc.reporting.verdict_types import Check, Color, State, Thresholds, Verdict
from poc.suite.config import JUDGED_LAGS, JUDGED_RESIDUALIZE, STANDARD_SUITE
from poc.suite.measure import Measure
from poc.suite.result import BaselineEvidence, SuiteResult

__all__ = ["STANDARD_THRESHOLDS", "Check", "Color", "State", "Thresholds", "Verdict", "compute_verdict"]

STANDARD_THRESHOLDS = Thresholds()


def compute_verdict(suite_result: SuiteResult, thresholds: Thresholds = STANDARD_THRESHOLDS) -> Verdict:
    """Judge a suite on the net return of its base variant (lag 0, not residualized).

    Red if a check failed; else incomplete if one did not run; else yellow if one is a concern; else green.

    Args:
        suite_result: the suite, with its evidence.
        thresholds: others than the standard ones are marked in the verdict's rules version.
    """
    checks = tuple(check for rule in _RULES for check in rule(suite_result, thresholds))
    color = _color(checks)
    return Verdict(color=color, rules_version=thresholds.label, checks=checks, reasons=_reasons(color, checks))


def _decides(color: Color, check: Check) -> bool:
    """Whether one check is enough for a color other than green."""
    return check.state == {"red": "fail", "incomplete": "not_run", "yellow": "concern"}[color]


def _color(checks: tuple[Check, ...]) -> Color:
    precedence: tuple[Color, ...] = ("red", "incomplete", "yellow")
    return next((color for color in precedence if any(_decides(color, check) for check in checks)), "green")


def _reasons(color: Color, checks: tuple[Check, ...]) -> tuple[str, ...]:
    if color != "green":
        return tuple(check.sentence for check in checks if _decides(color, check))
    passed, others = (sum(c.state == s for c in checks) for s in ("pass", "not_applicable"))
    return (f"Every check that applies passed: {passed} passed, {others} did not apply.",)


# The numbers that several rules compare. One that is not there is a Measure that says why.


def _not_run(reason: str) -> Measure:
    return Measure(status="not_run", reason=reason)


def _overall(suite: SuiteResult, column: str, *, lag: int = 0, residualize: str = "off") -> Measure:
    """A number of the overall row of one variant."""
    result = suite.variant(lag=lag, residualize=residualize)
    if result is not None:
        return Measure(value=result.overall()[column])
    table = suite.suite_summary
    rows = table[(table["kind"] == "signal") & (table["lag"] == lag) & (table["residualize"] == residualize)]
    reason = str(rows["reason"].iloc[0]) if len(rows) else "it is not in this suite"
    return _not_run(f"the variant {_variant_words(lag, residualize)} has no result ({reason.rstrip('.')})")


def _sharpe(suite: SuiteResult, lag: int = 0, residualize: str = "off") -> Measure:
    return _overall(suite, "sharpe_net", lag=lag, residualize=residualize)


def _groups(suite: SuiteResult, slice_name: str) -> pd.DataFrame:
    """The rows of one slice of the base variant; none where it was not run."""
    base = suite.variant()
    return pd.DataFrame() if base is None else base.summary_table[base.summary_table["slice"] == slice_name]


def _kept(suite: SuiteResult, sharpe: Measure, t: Thresholds) -> Measure:
    """The share of the base variant's net Sharpe ratio that another net Sharpe ratio keeps."""
    base = _sharpe(suite)
    if math.isnan(number(base)):
        return _not_run(base.reason or "the base net Sharpe ratio is undefined")
    if math.isnan(number(sharpe)):
        return sharpe
    if number(base) < t.retention_base_sharpe:
        reason = f"it is judged from a base net Sharpe ratio of {t.retention_base_sharpe:.2f} on"
        return Measure(status="not_applicable", reason=reason)
    return replace(sharpe, value=number(sharpe) / number(base))


def _first_day_ic(suite: SuiteResult, key: str) -> Measure:
    """The size of a number of the base variant's information coefficient on the first holding day."""
    base = suite.variant()
    return _sharpe(suite) if base is None else _size(Measure(value=base.diagnostics["ic"][key]))


def _size(measure: Measure) -> Measure:
    return measure if measure.value is None else replace(measure, value=abs(measure.value))


def _variant_words(lag: int, residualize: str) -> str:
    return f"at lag {lag}" + ("" if residualize == "off" else f" with {residualize} taken out of the signal")


# The rules.


def _net_sharpe(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    red, green = Bound("less than", t.red_sharpe), Bound("more than", t.green_sharpe)
    question = Question(name="net_sharpe", title="net Sharpe ratio", red=red, green=green)
    yield question.judge(_sharpe(suite))


def _retention(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    """Half of the base net Sharpe ratio is kept, whatever is changed; if it is gone a day later, that is red."""
    changes = [
        (f"lag{lag}_{residualize}", _variant_words(lag, residualize), _sharpe(suite, lag, residualize))
        for residualize, lag in product(JUDGED_RESIDUALIZE, JUDGED_LAGS)
        if (lag, residualize) != (0, "off")
    ]
    changes += [
        ("styles", "without style exposures", suite.evidence.style_residualized_sharpe_net),
        ("small_caps", "without small caps", suite.evidence.without_small_caps_sharpe_net),
    ]
    for name, change, sharpe in changes:
        yield Question(
            name=f"retention_{name}",
            title=f"share of the base net Sharpe ratio kept {change}",
            red=Bound("less than", t.retention) if name == "lag1_off" else NEVER,
            green=Bound("at least", t.retention),
            unit="share",
        ).judge(_kept(suite, sharpe, t))


def _cliff(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    """A leak or a very fast signal loses nearly everything by waiting a day."""
    title = "share of the base net Sharpe ratio lost from lag 0 to lag 1"
    question = Question(name="cliff", title=title, green=Bound("at most", t.cliff_drop), unit="share")
    ic, kept = _first_day_ic(suite, "mean"), _kept(suite, _sharpe(suite, 1, "off"), t)
    if number(ic) > t.cliff_ic:
        yield question.judge(kept if kept.value is None else replace(kept, value=1 - kept.value))
    elif math.isnan(number(ic)):
        yield question.judge(_not_run(ic.reason or "the mean IC is undefined"))
    else:
        reason = f"the absolute mean IC is {number(ic):.3f}, and a cliff is judged above {t.cliff_ic:g}"
        yield question.judge(Measure(status="not_applicable", reason=reason))


def _clones(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    """The signal is no baseline in disguise. Every suite answers for the standard baselines, run or not."""
    known = {baseline.name: baseline for baseline in suite.evidence.baselines}
    same = [suite.evidence.is_baseline] if suite.evidence.is_baseline else []
    for name in dict.fromkeys((*STANDARD_SUITE.baselines, *suite.config.baselines, *known, *same)):
        missing = _not_run(suite.skipped_baselines.get(name, "the baseline was not run"))
        baseline = BaselineEvidence(name=name, signal_corr=missing, return_corr=missing)
        if name in known and name not in suite.skipped_baselines:
            baseline = known[name]
        by_signal = Question(
            name=f"signal_corr_{name}",
            title=f"absolute rank correlation of the signal with {name}",
            red=Bound("at least", t.clone_signal_corr),
            green=Bound("less than", t.similar_signal_corr),
        ).judge(_size(baseline.signal_corr))
        if name in same:
            sentence = f"The signal is the baseline {name}. {by_signal.sentence}"
            by_signal = replace(by_signal, state="fail", sentence=sentence)
        yield by_signal
        alpha = suite.evidence.spanning_alpha_t
        yield Question(
            name=f"return_corr_{name}",
            title=f"absolute correlation of daily returns with {name}",
            red=Bound("at least", t.clone_return_corr),
            red_if=Condition(title="the spanning alpha's t", bound=Bound("less than", t.spanning_t), measure=alpha),
        ).judge(_size(baseline.return_corr))


def _spanning(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    title = "t statistic of the net return that the baselines do not explain"
    question = Question(name="spanning_alpha_t", title=title, green=Bound("more than", t.spanning_t))
    yield question.judge(suite.evidence.spanning_alpha_t)


def _leak(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    """No honest daily signal ranks the next day's returns this well."""
    yield Question(
        name="leak_ic",
        title="absolute mean IC of the first holding day",
        red=Bound("more than", t.leak_ic),
        red_if=Condition(title="its |t|", bound=Bound("more than", t.leak_t), measure=_first_day_ic(suite, "t")),
    ).judge(_first_day_ic(suite, "mean"))


def _probes(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    """The signal knows nothing of the days before its entry, and covers no more of the survivors than of the others."""
    leaks, first_day = suite.evidence.leaks, number(_first_day_ic(suite, "mean"))
    usual = 0.0 if math.isnan(first_day) else t.pre_entry_ic_multiple * first_day
    yield Question(
        name="pre_entry_ic",
        title="absolute mean IC before entry",
        red=Bound("more than", t.pre_entry_ic_red),
        green=Bound("at most", max(t.pre_entry_ic_yellow, usual)),
    ).judge(_size(leaks.pre_entry_ic))
    rate = Condition(
        title="the rate at which covered names leave, to that of uncovered ones,",
        bound=Bound("less than", t.survivorship_rate),
        measure=leaks.survivorship_rate,
    )
    yield Question(
        name="survivorship_probe",
        title="p-value that covered and uncovered names leave alike",
        red=Bound("less than", t.survivorship_p),
        red_if=rate,
    ).judge(leaks.survivorship_p)


def _luck(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    """Neither the number of tries nor a signal that knows nothing explains the result."""
    yield Question(
        name="deflated_sharpe",
        title="deflated Sharpe ratio",
        green=Bound("at least", t.deflated_sharpe),
    ).judge(suite.evidence.trials.deflated_sharpe)
    yield Question(
        name="placebo",
        title="p-value against placebo signals",
        green=Bound("at most", t.placebo_p),
    ).judge(suite.evidence.placebo.p_value)


def _years(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    """Most full years are positive. Full: 95% of the calendar's days, in a year that the calendar covers whole."""
    enough, positive = Bound("at least", t.full_years), Bound("at least", t.positive_years)
    history = Question(name="full_years", title="number of full years", green=enough, unit="count")
    title = "share of full years with a positive net return"
    gains = Question(name="positive_years", title=title, green=positive, unit="share")
    years, calendar = _groups(suite, "year"), dict(suite.snapshot.calendar_days)
    if years.empty or not calendar:
        reason = "there are no results by year" if years.empty else "the calendar's days a year are not known"
        missing = _not_run(_sharpe(suite).reason or reason)
        yield from (history.judge(missing), gains.judge(missing))
        return
    of_calendar = years["group"].astype(int).map(calendar)
    is_whole = of_calendar >= t.full_year_days * max(calendar.values())
    full = years[is_whole & (years["num_days"] >= t.full_year_days * of_calendar)]
    yield history.judge(Measure(value=len(full), reason="" if enough.holds(len(full)) else "short history"))
    none = Measure(status="not_applicable", reason="there is no full year")
    yield gains.judge(Measure(value=float((full["ret_net_ann"] > 0).mean())) if len(full) else none)


def _large_cap(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    """The names that can be traded in size do not lose money, where they are held on half of the days."""
    bound = Bound("at least", t.large_cap_sharpe)
    question = Question(name="large_cap_sharpe", title="net Sharpe ratio within Large Cap", green=bound)
    caps = _groups(suite, "cap")
    if caps.empty:
        yield question.judge(_not_run(_sharpe(suite).reason or "there are no results by cap bucket"))
        return
    large = caps[caps["group"] == "Large Cap"].iloc[0]
    invested = large["num_days"] * large["invested_share"] if large["num_days"] else 0
    share = invested / number(_overall(suite, "num_days"))
    reason = f"it is invested on {share:.0%} of the days, and judged from {t.large_cap_days:.0%} on"
    rare = Measure(status="not_applicable", reason=reason)
    yield question.judge(rare if share < t.large_cap_days else Measure(value=large["sharpe_net"]))


def _shares(suite: SuiteResult, t: Thresholds) -> Iterator[Check]:
    e = suite.evidence
    total = "share of the total net return that the largest"
    for name, title, limit, measure in (
        ("largest_name", f"{total} name earned", t.largest_name, e.largest_name_share),
        ("largest_month", f"{total} month earned", t.largest_month, e.largest_month_share),
        ("largest_sector", f"{total} sector earned", t.largest_sector, e.largest_sector_share),
        ("turnover", "one-way share of the book traded on an average day", t.turnover, _overall(suite, "turnover")),
    ):
        yield Question(name=name, title=title, green=Bound("at most", limit), unit="share").judge(measure)


_RULES = (
    _net_sharpe,
    _retention,
    _cliff,
    _clones,
    _spanning,
    _leak,
    _probes,
    _luck,
    _years,
    _large_cap,
    _shares,
)
