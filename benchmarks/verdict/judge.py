"""Judge the signals of one market as `poc run` would, a row a signal."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.verdict.calibrate import BASELINE_OF
from benchmarks.verdict.kinds import Kind
from benchmarks.verdict.market import PREMIA, open_snapshot, simulate
from benchmarks.verdict.signals import WORLDS, ZooSignal, family, zoo
from poc.contract.schema import ValidationResult
from poc.data.catalog import DataCatalog
from poc.engine.formation import form_books
from poc.engine.holding import hold
from poc.engine.placing import place_signal
from poc.engine.result import BacktestResult
from poc.engine.wrapper import check_signal, evaluate_books
from poc.reporting.verdict import STANDARD_THRESHOLDS, Verdict, compute_verdict
from poc.stats.newey_west import newey_west_t
from poc.stats.sharpe import sharpe_ratio
from poc.suite.config import STANDARD_SUITE
from poc.suite.measure import Measure
from poc.suite.placebo import measure_placebos
from poc.suite.result import SuiteResult
from poc.suite.runner import BaselineRuns, run_baselines, run_checked_suite
from poc.suite.trials import EarlierTrials, Trial, with_trials

Row = dict[str, Any]
SUITE = replace(STANDARD_SUITE, placebos=0, report_evidence=False)
"""Without what is shown and not judged; placebos are run afterwards, and only where they decide."""
STANDS_OUT = ("fail", "concern", "not_run")
SCREEN = replace(SUITE.base_variant(), slices=("overall",))


def judge_market(kind: Kind, world: str, seed: int, premia: dict[str, float]) -> list[Row]:
    """A row a signal of the zoo, and one for the best of each family of noise.

    Args:
        world: which of the premia are paid, as in `WORLDS`.
    """
    paid = {name: premia[name] if name in (*WORLDS[world], *BASELINE_OF) else 0.0 for name in PREMIA}
    market = simulate(kind, seed, paid)
    families = range(kind.families if world == "quiet" else 0)
    with tempfile.TemporaryDirectory() as root:
        bench = Bench(open_snapshot(market, Path(root)))
        rows = [bench.judge(signal) for signal in zoo(world, market, bench.catalog.panel)]
        rows += [bench.judge_best(family(market, number)) for number in families]
    return [{"kind": kind.name, "years": kind.n_years, "seed": seed} | row for row in rows]


class Bench:
    """One market, opened; its baselines are run once for the signals that are live on the same days."""

    def __init__(self, catalog: DataCatalog) -> None:
        self.catalog = catalog
        self._baselines: dict[Any, BaselineRuns] = {}

    def judge(self, signal: ZooSignal, earlier_sharpes: tuple[float, ...] = ()) -> Row:
        """The verdict on a signal.

        Below the red threshold of the net Sharpe ratio nothing else can change the color, and nothing else is run.

        Args:
            earlier_sharpes: daily Sharpe ratios of the earlier tries of its family.
        """
        checked = check_signal(signal.frame, SUITE.base, self.catalog)
        screen = self.run_base(checked)
        row = {"class": signal.zoo_class, "label": signal.label, "planted": signal.planted} | _numbers(screen)
        if screen.overall()["sharpe_net"] < STANDARD_THRESHOLDS.red_sharpe:
            return row | {"color": "red", "decided_by": ["net_sharpe"], "checks": {}}
        suite = self._run_suite(checked)
        suite = with_trials(suite, EarlierTrials(trials=_trials(earlier_sharpes)))
        verdict = compute_verdict(suite)
        stands_out = [check.name for check in verdict.checks if check.state in STANDS_OUT]
        if stands_out == ["placebo"]:
            return row | _judgement(compute_verdict(self._with_placebos(suite, checked)))
        hopeless = replace(suite.evidence.placebo, p_value=Measure.of(1.0))  # what they would say decides nothing
        return row | _judgement(compute_verdict(replace(suite, evidence=replace(suite.evidence, placebo=hopeless))))

    def judge_best(self, signals: list[ZooSignal]) -> Row:
        """The verdict on the best of some signals, the others of which are earlier tries of its family."""
        results = [self.run_base(check_signal(signal.frame, SUITE.base, self.catalog)) for signal in signals]
        sharpes = [sharpe_ratio(result.daily_series["ret_net"], days_per_year=1) for result in results]
        best = int(np.argmax(sharpes))
        return self.judge(signals[best], tuple(np.delete(sharpes, best)))

    def run_base(self, checked: ValidationResult) -> BacktestResult:
        """The base variant without slices."""
        panel = self.catalog.panel
        formation = form_books(place_signal(checked.clean, panel, SCREEN), panel, SCREEN)
        (held,) = hold(formation, [SCREEN], panel)
        return evaluate_books(formation, held, SCREEN, panel, checked.ledger)

    def _run_suite(self, checked: ValidationResult) -> SuiteResult:
        days = tuple(
            f(checked.clean[column]) for column in ("date_sig", "date_avail") for f in (pl.Series.min, pl.Series.max)
        )
        if days not in self._baselines:
            self._baselines[days] = run_baselines(checked, self.catalog, SUITE, n_jobs=1)
        return run_checked_suite(
            checked,
            self.catalog,
            SUITE,
            include_baselines=True,
            n_jobs=1,
            signal_name="zoo",
            progress=None,
            baseline_runs=self._baselines[days],
        )

    def _with_placebos(self, suite: SuiteResult, checked: ValidationResult) -> SuiteResult:
        panel = self.catalog.panel
        own = place_signal(checked.clean, panel, SCREEN)
        placebo = measure_placebos(own, panel, SCREEN, count=STANDARD_SUITE.placebos, n_jobs=1)
        return replace(suite, evidence=replace(suite.evidence, placebo=placebo))


def _trials(sharpes: tuple[float, ...]) -> tuple[Trial, ...]:
    return tuple(Trial(run_id=str(k), signal_hash=str(k), sharpe=s, why="family") for k, s in enumerate(sharpes))


def _numbers(base: BacktestResult) -> Row:
    overall, ic = base.overall(), base.diagnostics["ic"]
    return {
        "sharpe_net": float(overall["sharpe_net"]),
        "sharpe": float(overall["sharpe"]),
        "turnover": float(overall["turnover"]),
        "gross_t": newey_west_t(base.daily_series["ret"]),
        "ic": ic["mean"],
        "ic_t": ic["t"],
    }


def _judgement(verdict: Verdict) -> Row:
    stands_out = [check.name for check in verdict.checks if check.state in STANDS_OUT]
    return {
        "color": verdict.color,
        "decided_by": [name for name in stands_out if name != "placebo"] or stands_out,
        "checks": {check.name: [check.state, check.value] for check in verdict.checks},
    }
