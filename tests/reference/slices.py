"""Which days and which names belong to each group of a slice."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from poc.errors import BacktestError
from tests.reference.market import ATTRIBUTE_AGE, Market
from tests.reference.run import Run

CAP_NAMES = {1: "Large Cap", 2: "Mid Cap", 3: "Small Cap"}
MOST_GROUPS = 200
Frames = Mapping[str, pd.DataFrame]


def days_of_groups(run: Run, kind: str, frames: Frames) -> dict[str, set[int]] | None:
    """Label -> return days, for a slice that cuts the overall series; None for one that has books of its own."""
    calendar = run.market.calendar
    if kind == "overall":
        label_of_day: list[Any] = ["overall"] * len(calendar)
    elif kind == "year":
        label_of_day = [str(day.year) for day in calendar]
    elif kind == "insample":
        if "insample" not in run.market.dates:
            raise BacktestError("no insample column")
        label_of_day = ["in" if flag == 1 else "out" for flag in run.market.dates["insample"]]
    elif kind in frames and "security_id" not in frames[kind]:
        by_date = {pd.Timestamp(date): as_label(value) for date, value in frames[kind].to_numpy().tolist()}
        label_of_day = [by_date.get(day) for day in calendar]
    else:
        return None
    labels = sorted({label for label in label_of_day if label is not None})
    return {label: {day for day, other in enumerate(label_of_day) if other == label} for label in labels}


def names_of_groups(run: Run, kind: str, frames: Frames) -> dict[str, list[list[Any]]]:
    """Label -> the eligible names of the group on every formation day."""
    label_of_name = [labels_on(run.market, kind, f.info, frames) for f in run.formations]
    return {
        label: [
            [n for n in f.signal if of.get(n) == label] for f, of in zip(run.formations, label_of_name, strict=True)
        ]
        for label in labels_of(run.market, kind, frames)
    }


def labels_of(market: Market, kind: str, frames: Frames) -> list[str]:
    """All groups of names that there are."""
    if kind == "cap":
        return list(CAP_NAMES.values())
    if kind in frames:
        return sorted({label for value in frames[kind].iloc[:, 2] if (label := as_label(value)) is not None})
    column = column_of(kind)
    if column not in market.risk or column in ("security_id", "date"):
        raise BacktestError(f"no column {column}")
    values = market.risk[column].dropna()
    if any(isinstance(v, float) and v != round(v) for v in values) or not 0 < values.nunique() <= MOST_GROUPS:
        raise BacktestError(f"{column} does not group")
    return sorted({str(as_label(value)) for value in values})


def labels_on(market: Market, kind: str, info: int, frames: Frames) -> dict[Any, str]:
    """Security -> its group as known on the information day."""
    if kind in frames:
        if info < 0:
            return {}
        today = frames[kind][pd.to_datetime(frames[kind]["date"]) == market.calendar[info]]
        rows = today[["security_id", today.columns[2]]].to_numpy().tolist()
        return {name: label for name, value in rows if (label := as_label(value)) is not None}
    seen = market.seen(column_of(kind), info, ATTRIBUTE_AGE)
    if kind == "cap":
        return {name: CAP_NAMES[int(value)] for name, value in seen.items()}
    return {name: str(as_label(value)) for name, value in seen.items()}


def column_of(kind: str) -> str:
    return f"{kind}_id" if kind in ("sector", "industry") else kind


def as_label(value: Any) -> str | None:
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else str(int(value))
