"""The plots of a result, for every report alike: a result goes in, a Plotly figure comes out."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from poc.engine.result import BacktestResult
from poc.reporting.plot_parts import (
    BLUE,
    COLORS,
    GREEN,
    GREY,
    PERCENT_TICKS,
    PURPLE,
    VERMILION,
    bar_trace,
    compact,
    layout,
    line_look,
    line_trace,
    marker_trace,
    monthly_means,
    panels,
)
from poc.suite.leaks import HorizonIC
from poc.suite.placebo import Placebo

IC_WINDOW = 252
"""Days of the rolling mean in `ic_chart`: about a year."""
PLACEBO_BINS = 24

SERIES_COLUMNS = (
    "date", "ret", "ret_net", "resret", "ret_long", "ret_short", "cost", "turnover", "cumret", "cumret_net", "drawdown",
    "n_long", "n_short", "missing_return_share", "ret_market", "ret_active",
    "ret_benchmark",
)  # fmt: skip
"""Columns of `daily_series` that are not style exposures."""


class HasSeries(Protocol):
    """A result with its daily series: a `BacktestResult`, or one that was read back from a file."""

    @property
    def daily_series(self) -> pd.DataFrame:
        """A row a day."""
        ...


class HasTables(Protocol):
    """A result with its tables: a `BacktestResult`, or one that was read back from a file."""

    @property
    def summary_table(self) -> pd.DataFrame:
        """A row a group of each slice."""
        ...

    @property
    def fractile_analysis(self) -> pd.DataFrame:
        """A row a fractile."""
        ...


def style_columns(daily: pd.DataFrame) -> list[str]:
    """The style exposures among the columns of a `daily_series`."""
    return [column for column in daily.columns if column not in SERIES_COLUMNS]


def cumulative_chart(
    result: HasSeries, *, baselines: Mapping[str, HasSeries] | None = None, log_scale: bool = False
) -> go.Figure:
    """Cumulative net and gross return over the drawdown of net; the net return of each baseline is laid over it.

    With `log_scale` it is one plus the cumulative return that is shown, so that equal ratios are equal heights.
    """
    base = 1 if log_scale else 0
    daily = result.daily_series
    figure = panels(height=460 + 16 * len(baselines or {}), shares=(0.7, 0.3))
    for place, (name, baseline) in enumerate((baselines or {}).items()):
        series, look = baseline.daily_series, line_look(place, COLORS[1:])
        figure.add_trace(line_trace(series["date"], base + series["cumret_net"], f"{name}, net", **look), row=1, col=1)
    if "ret_market" in daily:
        figure.add_trace(
            line_trace(daily["date"], base + daily["ret_market"].cumsum(), "market", color=GREY), row=1, col=1
        )
    gross = line_trace(daily["date"], base + daily["cumret"], "gross", color=BLUE, dash="dot", width=1.4)
    figure.add_trace(gross, row=1, col=1)
    figure.add_trace(line_trace(daily["date"], base + daily["cumret_net"], "net", color=BLUE, width=2.4), row=1, col=1)
    drawdown = line_trace(daily["date"], daily["drawdown"], "drawdown of net", color=VERMILION, fill="tozeroy", width=1)
    figure.add_trace(drawdown, row=2, col=1)
    figure.update_traces(showlegend=False, row=2)
    figure.update_layout(legend={"traceorder": "reversed"})  # net was drawn last, to lie on top
    figure.update_yaxes(title_text="cumulative return", tickformat=PERCENT_TICKS, row=1, col=1)
    if log_scale:
        figure.update_yaxes(title_text="1 + cumulative return", type="log", row=1, col=1)
    figure.update_yaxes(title_text="drawdown", tickformat=PERCENT_TICKS, row=2, col=1)
    return figure


def comparison_chart(net: pd.DataFrame) -> go.Figure:
    """Cumulative net returns of several runs over the cumulative difference of each further one from the first.

    Args:
        net: `date`, then a column of daily net returns a run, on the same days.
    """
    first, *others = [str(column) for column in net.columns if column != "date"]
    figure = panels(height=480, shares=(0.6, 0.4))
    for place, name in enumerate((first, *others)):
        line = line_trace(net["date"], net[name].cumsum(), name, **line_look(place))
        figure.add_trace(line, row=1, col=1)
    for place, name in enumerate(others, start=1):
        difference = (net[name] - net[first]).cumsum()
        figure.add_trace(line_trace(net["date"], difference, f"{name} less {first}", **line_look(place)), row=2, col=1)
    figure.update_traces(showlegend=False, row=2)
    figure.update_yaxes(title_text="cumulative net return", tickformat=PERCENT_TICKS, row=1, col=1)
    figure.update_yaxes(title_text="difference", tickformat=PERCENT_TICKS, row=2, col=1)
    return figure


def coverage_chart(coverage: pd.DataFrame) -> go.Figure:
    """Securities a day of a snapshot, from `DataCatalog.coverage`: those that traded, and those in the universe."""
    figure = layout(go.Figure(), height=300)
    for place, name in enumerate(column for column in coverage.columns if column != "date"):
        figure.add_trace(line_trace(coverage["date"], coverage[name], str(name), hover="%{y:,.0f}", **line_look(place)))
    figure.update_yaxes(title_text="securities", rangemode="tozero")
    return figure


def capacity_chart(curve: pd.DataFrame) -> go.Figure:
    """Net Sharpe and net return a year by the size of the book, with the band of the halved and doubled coefficient.

    Args:
        curve: `gmv`, `coefficient` (0.5, 1 or 2), `ret_net_ann`, `sharpe_net`, as in `Capacity`.
    """
    figure = panels(height=380, shares=(0.5, 0.5))
    names = {2.0: "impact doubled", 0.5: "impact halved", 1.0: "power law"}
    for row, (column, hover) in enumerate((("sharpe_net", "%{y:.2f}"), ("ret_net_ann", "%{y:.1%}")), start=1):
        for coefficient, name in names.items():
            points = curve[curve["coefficient"] == coefficient]
            middle = coefficient == 1
            line = go.Scatter(
                x=points["gmv"],
                y=compact(points[column]),
                name=name,
                mode="lines+markers" if middle else "lines",
                line={"color": BLUE, "width": 2.4 if middle else 0.8, "dash": "solid" if middle else "dot"},
                fill="tonexty" if coefficient == 0.5 else None,
                fillcolor="rgba(0,114,178,0.15)",
                hovertemplate=hover,
                showlegend=row == 1,
            )
            figure.add_trace(line, row=row, col=1)
        top = curve[column].max()
        if top > 0:  # what is lost at the largest sizes would flatten the rest
            figure.update_yaxes(range=[-top, 1.1 * top], row=row, col=1)
    sizes = {1e6: "$1M", 1e7: "$10M", 1e8: "$100M", 1e9: "$1B", 1e10: "$10B"}
    figure.update_xaxes(type="log", tickvals=list(sizes), ticktext=list(sizes.values()), hoverformat="$,.0f")
    figure.update_xaxes(title_text="dollars on a side of the book", row=2, col=1)
    figure.update_yaxes(title_text="net Sharpe", row=1, col=1)
    figure.update_yaxes(title_text="net return a year", tickformat=PERCENT_TICKS, row=2, col=1)
    return figure


def signal_coverage_chart(monthly: pd.DataFrame) -> go.Figure:
    """Names with a live signal, and their share of the names that could be traded, in all and by size bucket.

    Args:
        monthly: `date`, `names`, `share`, then the share of each size bucket under its name, as in `Coverage`.
    """
    figure = panels(height=380, shares=(0.4, 0.6))
    names = line_trace(monthly["date"], monthly["names"], "names", hover="%{y:,.0f}", color=BLUE)
    figure.add_trace(names, row=1, col=1)
    figure.update_traces(showlegend=False, row=1)
    figure.add_trace(line_trace(monthly["date"], monthly["share"], "all names", color=BLUE, width=2.4), row=2, col=1)
    for place, bucket in enumerate(monthly.columns[3:]):
        line = line_trace(monthly["date"], monthly[bucket], str(bucket), **line_look(place, COLORS[1:]))
        figure.add_trace(line, row=2, col=1)
    figure.update_yaxes(title_text="names", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="share", tickformat=PERCENT_TICKS, rangemode="tozero", row=2, col=1)
    return figure


def slice_chart(result: HasTables, slice_name: str) -> go.Figure:
    """Net return a year of each group of a slice as bars, gross as markers."""
    table = result.summary_table
    return group_chart(table[table["slice"] == slice_name])


def group_chart(table: pd.DataFrame) -> go.Figure:
    """The same for rows of a `summary_table`; groups that were never invested are left out."""
    table = table[table["num_days"] > 0]
    figure = layout(go.Figure(), height=300)
    groups = table["group"].astype(str).tolist()
    figure.add_trace(bar_trace(groups, table["ret_net_ann"], "net"))
    marks = {"color": VERMILION, "symbol": "diamond", "size": 9, "line": {"color": "white", "width": 1}}
    figure.add_trace(marker_trace(groups, table["ret_ann"], "gross", marks))
    figure.update_xaxes(type="category")
    figure.update_yaxes(title_text="return a year", tickformat=PERCENT_TICKS)
    return figure


def slice_series_chart(result: BacktestResult, slice_name: str) -> go.Figure:
    """Cumulative net return of each group of a slice that is a portfolio of its own."""
    series = result.slice_series
    figure = layout(go.Figure(), height=300)
    for place, (group, days) in enumerate(series[series["slice"] == slice_name].groupby("group", sort=False)):
        figure.add_trace(line_trace(days["date"], days["ret_net"].cumsum(), str(group), **line_look(place)))
    figure.update_yaxes(title_text="cumulative net return", tickformat=PERCENT_TICKS)
    return figure


def book_chart(result: HasSeries) -> go.Figure:
    """Turnover, and the number of names on each side: means of each month."""
    monthly = monthly_means(result.daily_series, ["turnover", "n_long", "n_short"])
    figure = panels(height=340, shares=(0.5, 0.5))
    turnover = line_trace(monthly["date"], monthly["turnover"], "turnover", color=BLUE, hover="%{y:.1%}")
    figure.add_trace(turnover, row=1, col=1)
    for column, name, color, dash in (
        ("n_long", "names long", GREEN, "solid"),
        ("n_short", "names short", PURPLE, "dash"),
    ):
        line = line_trace(monthly["date"], monthly[column], name, color=color, dash=dash, hover="%{y:.0f}")
        figure.add_trace(line, row=2, col=1)
    figure.update_yaxes(title_text="turnover a day", tickformat=PERCENT_TICKS, rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="names", rangemode="tozero", row=2, col=1)
    return figure


def exposure_chart(result: HasSeries) -> go.Figure:
    """Style exposures of the book: means of each month."""
    styles = style_columns(result.daily_series)
    monthly = monthly_means(result.daily_series, styles)
    figure = layout(go.Figure(), height=320)
    for place, style in enumerate(styles):
        figure.add_trace(line_trace(monthly["date"], monthly[style], style, hover="%{y:.2f}", **line_look(place)))
    figure.update_yaxes(title_text="exposure, z-score")
    return figure


def ic_chart(result: BacktestResult) -> go.Figure:
    """The information coefficient: its running sum, and its mean over the past year."""
    series = result.ic_series
    figure = panels(height=340, shares=(0.5, 0.5))
    total = line_trace(series["date"], series["ic"].cumsum(), "running sum of IC", color=BLUE, hover="%{y:.2f}")
    figure.add_trace(total, row=1, col=1)
    rolling = series["ic"].rolling(IC_WINDOW).mean()
    name = f"mean of {IC_WINDOW} days"
    figure.add_trace(
        line_trace(series["date"], rolling, name, color=VERMILION, dash="dash", hover="%{y:.4f}"), row=2, col=1
    )
    figure.update_yaxes(title_text="running sum", row=1, col=1)
    figure.update_yaxes(title_text="rolling mean", row=2, col=1)
    return figure


def fractile_chart(result: HasTables) -> go.Figure:
    """Gross return a year of each signal fractile, 1 the lowest signal."""
    table = result.fractile_analysis
    figure = layout(go.Figure(), height=340)
    figure.add_trace(bar_trace(table["fractile"].astype(str).tolist(), table["ret_ann"], "gross return"))
    figure.update_xaxes(type="category", title_text="fractile of the signal (1 = lowest)")
    figure.update_yaxes(title_text="return a year", tickformat=PERCENT_TICKS)
    figure.update_layout(showlegend=False)
    return figure


def placebo_chart(placebo: Placebo) -> go.Figure:
    """How many placebos have which net Sharpe ratio, and where the signal stands."""
    sharpes = [value for value in placebo.sharpes_net if value is not None]
    counts, edges = np.histogram(sharpes, bins=PLACEBO_BINS)
    figure = layout(go.Figure(), height=300)
    middles, heights = pd.Series((edges[1:] + edges[:-1]) / 2), compact(pd.Series(counts))
    look = {"marker": {"color": GREY}, "hovertemplate": "%{y}"}
    bars = go.Bar(x=compact(middles), y=heights, name="placebos", **look)
    line = {"color": VERMILION, "width": 3}
    x, y = [placebo.sharpe_net] * 2, compact(pd.Series([0, counts.max()]))
    figure.add_trace(bars)
    figure.add_trace(go.Scatter(x=x, y=y, name="the signal", mode="lines", line=line, hovertemplate="%{x:.2f}"))
    figure.update_xaxes(title_text="net Sharpe")
    figure.update_yaxes(title_text="placebos", rangemode="tozero")
    figure.update_layout(bargap=0.05, hovermode="closest")
    return figure


def horizon_chart(horizons: Sequence[HorizonIC]) -> go.Figure:
    """Mean information coefficient by holding day, and with the returns up to entry, which are shown in grey."""
    figure = layout(go.Figure(), height=300)
    for name, color, chosen in (
        ("before entry", GREY, [ic for ic in horizons if ic.day < 1]),
        ("after entry", BLUE, [ic for ic in horizons if ic.day >= 1]),
    ):
        means = compact(pd.Series([np.nan if ic.mean is None else ic.mean for ic in chosen], dtype=float))
        bars = go.Bar(
            x=[ic.day for ic in chosen], y=means, name=name, marker={"color": color}, hovertemplate="%{y:.4f}"
        )
        figure.add_trace(bars)
    figure.update_xaxes(title_text="day of the return (1 = first holding day)", dtick=5)
    figure.update_yaxes(title_text="mean IC")
    figure.update_layout(barmode="overlay", bargap=0.15)
    return figure
