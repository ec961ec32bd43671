"""The p-value against placebos where there is nothing to find: it should be uniform."""

import tempfile
from pathlib import Path

from benchmarks.verdict.judge import SCREEN, Row
from benchmarks.verdict.kinds import PLACEBO
from benchmarks.verdict.market import PREMIA, open_snapshot, simulate
from benchmarks.verdict.signals import nulls
from poc.engine.placing import place_signal
from poc.engine.wrapper import check_signal
from poc.suite.placebo import measure_placebos

N_PLACEBOS = 99
"""Fewer than in a suite, and as exact: p is a multiple of 1/100."""


def placebo_row(seed: int) -> Row:
    """The p-value of one signal that knows nothing in a market that pays for nothing; the seed decides which noise."""
    market = simulate(PLACEBO, seed, dict.fromkeys(PREMIA, 0.0))
    signals = list(nulls(market))
    signal = signals[seed % len(signals)]
    with tempfile.TemporaryDirectory() as root:
        catalog = open_snapshot(market, Path(root))
        checked = check_signal(signal.frame, SCREEN, catalog)
        own = place_signal(checked.clean, catalog.panel, SCREEN)
        placebo = measure_placebos(own, catalog.panel, SCREEN, count=N_PLACEBOS, n_jobs=1)
    return {"label": signal.label, "p": placebo.p_value.value, "coverage": placebo.coverage.value}
