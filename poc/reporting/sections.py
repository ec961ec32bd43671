"""Sections A and B of a tear sheet as blocks. A part that was not computed is a sentence, never an empty frame."""

from collections.abc import Iterator

import pandas as pd

from poc.engine.result import BacktestResult
from poc.reporting import charts
from poc.reporting.blocks import (
    Block,
    Cell,
    Head,
    Note,
    Plot,
    Section,
    Table,
    cell,
    facts_table,
    frame_table,
    head,
    heat_table,
)
from poc.reporting.measures import base_baselines, measured, variants_table, why_not
from poc.reporting.stability import GROUP_COLUMNS, stability_blocks
from poc.reporting.terms import TERMS, day, number, percent, written
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult
from poc.suite.stability import Stability

SLICE_TITLES = {
    "year": "calendar year", "cap": "size bucket", "capyr": "size bucket and year", "insample": "sample",
}  # fmt: skip
OWN_SERIES = ("cap", "sector")
"""Slices whose groups are portfolios of their own, and few enough for a plot of lines."""
VARIANT_COLUMNS = (
    "lag", "residualize", "tc_model", "weight", "sharpe_net", "sharpe", "ret_net_ann", "ret_ann", "max_drawdown",
    "turnover", "ic_mean",
)  # fmt: skip
RETURN_KINDS = {
    "net": ("ret_net_ann", "sharpe_net"),
    "gross": ("ret_ann", "sharpe"),
    "residual": ("resret_ann", "sharpe_resret"),
}
RISK_FACTS = ("ret_std", "max_drawdown", "worst_month", "hit_rate", "skew", "beta", "num_days")


def headline(suite: SuiteResult, base: BacktestResult | None) -> Section:
    """A: what the base variant earns, and every variant beside it."""
    blocks: list[Block] = []
    variants = suite.suite_summary[suite.suite_summary["kind"] == "signal"]
    if base is None:
        blocks.append(_no_base(suite, variants))
    else:
        risk = [(key, base.overall()[key]) for key in RISK_FACTS]
        blocks += [_cumulative(suite, base), _returns(base)]
        blocks.append(facts_table(risk, id="risk", caption="Risk of the base variant"))
    blocks.append(_best(variants, suite.evidence.trials.best_deflated_sharpe))
    blocks.append(variants_table(variants, VARIANT_COLUMNS, id="variants", caption="Every variant of the signal"))
    return Section(letter="A", id="headline", title="Headline", question="What does it earn?", blocks=tuple(blocks))


def robustness(suite: SuiteResult, base: BacktestResult | None) -> Section:
    """B: net Sharpe over the grid, by year and by slice, and what the result hangs on."""
    blocks: list[Block] = list(_grids(suite))
    if base is not None:
        for name in base.config.slices[1:]:
            blocks += _slice_blocks(base, name)
    blocks += stability_blocks(suite, base)
    keys = (
        "style_residualized_sharpe_net", "without_small_caps_sharpe_net", "largest_name_share", "largest_month_share",
        "largest_sector_share",
    )  # fmt: skip
    hangs_on = {key: getattr(suite.evidence, key) for key in keys}
    if isinstance(suite.evidence.stability, Stability):
        hangs_on["largest_day_share"] = suite.evidence.stability.largest_day_share
    blocks += measured(hangs_on, id="dependence", caption="What the net return hangs on")
    question = "Does it survive delay, other choices and other times?"
    return Section(letter="B", id="robustness", title="Robustness", question=question, blocks=tuple(blocks))


def _no_base(suite: SuiteResult, variants: pd.DataFrame) -> Note:
    key = suite.base_config().key
    reasons = variants.loc[variants["key"] == key, "reason"]
    reason = reasons.iloc[0] if len(reasons) else "It is not in the grid of this suite."
    title = "No base variant"
    return Note(id="no-base", title=title, sentences=(f"The base variant {key} has no result. {reason}",))


