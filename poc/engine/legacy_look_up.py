"""Exposures, groups and regimes of the signal rows of old notebooks, as they were known on `date_sig`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from poc.data.panel import Panel, side_by_side
from poc.engine.legacy_frames import Days, read_frame, read_series
from poc.engine.slices import panel_rows
from poc.errors import BacktestError

EXPOSURE_DAYS, GROUP_DAYS = 5, 20
"""Calendar days up to `date_sig` within which an exposure, or a group, is looked up."""


def place_rows(rows: pl.DataFrame, panel: Panel, *, from_open: bool) -> pl.DataFrame:
    """The rows with `date`, the last day that their book may know, and `place`, the panel row of that day.

    Args:
        rows: as `read_signal` gives them; those of names that did not trade that day are left out.
    """
    known = np.searchsorted(panel.dates, rows["date_form"].to_numpy()) - (1 if from_open else 0)
    rows = rows.with_columns(date=pl.Series(panel.dates[np.maximum(known, 0)])).filter(pl.Series(known >= 0))
    place = panel_rows(rows, panel)
    rows = rows.with_columns(place=pl.Series(place)).filter(pl.Series((place >= 0) & panel.traded[place]))
    return rows.sort("date_sig")


def known_on_date_sig(placed: pl.DataFrame, risk: pl.DataFrame, name: str, days: int) -> pl.Series:
    """The latest value of a column up to `date_sig`, at most so many calendar days old, a value a row of `placed`."""
    values = risk.select("security_id", date_sig="date", value=name).drop_nulls().sort("date_sig")
    tolerance = timedelta(days=days)
    return placed.join_asof(values, on="date_sig", by="security_id", tolerance=tolerance, check_sortedness=False)[
        "value"
    ]


def look_up_on_date_sig(panel: Panel, placed: pl.DataFrame, risk: pl.DataFrame, styles: Sequence[str]) -> Panel:
    """The panel with the exposures and groups of each row as they were known on its `date_sig`.

    Args:
        panel: all else is kept, the inputs of weights and costs among it.
        placed: as `place_rows` gives it.
        risk: as `read_tables` gives it.
        styles: the exposures.
    """
    place = placed["place"].to_numpy()

    def spread(values: NDArray[Any], missing: float) -> NDArray[Any]:
        out = np.full(len(panel.security), missing, values.dtype)
        out[place] = values
        return out

    def industries(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        if name not in risk.columns:
            return np.empty(0, np.int32), np.full(len(panel.security), -1, np.int16)
        values = known_on_date_sig(placed, risk, name, GROUP_DAYS)
        ids = values.drop_nulls().unique().sort().to_numpy()
        code = np.searchsorted(ids, values.fill_null(0).to_numpy()).astype(np.int16)
        return ids, spread(np.where(values.is_null().to_numpy(), np.int16(-1), code), -1)

    cap = known_on_date_sig(placed, risk, "cap", GROUP_DAYS).fill_null(0).to_numpy().astype(np.int8)
    industry_ids, industry = industries("industry_id")
    exposures = [known_on_date_sig(placed, risk, name, EXPOSURE_DAYS).fill_null(np.nan).to_numpy() for name in styles]
    columns = [spread(x, np.nan).astype(np.float64) for x in exposures]
    return replace(
        panel,
        cap=spread(cap, 0),
        industry=industry,
        industry_ids=industry_ids,
        style_names=tuple(styles),
        styles=side_by_side(columns, len(panel.security)),
    )


def groups_on_date_sig(placed: pl.DataFrame, risk: pl.DataFrame, name: str) -> pl.DataFrame:
    """`security_id, date, label`: the groups of a column as they were known on `date_sig`."""
    label = known_on_date_sig(placed, risk, name, GROUP_DAYS).alias("label")
    return placed.select("security_id", "date", label).drop_nulls()


def sort_groups(placed: pl.DataFrame, source: pl.DataFrame, name: str, frac: int | Sequence[int]) -> pl.DataFrame:
    """`security_id, date, label`: groups of the rows of a day by a number known on `date_sig`, 1 the lowest.

    Args:
        placed: as `place_rows` gives it.
        source: `security_id`, `date` and the number, in the column `name`.
        frac: a number of groups of equal size, or the percentiles between the groups.

    Raises:
        BacktestError: the column holds no numbers.
    """
    if not source.schema[name].is_numeric():
        raise BacktestError(f"double_var={name!r} holds no numbers to sort by.")
    value = known_on_date_sig(placed, source, name, GROUP_DAYS).alias("value")
    rows = placed.select("security_id", "date", value).drop_nulls()
    share = pl.col("value").rank("average").over("date") / pl.len().over("date")
    if isinstance(frac, int):
        return rows.select("security_id", "date", label=(frac * share).ceil().cast(pl.Int32))
    percentile = (100 * share).ceil()
    label = pl.sum_horizontal((percentile > bound).cast(pl.Int32) for bound in frac) + 1
    return rows.select("security_id", "date", label=label)


def regimes(frame: pd.DataFrame, calendar: Days) -> pl.DataFrame:
    """`date, label` of a volatility index: a level is `High VIX` from its median on, else `Low VIX`; labels stay.

    Raises:
        BacktestError: not `date` and one more column.
    """
    table = read_series("byvix", frame).rename({"value": "label"}).filter(pl.col("date").is_in(calendar.tolist()))
    if table.schema["label"].is_numeric():
        high = pl.col("label") >= pl.col("label").median()
        table = table.with_columns(label=pl.when(high).then(pl.lit("High VIX")).otherwise(pl.lit("Low VIX")))
    return table


def windows(placed: pl.DataFrame, window_file: pd.DataFrame, days: int, calendar: Days) -> pl.DataFrame:
    """`security_id, date, label`: `Earnings` within so many trading days of an announcement, else `No Earnings`.

    Args:
        placed: as `place_rows` gives it.
        window_file: `security_id, date` of the announcements; one on another day counts as on the next trading day.

    Raises:
        BacktestError: a column is missing, or holds what it may not.
    """
    events = read_frame("window_file", window_file, ["security_id", "date"], []).drop_nulls()
    center = np.searchsorted(calendar, events["date"].to_numpy())
    near = [events.select("security_id", day=pl.Series(center + shift)) for shift in range(-days, days + 1)]
    day = pl.Series("day", np.searchsorted(calendar, placed["date"].to_numpy()))
    rows = placed.select("security_id", "date", day)
    found = rows.join(
        pl.concat(near).unique().with_columns(label=pl.lit("Earnings")), on=["security_id", "day"], how="left"
    )
    return found.select("security_id", "date", pl.col("label").fill_null("No Earnings"))
