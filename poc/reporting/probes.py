"""Section E of a tear sheet: whether luck or a leak explains the result."""

from collections.abc import Iterator

import numpy as np

from poc.reporting import charts
from poc.reporting.blocks import Block, Note, Plot, Section, facts_table
from poc.reporting.measures import measured, why_not
from poc.reporting.terms import count, fine, number, written
from poc.suite.result import SuiteResult


def trust(suite: SuiteResult) -> Section:
    """E: where the signal stands among placebos, and what the leak probes found."""
    question = "Could it be luck, or a look at the future?"
    blocks = (*_placebos(suite), *_leaks(suite))
    return Section(letter="E", id="trust", title="Luck and leaks", question=question, blocks=blocks)


def _placebos(suite: SuiteResult) -> Iterator[Block]:
    placebo = suite.evidence.placebo
    if placebo.p_value.value is None:
        yield Note(id="no-placebos", title="Placebos", sentences=(f"Placebos: {why_not(placebo.p_value)}",))
        return
    n = len(placebo.sharpes_net)
    sharpes = [value for value in placebo.sharpes_net if value is not None]
    if sharpes:
        yield Plot(
            id="plot-placebos",
            title="The signal among placebos",
            alt=f"Net Sharpe of the signal {written(placebo.sharpe_net, number)}; {count(n)} placebos reach "
            f"{written(max(sharpes), number)} at best. Empirical p-value {fine(placebo.p_value.value)}.",
            figure=charts.placebo_chart(placebo),
            note="A placebo is the signal with the identities of the names permuted: as persistent, without knowledge.",
        )
    facts = [
        ("placebo_p", placebo.p_value.value),
        ("sharpe_net", placebo.sharpe_net),
        ("placebo_median", np.median(sharpes) if sharpes else None),
        ("placebo_best", max(sharpes, default=None)),
        ("placebo_count", n),
        ("placebo_coverage", placebo.coverage.value),
    ]
    yield facts_table(facts, id="placebos", caption="Placebos")


def _leaks(suite: SuiteResult) -> Iterator[Block]:
    leaks = suite.evidence.leaks
    keys = ("pre_entry_ic", "survivorship_p", "survivorship_rate", "same_day_share")
    yield from measured({key: getattr(leaks, key) for key in keys}, id="leaks", caption="Leak probes")
    yield from _cliff(suite)


def _cliff(suite: SuiteResult) -> Iterator[Block]:
    """What waiting a day costs; none where either variant has no result."""
    base, later = suite.variant(), suite.variant(lag=1)
    if base is None or later is None:
        return
    sharpe, kept = base.overall()["sharpe_net"], later.overall()["sharpe_net"]
    lost = 1 - kept / sharpe if sharpe > 0 else None
    facts = [("sharpe_lag0", sharpe), ("sharpe_lag1", kept), ("lag1_lost", lost)]
    yield facts_table(facts, id="cliff", caption="From lag 0 to lag 1")
