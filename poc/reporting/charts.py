"""The plots of a result, for every report alike: a result goes in, a Plotly figure comes out.

Daily values are embedded as 32-bit floats (7 significant digits), and of a line longer than `MAX_DAYS` every second or
third day and the extremes, since no screen can show more; both keep a report small. Background, text and grid
are left to the page that shows the figure; the colours of the traces read on white and on black, can be told apart by
colour-blind people (Okabe and Ito 2008), and lines also differ by dash.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from poc.engine.result import BacktestResult
from poc.suite.leaks import HorizonIC
from poc.suite.placebo import Placebo

BLUE, VERMILION, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#C4679B", "#7D838B"
COLORS = (BLUE, VERMILION, GREEN, PURPLE, GREY)
DASHES = ("solid", "dot", "dash", "dashdot", "longdash")
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
PERCENT_TICKS = ",.2~%"
MAX_DAYS = 3000
"""Points of a line: twelve years of days."""
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
    figure = _panels(height=460 + 16 * len(baselines or {}), shares=(0.7, 0.3))
    for place, (name, baseline) in enumerate((baselines or {}).items()):
        series, look = baseline.daily_series, _look(place, COLORS[1:])
        figure.add_trace(_line(series["date"], base + series["cumret_net"], f"{name}, net", **look), row=1, col=1)
    if "ret_market" in daily:
        figure.add_trace(_line(daily["date"], base + daily["ret_market"].cumsum(), "market", color=GREY), row=1, col=1)
    gross = _line(daily["date"], base + daily["cumret"], "gross", color=BLUE, dash="dot", width=1.4)
    figure.add_trace(gross, row=1, col=1)
    figure.add_trace(_line(daily["date"], base + daily["cumret_net"], "net", color=BLUE, width=2.4), row=1, col=1)
    drawdown = _line(daily["date"], daily["drawdown"], "drawdown of net", color=VERMILION, fill="tozeroy", width=1)
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
    figure = _panels(height=480, shares=(0.6, 0.4))
    for place, name in enumerate((first, *others)):
        line = _line(net["date"], net[name].cumsum(), name, **_look(place))
        figure.add_trace(line, row=1, col=1)
    for place, name in enumerate(others, start=1):
        difference = (net[name] - net[first]).cumsum()
        figure.add_trace(_line(net["date"], difference, f"{name} less {first}", **_look(place)), row=2, col=1)
    figure.update_traces(showlegend=False, row=2)
    figure.update_yaxes(title_text="cumulative net return", tickformat=PERCENT_TICKS, row=1, col=1)
    figure.update_yaxes(title_text="difference", tickformat=PERCENT_TICKS, row=2, col=1)
    return figure


def coverage_chart(coverage: pd.DataFrame) -> go.Figure:
    """Securities a day of a snapshot, from `DataCatalog.coverage`: those that traded, and those in the universe."""
    figure = _layout(go.Figure(), height=300)
    for place, name in enumerate(column for column in coverage.columns if column != "date"):
        figure.add_trace(_line(coverage["date"], coverage[name], str(name), hover="%{y:,.0f}", **_look(place)))
    figure.update_yaxes(title_text="securities", rangemode="tozero")
    return figure


def capacity_chart(curve: pd.DataFrame) -> go.Figure:
    """Net Sharpe and net return a year by the size of the book, with the band of the halved and doubled coefficient.

    Args:
        curve: `gmv`, `coefficient` (0.5, 1 or 2), `ret_net_ann`, `sharpe_net`, as in `Capacity`.
    """
    figure = _panels(height=380, shares=(0.5, 0.5))
    names = {2.0: "impact doubled", 0.5: "impact halved", 1.0: "power law"}
    for row, (column, hover) in enumerate((("sharpe_net", "%{y:.2f}"), ("ret_net_ann", "%{y:.1%}")), start=1):
        for coefficient, name in names.items():
            points = curve[curve["coefficient"] == coefficient]
            middle = coefficient == 1
            line = go.Scatter(
                x=points["gmv"],
                y=_compact(points[column]),
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
    figure = _panels(height=380, shares=(0.4, 0.6))
    names = _line(monthly["date"], monthly["names"], "names", hover="%{y:,.0f}", color=BLUE)
    figure.add_trace(names, row=1, col=1)
    figure.update_traces(showlegend=False, row=1)
    figure.add_trace(_line(monthly["date"], monthly["share"], "all names", color=BLUE, width=2.4), row=2, col=1)
    for place, bucket in enumerate(monthly.columns[3:]):
        line = _line(monthly["date"], monthly[bucket], str(bucket), **_look(place, COLORS[1:]))
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
    figure = _layout(go.Figure(), height=300)
    groups = table["group"].astype(str).tolist()
    figure.add_trace(_bars(groups, table["ret_net_ann"], "net"))
    marks = {"color": VERMILION, "symbol": "diamond", "size": 9, "line": {"color": "white", "width": 1}}
    figure.add_trace(_markers(groups, table["ret_ann"], "gross", marks))
    figure.update_xaxes(type="category")
    figure.update_yaxes(title_text="return a year", tickformat=PERCENT_TICKS)
    return figure


def slice_series_chart(result: BacktestResult, slice_name: str) -> go.Figure:
    """Cumulative net return of each group of a slice that is a portfolio of its own."""
    series = result.slice_series
    figure = _layout(go.Figure(), height=300)
    for place, (group, days) in enumerate(series[series["slice"] == slice_name].groupby("group", sort=False)):
        figure.add_trace(_line(days["date"], days["ret_net"].cumsum(), str(group), **_look(place)))
    figure.update_yaxes(title_text="cumulative net return", tickformat=PERCENT_TICKS)
    return figure


def book_chart(result: HasSeries) -> go.Figure:
    """Turnover, and the number of names on each side: means of each month."""
    monthly = _monthly_means(result.daily_series, ["turnover", "n_long", "n_short"])
    figure = _panels(height=340, shares=(0.5, 0.5))
    turnover = _line(monthly["date"], monthly["turnover"], "turnover", color=BLUE, hover="%{y:.1%}")
    figure.add_trace(turnover, row=1, col=1)
    for column, name, color, dash in (
        ("n_long", "names long", GREEN, "solid"),
        ("n_short", "names short", PURPLE, "dash"),
    ):
        line = _line(monthly["date"], monthly[column], name, color=color, dash=dash, hover="%{y:.0f}")
        figure.add_trace(line, row=2, col=1)
    figure.update_yaxes(title_text="turnover a day", tickformat=PERCENT_TICKS, rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="names", rangemode="tozero", row=2, col=1)
    return figure


def exposure_chart(result: HasSeries) -> go.Figure:
    """Style exposures of the book: means of each month."""
    styles = style_columns(result.daily_series)
    monthly = _monthly_means(result.daily_series, styles)
    figure = _layout(go.Figure(), height=320)
    for place, style in enumerate(styles):
        figure.add_trace(_line(monthly["date"], monthly[style], style, hover="%{y:.2f}", **_look(place)))
    figure.update_yaxes(title_text="exposure, z-score")
    return figure


def ic_chart(result: BacktestResult) -> go.Figure:
    """The information coefficient: its running sum, and its mean over the past year."""
    series = result.ic_series
    figure = _panels(height=340, shares=(0.5, 0.5))
    total = _line(series["date"], series["ic"].cumsum(), "running sum of IC", color=BLUE, hover="%{y:.2f}")
    figure.add_trace(total, row=1, col=1)
    rolling = series["ic"].rolling(IC_WINDOW).mean()
    name = f"mean of {IC_WINDOW} days"
    figure.add_trace(_line(series["date"], rolling, name, color=VERMILION, dash="dash", hover="%{y:.4f}"), row=2, col=1)
    figure.update_yaxes(title_text="running sum", row=1, col=1)
    figure.update_yaxes(title_text="rolling mean", row=2, col=1)
    return figure


def fractile_chart(result: HasTables) -> go.Figure:
    """Gross return a year of each signal fractile, 1 the lowest signal."""
    table = result.fractile_analysis
    figure = _layout(go.Figure(), height=340)
    figure.add_trace(_bars(table["fractile"].astype(str).tolist(), table["ret_ann"], "gross return"))
    figure.update_xaxes(type="category", title_text="fractile of the signal (1 = lowest)")
    figure.update_yaxes(title_text="return a year", tickformat=PERCENT_TICKS)
    figure.update_layout(showlegend=False)
    return figure


def placebo_chart(placebo: Placebo) -> go.Figure:
    """How many placebos have which net Sharpe ratio, and where the signal stands."""
    sharpes = [value for value in placebo.sharpes_net if value is not None]
    counts, edges = np.histogram(sharpes, bins=PLACEBO_BINS)
    figure = _layout(go.Figure(), height=300)
    middles, heights = pd.Series((edges[1:] + edges[:-1]) / 2), _compact(pd.Series(counts))
    look = {"marker": {"color": GREY}, "hovertemplate": "%{y}"}
    bars = go.Bar(x=_compact(middles), y=heights, name="placebos", **look)
    line = {"color": VERMILION, "width": 3}
    x, y = [placebo.sharpe_net] * 2, _compact(pd.Series([0, counts.max()]))
    figure.add_trace(bars)
    figure.add_trace(go.Scatter(x=x, y=y, name="the signal", mode="lines", line=line, hovertemplate="%{x:.2f}"))
    figure.update_xaxes(title_text="net Sharpe")
    figure.update_yaxes(title_text="placebos", rangemode="tozero")
    figure.update_layout(bargap=0.05, hovermode="closest")
    return figure


def horizon_chart(horizons: Sequence[HorizonIC]) -> go.Figure:
    """Mean information coefficient by holding day, and with the returns up to entry, which are shown in grey."""
    figure = _layout(go.Figure(), height=300)
    for name, color, chosen in (
        ("before entry", GREY, [ic for ic in horizons if ic.day < 1]),
        ("after entry", BLUE, [ic for ic in horizons if ic.day >= 1]),
    ):
        means = _compact(pd.Series([np.nan if ic.mean is None else ic.mean for ic in chosen], dtype=float))
        bars = go.Bar(
            x=[ic.day for ic in chosen], y=means, name=name, marker={"color": color}, hovertemplate="%{y:.4f}"
        )
        figure.add_trace(bars)
    figure.update_xaxes(title_text="day of the return (1 = first holding day)", dtick=5)
    figure.update_yaxes(title_text="mean IC")
    figure.update_layout(barmode="overlay", bargap=0.15)
    return figure


def _look(place: int, colors: tuple[str, ...] = COLORS) -> dict[str, Any]:
    """The look of the line at a place: when the colours are used up, lines get thicker, so that no two are alike."""
    width = 1.4 + 0.8 * (place // len(colors))
    return {"color": colors[place % len(colors)], "dash": DASHES[place % len(DASHES)], "width": width}


def _line(
    dates: pd.Series,
    values: pd.Series,
    name: str,
    *,
    hover: str = "%{y:.1%}",
    fill: str | None = None,
    **style: Any,
) -> go.Scatter:
    kept = _shown(values)
    return go.Scatter(
        x=dates[kept].dt.strftime("%Y-%m-%d").tolist(),
        y=_compact(values[kept]),
        name=name,
        mode="lines",
        line=style,
        fill=fill,
        hovertemplate=hover,
    )


def _shown(values: pd.Series) -> NDArray[np.bool_]:
    """Which values of a line are drawn: all, or every k-th, counted from the last, with the first and the extremes."""
    step = -(-len(values) // MAX_DAYS) or 1
    kept = np.zeros(len(values), bool)
    kept[::-step] = True
    kept[:1] = True
    if step > 1 and values.notna().any():
        kept[[values.argmin(), values.argmax()]] = True
    return kept


def _bars(labels: list[str], values: pd.Series, name: str) -> go.Bar:
    return go.Bar(x=labels, y=_compact(values), name=name, marker={"color": BLUE}, hovertemplate="%{y:.1%}")


def _markers(labels: list[str], values: pd.Series, name: str, marker: dict[str, Any]) -> go.Scatter:
    return go.Scatter(x=labels, y=_compact(values), name=name, mode="markers", marker=marker, hovertemplate="%{y:.1%}")


def _compact(values: pd.Series) -> NDArray[np.float32]:
    return values.to_numpy(dtype=np.float32)


def _monthly_means(daily: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return daily.set_index("date")[columns].resample("MS").mean().reset_index()


def _panels(*, height: int, shares: tuple[float, ...]) -> go.Figure:
    """Panels one below the other over the same dates."""
    panels = make_subplots(rows=len(shares), cols=1, shared_xaxes=True, row_heights=shares, vertical_spacing=0.06)
    return _layout(panels, height=height)


def _layout(figure: go.Figure, *, height: int) -> go.Figure:
    figure.update_layout(
        template=None,
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        font={"family": FONT, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        hoverlabel={"namelength": -1},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        bargap=0.35,
    )
    figure.update_xaxes(
        automargin=True, showgrid=False, zeroline=False, ticks="outside", spikethickness=1, spikecolor=GREY
    )
    figure.update_yaxes(automargin=True, zeroline=True, zerolinewidth=1, title_standoff=8)
    return figure