def _best(variants: pd.DataFrame, deflated: Measure) -> Note:
    done = variants[variants["sharpe_net"].notna()]
    if done.empty:
        return Note(id="best", title="Best variant", sentences=("No variant has a net Sharpe ratio.",))
    best = done.sort_values("sharpe_net", kind="stable", ascending=False).iloc[0]
    sentence = (
        f"Lag {best['lag']}, {best['residualize']}, {best['tc_model']}: net Sharpe "
        f"{written(best['sharpe_net'], number)}. It is the best of {len(variants)} and not judged: the best of several "
        "looks better than it is. The verdict is on the base variant."
    )
    chance = f"{percent(deflated.value)}." if deflated.value is not None else why_not(deflated)
    sentence += f" Its Sharpe ratio, deflated for all variants and the earlier tries: {chance}"
    return Note(id="best", title=f"Best of {len(variants)} variants", sentences=(sentence,))


def _returns(base: BacktestResult) -> Table:
    """Return and Sharpe of the base variant: net, gross, and on residual returns where the snapshot has them."""
    overall = base.overall()
    rows = tuple(
        (Cell(text=kind, meaning=TERMS[keys[0]].meaning), *(cell(overall[key], TERMS[key]) for key in keys))
        for kind, keys in RETURN_KINDS.items()
        if not pd.isna(overall[keys[0]])
    )
    columns = (head("return_kind"), head("return_year"), head("return_sharpe"))
    return Table(id="base", caption="Return of the base variant (lag 0, off)", head=columns, rows=rows)


def _cumulative(suite: SuiteResult, base: BacktestResult) -> Plot:
    daily, baselines = base.daily_series, base_baselines(suite)
    last = daily.iloc[-1]
    beside = f" Beside it the net returns of {', '.join(baselines)}." if baselines else ""
    return Plot(
        id="plot-cumulative",
        title="Cumulative return, gross and net, and drawdown",
        alt=f"From {day(daily['date'].iloc[0])} to {day(last['date'])} the base variant earned "
        f"{written(last['cumret_net'], percent)} net and {written(last['cumret'], percent)} gross, with a deepest "
        f"drawdown of {written(daily['drawdown'].min(), percent)}.{beside}",
        figure=charts.cumulative_chart(base, baselines=baselines),
        note="Sums of daily returns on fixed notional, not compounded.",
        wide=True,
    )


def _grids(suite: SuiteResult) -> Iterator[Table]:
    """A heat map table a cost model: net Sharpe of lag by residualization."""
    summary = suite.suite_summary
    for tc_model in suite.config.tc_models:
        variants = summary[(summary["kind"] == "signal") & (summary["tc_model"] == tc_model)]
        grid = variants.pivot(index="residualize", columns="lag", values="sharpe_net")
        grid = grid.reindex(index=list(suite.config.residualize), columns=list(suite.config.lags))
        lags = [Head(label=f"Lag {lag}", meaning=TERMS["lag"].meaning, numeric=True) for lag in grid.columns]
        caption = f"Net Sharpe by lag and residualization, {tc_model} cost"
        yield heat_table(grid, head("residualize"), lags, id=f"grid-{tc_model}", caption=caption)


def _slice_blocks(base: BacktestResult, name: str) -> Iterator[Block]:
    title = SLICE_TITLES.get(name, name)
    table = base.summary_table[base.summary_table["slice"] == name]
    invested = table[table["num_days"] > 0]
    if invested.empty:
        yield Note(id=f"no-{name}", sentences=(f"No {title} has an invested day.",))
        return
    ranked = invested.sort_values("ret_net_ann")
    worst, best = ranked.iloc[0], ranked.iloc[-1]
    yield Plot(
        id=f"plot-{name}",
        title=f"Return by {title}",
        alt=f"Net return a year in {len(invested)} groups, from {written(worst['ret_net_ann'], percent)} "
        f"({worst['group']}) to {written(best['ret_net_ann'], percent)} ({best['group']}).",
        figure=charts.slice_chart(base, name),
        wide=name not in OWN_SERIES,
    )
    if name in OWN_SERIES:
        yield Plot(
            id=f"plot-{name}-series",
            title=f"Cumulative net return by {title}",
            alt=f"Cumulative net return of {len(invested)} groups; the table by {title} holds their numbers.",
            figure=charts.slice_series_chart(base, name),
        )
    yield frame_table(table, GROUP_COLUMNS, id=f"by-{name}", caption=f"By {title}", wide=True)
