"""The groups of names within which the signal is ranked."""

from typing import Any

import pandas as pd

from poc.engine.config import BacktestConfig
from poc.errors import BacktestError
from tests.reference.market import ATTRIBUTE_AGE, EXPOSURE_AGE, Market
from tests.reference.portfolio import Formation, ranked_groups
from tests.reference.slices import Frames, labels_of, labels_on


def sort_groups(
    formation: Formation, *, market: Market, config: BacktestConfig, frames: Frames
) -> dict[Any, Any] | None:
    """Eligible name -> its group; names without a value are not there. None without a double sort."""
    if config.double_sort is None:
        return None
    column, count = config.double_sort
    if count is None:
        labels_of(market, column, frames)  # refuses what does not group
        label = labels_on(market, column, formation.info, frames)
        return {n: label[n] for n in formation.signal if n in label}
    values = _numbers(column, formation.info, market=market, frames=frames)
    known = {n: values[n] for n in formation.signal if n in values}
    return dict(zip(known, ranked_groups(list(known.values()), count), strict=True)) if known else {}


def _numbers(column: str, info: int, *, market: Market, frames: Frames) -> dict[Any, float]:
    if column in frames:
        frame = frames[column]
        today = frame[pd.to_datetime(frame["date"]) == market.calendar[info]] if info >= 0 else frame[:0]
        return {n: v for n, v in today.iloc[:, [0, 2]].to_numpy().tolist() if not pd.isna(v)}
    if column in market.styles:
        return market.seen(column, info, EXPOSURE_AGE)
    if column in ("mcap", "adv", "vol", "close") and (column in market.ret or column in market.risk):
        return market.seen(column, info, ATTRIBUTE_AGE)
    raise BacktestError(f"no {column} to sort by")
