"""What a section of a report is made of: tables, plots and sentences, ready to be shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd
import plotly.graph_objects as go

from poc.reporting.terms import NO_NUMBER, TERMS, Term, number, written

HEAT_COLUMNS = 4
"""Columns of a heat map beside its labels that fit into half of the page."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: its text, what it sorts by, and how it looks.

    Attributes:
        text: what is shown.
        sort: the number behind the text; None: sorted by the text.
        meaning: shown on hover.
        state: a state of the verdict; shown with its own mark.
        heat: -1 to 1, the shade of a heat map cell.
    """

    text: str
    sort: float | None = None
    meaning: str = ""
    state: str = ""
    heat: float | None = None


@dataclass(frozen=True, kw_only=True)
class Head:
    """The head of a column; numbers are aligned to the right."""

    label: str
    meaning: str = ""
    numeric: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a caption; the first cell of a row is its head.

    Attributes:
        look: a style class of the page.
        wide: across the whole page.
        folded: on a screen only the caption is shown until it is opened; for numbers that a plot beside it shows.
    """

    kind: ClassVar[str] = "table"
    id: str
    caption: str
    head: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    look: str = ""
    wide: bool = False
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure with a title, and in words what it shows, for those who cannot see it."""

    kind: ClassVar[str] = "plot"
    id: str
    title: str
    alt: str
    figure: go.Figure = field(repr=False)
    note: str = ""
    wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Note:
    """Sentences in place of, or beside, tables and plots; a list where there are several."""

    kind: ClassVar[str] = "note"
    id: str
    title: str = ""
    sentences: tuple[str, ...]
    wide: bool = True


@dataclass(frozen=True, kw_only=True)
class Code:
    """A command as it is typed."""

    kind: ClassVar[str] = "code"
    id: str
    text: str


Block = Table | Plot | Note | Code


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing to know at a glance: what it is, its value, what stands in small letters below, and what it means."""

    label: str
    text: str
    below: str = ""
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the report: a title, the question it answers, and its blocks."""

    letter: str = ""
    id: str
    title: str
    question: str
    blocks: tuple[Block, ...]


def head(key: str) -> Head:
    """The column head of a term."""
    term = TERMS[key]
    return Head(label=term.label, meaning=term.meaning, numeric=term.write is not None)


def cell(value: Any, term: Term) -> Cell:
    """The cell of a value of a term."""
    number = float(value) if term.write is not None and not pd.isna(value) else None
    return Cell(text=written(value, term.write), sort=number)


def frame_table(frame: pd.DataFrame, columns: Sequence[str], *, id: str, caption: str, wide: bool = False) -> Table:  # noqa: A002  # the HTML attribute
    """The columns of a frame that have a term, a row a row. Columns that the frame does not have are left out."""
    present = [column for column in columns if column in frame]
    rows = tuple(
        tuple(cell(value, TERMS[column]) for column, value in zip(present, values, strict=True))
        for values in frame[present].itertuples(index=False, name=None)
    )
    return Table(id=id, caption=caption, head=tuple(head(column) for column in present), rows=rows, wide=wide)


def facts_table(facts: Sequence[tuple[str, Any]], *, id: str, caption: str) -> Table:  # noqa: A002  # the HTML attribute
    """A row a fact: the label of a term, and its value."""
    rows = tuple(
        (Cell(text=TERMS[key].label, meaning=TERMS[key].meaning), cell(value, TERMS[key])) for key, value in facts
    )
    return Table(id=id, caption=caption, head=(Head(label="Measure"), Head(label="Value", numeric=True)), rows=rows)


def heat_table(grid: pd.DataFrame, corner: Head, columns: Sequence[Head], *, id: str, caption: str) -> Table:  # noqa: A002  # the HTML attribute
    """Net Sharpe ratios as a heat map: a row a label of the index; a variant without one says so."""
    scale = max(1.0, grid.abs().max().max())
    rows = tuple(
        (Cell(text=str(name)), *(_heat_cell(value, scale) for value in values))
        for name, values in zip(grid.index, grid.to_numpy(), strict=True)
    )
    wide = len(columns) > HEAT_COLUMNS
    return Table(id=id, caption=caption, head=(corner, *columns), rows=rows, look="heat", wide=wide)


def _heat_cell(value: float, scale: float) -> Cell:
    if math.isnan(value):
        return Cell(text=NO_NUMBER, meaning="This variant has no net Sharpe ratio; it failed or was not run.")
    return Cell(text=written(value, number), sort=value, heat=value / scale)
