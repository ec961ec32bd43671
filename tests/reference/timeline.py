"""When a signal row can be traded, for how long it lives, and which row of a security counts."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import median
from typing import Any

import pandas as pd

from poc.engine.config import BacktestConfig
from tests.reference.market import Market

AFTER_CLOSE = 24


@dataclass(frozen=True)
class LiveSignals:
    """`by_day[d]`: security -> signal that is live on formation day d; the rest: what became of every input row."""

    by_day: list[dict[Any, float]]
    carry_days: int
    rows_used: int
    dropped: Counter[str]


def live_signals(signal_df: pd.DataFrame, market: Market, config: BacktestConfig) -> LiveSignals:
    """Lay the rows over the calendar; a later `date_sig` covers an earlier one for as long as it lives."""
    dropped: Counter[str] = Counter()
    known = set(market.ret["security_id"])
    rows = []
    days = {name: signal_df[name].to_numpy("datetime64[D]").tolist() for name in ("date_sig", "date_avail")}
    for row in signal_df.assign(**days).sort_values("date_sig", kind="stable").to_dict("records"):
        formation = formation_day(row, market, from_open=config.from_open)
        if pd.isna(row["signal"]):
            dropped["missing_signal"] += 1
        elif row["security_id"] not in known:
            dropped["unknown_security"] += 1
        elif not market.days[0] <= row["date_avail"] <= market.days[-1]:
            dropped["outside_calendar"] += 1
        elif formation >= len(market.calendar):
            dropped["after_calendar"] += 1
        else:
            rows.append((formation, row["security_id"], float(row["signal"])))

    carry = config.carry_days or default_carry([formation for formation, _, _ in rows])
    owner: list[dict[Any, int]] = [{} for _ in market.calendar]
    for number, (formation, security, _) in enumerate(rows):
        for day in range(formation, min(formation + carry, len(market.calendar))):
            owner[day][security] = number
    used = {number for day in owner for number in day.values()}
    dropped["superseded"] = len(rows) - len(used)
    by_day = [{security: rows[number][2] for security, number in day.items()} for day in owner]
    return LiveSignals(by_day, carry, len(used), dropped)


def formation_day(row: Mapping[Any, Any], market: Market, *, from_open: bool) -> int:
    """The trading day on which the row is first used; the number of trading days where that lies beyond the end."""
    available, described = row["date_avail"], row["date_sig"]
    day = bisect_left(market.days, available)
    if day == len(market.days):
        return day
    hour = row.get("avail_hour")
    if market.days[day] != available:
        hour = 0
    elif hour is None or pd.isna(hour):
        hour = market.open_cutoff if available > described else AFTER_CLOSE
    cutoff = market.open_cutoff if from_open else market.close_cutoff
    return day if hour <= cutoff else day + 1


def default_carry(formations: list[int]) -> int:
    """One and a half times the usual distance between the formation days of the file; 1 for a daily file."""
    days = sorted(set(formations))
    if len(days) < 2:
        return 1
    gap = median(later - earlier for earlier, later in pairwise(days))
    return 1 if gap <= 1 else ceil(1.5 * gap)
