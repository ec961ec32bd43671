"""What plots are made of: lines, bars, panels and their look.

Daily values are embedded as 32-bit floats (7 significant digits), and of a line longer than `MAX_DAYS` every second or
third day and the extremes, since no screen can show more; both keep a report small. Background, text and grid
are left to the page that shows the figure; the colours of the traces read on white and on black, can be told apart by
colour-blind people (Okabe and Ito 2008), and lines also differ by dash.
"""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

BLUE, VERMILION, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#C4679B", "#7D838B"
COLORS = (BLUE, VERMILION, GREEN, PURPLE, GREY)
DASHES = ("solid", "dot", "dash", "dashdot", "longdash")
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
PERCENT_TICKS = ",.2~%"
MAX_DAYS = 3000
"""Points of a line: twelve years of days."""


def line_look(place: int, colors: tuple[str, ...] = COLORS) -> dict[str, Any]:
    """The look of the line at a place: when the colours are used up, lines get thicker, so that no two are alike."""
    width = 1.4 + 0.8 * (place // len(colors))
    return {"color": colors[place % len(colors)], "dash": DASHES[place % len(DASHES)], "width": width}


def line_trace(
    dates: pd.Series,
    values: pd.Series,
    name: str,
    *,
    hover: str = "%{y:.1%}",
    fill: str | None = None,
    **style: Any,
) -> go.Scatter:
    """A line over dates; `style` is its colour, dash and width."""
    kept = _shown(values)
    return go.Scatter(
        x=dates[kept].dt.strftime("%Y-%m-%d").to_numpy(object),  # of a list Plotly looks at each day by itself
        y=compact(values[kept]),
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


def bar_trace(labels: list[str], values: pd.Series, name: str) -> go.Bar:
    """A bar a label."""
    return go.Bar(x=labels, y=compact(values), name=name, marker={"color": BLUE}, hovertemplate="%{y:.1%}")


def marker_trace(labels: list[str], values: pd.Series, name: str, marker: dict[str, Any]) -> go.Scatter:
    """A mark a label."""
    return go.Scatter(x=labels, y=compact(values), name=name, mode="markers", marker=marker, hovertemplate="%{y:.1%}")


def compact(values: pd.Series) -> NDArray[np.float32]:
    """Values as they are embedded."""
    return values.to_numpy(dtype=np.float32)


def monthly_means(daily: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A row a month, dated by its first day."""
    return daily.set_index("date")[columns].resample("MS").mean().reset_index()


def panels(*, height: int, shares: tuple[float, ...]) -> go.Figure:
    """Panels one below the other over the same dates."""
    figure = make_subplots(rows=len(shares), cols=1, shared_xaxes=True, row_heights=shares, vertical_spacing=0.06)
    return layout(figure, height=height)


def layout(figure: go.Figure, *, height: int) -> go.Figure:
    """The figure with the look that all share."""
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
