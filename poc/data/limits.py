"""What the data of a snapshot cannot show, in sentences that are derived from the data."""

from collections.abc import Iterator

import polars as pl

from poc.data.checks import Frames
from poc.data.tables import KEYS

RECENT_DAYS = 20
"""A security whose last row is this close to the end of the calendar has not ended."""


def find_limits(frames: Frames, *, synthetic: bool) -> tuple[str, ...]:
    """Sentences on what limits the conclusions from checked tables, the gravest first."""
    made_up = ("The market is synthetic: nothing here is evidence that a signal makes money.",) if synthetic else ()
    return (
        *made_up,
        *_ending_limits(frames["ret"], frames["trading_date"]),
        *_column_limits(frames),
        *_coverage_limits(frames),
    )


def _ending_limits(ret: pl.DataFrame, calendar: pl.DataFrame) -> Iterator[str]:
    days = calendar.get_column("date")
    recent = days.tail(RECENT_DAYS)[0]
    if "delist_ret" in ret.columns and ret.get_column("delist_ret").count():
        return
    last = ret.lazy().group_by("security_id").agg(pl.col("date").max()).collect()
    ended = int((last.get_column("date") < recent).sum())
    if ended:
        yield (
            f"There is no delisting return (`delist_ret`): {ended} of {len(last)} securities end before the last "
            f"{RECENT_DAYS} trading days, and what their holders lost or gained at the end is not in the returns."
        )
    else:
        yield (
            f"Survivorship: none of the {len(last)} securities ends before the last {RECENT_DAYS} trading days, and "
            "there is no delisting return (`delist_ret`). The panel holds survivors only, so returns are overstated."
        )


def _column_limits(frames: Frames) -> Iterator[str]:
    ret, risk = frames["ret"], frames["risk"]
    if "universe" not in frames:
        yield "There is no universe table: every security with a row on a day counts as investable."
    if "openret" not in ret.columns:
        yield "There is no `openret`: nothing can be traded at the open."
    if "resret" not in ret.columns:
        yield "There is no `resret`: residual returns are not shown."
    if "adv" not in ret.columns and "adv" not in risk.columns:
        yield "There is no `adv`: no volume weights, no market impact, no capacity."
    if "insample" not in frames["trading_date"].columns:
        yield "There is no `insample`: in-sample and out-of-sample days are not told apart."


def _coverage_limits(frames: Frames) -> Iterator[str]:
    ret, risk, calendar = frames["ret"], frames["risk"], frames["trading_date"]
    if "delist_ret" in ret.columns:
        ret = ret.filter(pl.col("delist_ret").is_null())  # a row without trading has neither `ret` nor exposures
    if missing := ret.get_column("ret").null_count():
        yield f"`ret` is missing in {missing} of {len(ret)} rows ({missing / len(ret):.2%})."
    if missing := risk.get_column("mcap").null_count():
        yield f"`mcap` is missing in {missing / len(risk):.1%} of the `risk` rows: no size bucket, no value weight."
    unmatched = ret.lazy().select(KEYS).join(risk.lazy().select(KEYS), on=KEYS, how="anti")
    if missing := unmatched.select(pl.len()).collect().item():
        yield f"{missing} of {len(ret)} `ret` rows ({missing / len(ret):.2%}) have no `risk` row of the same day."
    if empty := len(calendar) - ret.get_column("date").n_unique():
        yield f"{empty} of {len(calendar)} trading days have no row in `ret`."
