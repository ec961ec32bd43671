"""The sections of a tear sheet on how the signal predicts: information coefficient and fractiles."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from poc.engine.result import BacktestResult
from poc.reporting import charts
from poc.reporting.blocks import Block, Note, Plot, Section, facts_table, frame_table
from poc.reporting.terms import TERMS, count, fine, number, percent, written
from poc.suite.leaks import HorizonIC
from poc.suite.result import SuiteResult


def information(suite: SuiteResult, base: BacktestResult) -> Section:
    """The information coefficient over time, and by the day of the return."""
    blocks = (*_ic(base), *_horizons(suite.evidence.leaks.horizons))
    question = "How well does the signal rank returns, and for how long?"
    return Section(id="information", title="Information coefficient", question=question, blocks=blocks)


def fractiles(base: BacktestResult) -> Section:
    """Return by fractile of the signal."""
    question = "Does a higher signal earn more, all the way?"
    return Section(id="by-fractile", title="Fractiles", question=question, blocks=tuple(_fractiles(base)))


def _ic(base: BacktestResult) -> Iterator[Block]:
    ic = base.diagnostics["ic"]
    if base.ic_series.empty:
        yield Note(id="no-ic", sentences=("The information coefficient is not defined on any day.",))
        return
    yield Plot(
        id="plot-ic",
        title="Information coefficient (IC)",
        alt=f"The information coefficient averages {written(ic['mean'], TERMS['ic_mean'].write)} with a t-statistic of "
        f"{written(ic['t'], number)} over {count(ic['days'])} days.",
        figure=charts.ic_chart(base),
    )
    keys = ("mean", "std", "t", "hit_rate", "ir", "days")
    yield facts_table([(f"ic_{key}", ic[key]) for key in keys], id="ic", caption="Information coefficient")


def _horizons(horizons: Sequence[HorizonIC]) -> Iterator[Block]:
    if not horizons:
        yield Note(id="no-horizons", sentences=("The information coefficient by horizon was not computed.",))
        return
    means = {ic.day: ic.mean for ic in horizons}
    yield Plot(
        id="plot-horizons",
        title="Information coefficient by day of the return",
        alt=f"Mean IC on the first holding day {written(means.get(1), fine)}, on the last of {max(means)} days "
        f"{written(means[max(means)], fine)}, with the last return before entry {written(means.get(0), fine)}.",
        figure=charts.horizon_chart(horizons),
        note="Each bar is the return of one day alone. Bars up to 0 lie before entry and are for display: a signal may "
        "well be made of past returns.",
    )
    columns = ("horizon", "horizon_mean", "horizon_t", "ic_days")
    table = pd.DataFrame([(ic.day, ic.mean, ic.t, ic.days) for ic in horizons], columns=columns)
    caption = "Information coefficient by day of the return, as a table"
    yield replace(frame_table(table, columns, id="horizons", caption=caption), folded=True)


def _fractiles(base: BacktestResult) -> Iterator[Block]:
    table, monotonicity = base.fractile_analysis, base.diagnostics["fractile_monotonicity"]
    if table.empty or table["ret_ann"].isna().all():
        yield Note(id="no-fractiles", sentences=("No day has enough names for fractiles.",))
        return
    steps = f"{TERMS['monotonicity'].label} {written(monotonicity, number)}"
    yield Plot(
        id="plot-fractiles",
        title="Return by fractile of the signal",
        alt=f"Gross return a year of {len(table)} fractiles, from {written(table['ret_ann'].iloc[0], percent)} in the "
        f"lowest to {written(table['ret_ann'].iloc[-1], percent)} in the highest; {steps}.",
        figure=charts.fractile_chart(base),
        note=f"{steps}. {TERMS['monotonicity'].meaning}",
    )
    frame = table.rename(columns={"n": "fractile_n"})
    columns = ("fractile", "fractile_n", "ret_ann", "resret_ann")
    yield frame_table(frame, columns, id="fractiles", caption="Fractiles of the signal")
