"""Section D of a tear sheet: how close the signal is to known ones."""

from collections.abc import Iterator

import pandas as pd

from poc.engine.result import BacktestResult
from poc.reporting import charts
from poc.reporting.blocks import Block, Cell, Note, Plot, Section, Table, cell, frame_table, head
from poc.reporting.measures import measured, measures_blocks, variants_table, why_not
from poc.reporting.terms import NO_NUMBER, TERMS, number, written
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult


def uniqueness(suite: SuiteResult, base: BacktestResult | None) -> Section:
    """D: how close it is to known signals and styles."""
    blocks: list[Block] = list(_baselines(suite))
    if base is not None:
        blocks += _exposures(base)
    question = "Is it something that is not already known?"
    return Section(letter="D", id="uniqueness", title="Uniqueness", question=question, blocks=tuple(blocks))


def _baselines(suite: SuiteResult) -> Iterator[Block]:
    evidence = suite.evidence
    if evidence.baselines:
        rows = tuple(
            (
                Cell(text=one.name),
                _measure_cell(one.signal_corr, "signal_corr"),
                _measure_cell(one.return_corr, "return_corr"),
            )
            for one in evidence.baselines
        )
        columns = tuple(head(key) for key in ("baseline", "signal_corr", "return_corr"))
        yield Table(id="correlations", caption="Correlation to baselines", head=columns, rows=rows)
        keys = ("spanning_alpha_ann", "spanning_alpha_t")
        yield from measures_blocks(suite, keys, id="spanning", caption="What the baselines do not explain")
        incremental = {"incremental_ic": evidence.incremental.ic, "incremental_ic_t": evidence.incremental.ic_t}
        yield from measured(incremental, id="incremental", caption="Ranking that the baselines do not explain")
        yield from _sharpe_differences(suite)
        yield from _baseline_returns(suite)
    else:
        yield Note(id="no-baselines", sentences=("No baseline was run, so nothing can be said about likeness to one.",))
    if suite.skipped_baselines:
        sentences = tuple(f"{name}: {reason}" for name, reason in suite.skipped_baselines.items())
        yield Note(id="skipped-baselines", title="Baselines not run", sentences=sentences)


def _sharpe_differences(suite: SuiteResult) -> Iterator[Block]:
    """The net Sharpe ratio of the signal less that of each baseline, with its interval."""
    keys = ("sharpe_difference", "sharpe_difference_low", "sharpe_difference_high", "sharpe_difference_p")
    rows = tuple(
        (
            Cell(text=one.name),
            *(
                _measure_cell(measure, key)
                for key, measure in zip(keys, (one.difference, one.low, one.high, one.p_value), strict=True)
            ),
        )
        for one in suite.evidence.sharpe_differences
    )
    if rows:
        columns = tuple(head(key) for key in ("baseline", *keys))
        yield Table(id="sharpe-differences", caption="Net Sharpe less that of each baseline", head=columns, rows=rows)


def _baseline_returns(suite: SuiteResult) -> Iterator[Block]:
    chosen = suite.suite_summary[suite.suite_summary["key"] == suite.base_config().key]
    if (chosen["kind"] == "baseline").any():
        columns = ("name", "sharpe_net", "sharpe", "ret_net_ann", "ret_ann", "max_drawdown", "turnover", "ic_mean")
        yield variants_table(chosen, columns, id="baselines", caption="The signal beside the baselines")


def _measure_cell(measure: Measure, key: str) -> Cell:
    return cell(measure.value, TERMS[key]) if measure.status == "ok" else Cell(text=NO_NUMBER, meaning=why_not(measure))


def _exposures(base: BacktestResult) -> Iterator[Block]:
    styles = [style for style in charts.style_columns(base.daily_series) if base.daily_series[style].notna().any()]
    if not styles:
        yield Note(id="no-exposures", sentences=("The snapshot has no style exposures.",))
        return
    overall = base.overall()
    largest = max(styles, key=lambda style: abs(overall[style]))
    yield Plot(
        id="plot-exposures",
        title="Style exposures of the book, means of each month",
        alt=f"Exposures to {', '.join(styles)}; the largest on average is {largest}, "
        f"{written(overall[largest], number)}.",
        figure=charts.exposure_chart(base),
    )
    table = pd.DataFrame({"style": styles, "exposure": [overall[style] for style in styles]})
    yield frame_table(table, ("style", "exposure"), id="exposures", caption="Style exposures")
