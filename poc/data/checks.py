"""What must hold in the tables of a snapshot; a breach is a sentence: what, how many, the first rows, what to do."""

from collections.abc import Iterator, Mapping

import polars as pl

from poc.data.tables import FACTORS, KEYS, SPECS

Frames = Mapping[str, pl.DataFrame]
RETURNS = ("ret", "openret", "delist_ret")
"""Total returns: none can lose more than everything. (A residual return can.)"""
NOT_NEGATIVE = {"ret": ("adv", "vol", "close"), "risk": ("mcap", "adv")}
MOST_OF_A_FACTOR = 0.5
"""Largest return of a factor in one day that is believed."""
ALLOWED_VALUES: dict[str, dict[str, tuple[int, ...]]] = {
    "risk": {"cap": (1, 2, 3)},
    "trading_date": {"insample": (0, 1), "insample2": (0, 1)},
    "universe": {"universe_flag": (0, 1)},
}


def find_breaches(frames: Frames, *, max_return: float) -> list[str]:
    """All breaches in tables that `read_table` has read; columns that could not be read are passed over.

    Args:
        frames: the tables by name, each sorted by (date, security_id).
        max_return: largest total return of one day that is believed, as a fraction.
    """
    breaches = [f"{name}: the table has no rows." for name, frame in frames.items() if frame.is_empty()]
    for name, frame in frames.items():
        breaches += _key_breaches(name, frame)
        breaches += _value_breaches(name, frame)
    breaches += _return_breaches(frames["ret"], max_return)
    breaches += _factor_breaches(frames.get("factors", pl.DataFrame()))
    breaches += _calendar_breaches(frames)
    breaches += _id_type_breaches(frames)
    return breaches


def _key_breaches(name: str, frame: pl.DataFrame) -> Iterator[str]:
    keys = [key for key in KEYS if key in SPECS[name].required and key in frame.columns]
    for key in keys:
        missing = frame.get_column(key).null_count()
        if missing:
            yield f"{name}: `{key}` is missing in {missing} rows. Every row needs its keys."
    if keys and name != "trading_date":
        same = pl.all_horizontal(pl.col(key) == pl.col(key).shift(1) for key in keys)
        doubled = frame.lazy().select(keys).filter(same).collect()
        if len(doubled):
            yield (
                f"{name}: {len(doubled)} rows repeat a ({', '.join(keys)}); {_first(doubled)}. "
                f"Keep one row for each {'security and day' if len(keys) > 1 else 'day'}."
            )


def _value_breaches(name: str, frame: pl.DataFrame) -> Iterator[str]:
    for column in NOT_NEGATIVE.get(name, ()):
        yield from _breach(name, frame, column, pl.col(column) < 0, "is negative")
    for column, allowed in ALLOWED_VALUES.get(name, {}).items():
        wrong = ~pl.col(column).is_in(allowed)
        if name == "trading_date":
            wrong |= pl.col(column).is_null()
        yield from _breach(name, frame, column, wrong, f"is none of {', '.join(map(str, allowed))}")


def _return_breaches(ret: pl.DataFrame, max_return: float) -> Iterator[str]:
    for column in RETURNS:
        yield from _breach("ret", ret, column, pl.col(column) < -1, "is below -1, a loss of more than everything,")
        yield from _breach(
            "ret",
            ret,
            column,
            pl.col(column) > max_return,
            f"is above {max_return:g} (+{max_return:.0%}) in one day",
            advice="Returns are fractions, not percent; if these are right, say a larger max_return.",
        )


def _factor_breaches(factors: pl.DataFrame) -> Iterator[str]:
    for column in FACTORS:
        yield from _breach(
            "factors",
            factors,
            column,
            pl.col(column).abs() > MOST_OF_A_FACTOR,
            f"is beyond {MOST_OF_A_FACTOR:.0%} in one day",
            advice="Factor returns are fractions, not percent.",
        )


def _calendar_breaches(frames: Frames) -> Iterator[str]:
    calendar = frames["trading_date"]
    if "date" not in calendar.columns or calendar["date"].count() == 0:
        return
    days = calendar.get_column("date")
    for what, wrong in (("stands twice", days == days.shift(1)), ("is before the day above it", days < days.shift(1))):
        if wrong.any():
            found = days.filter(wrong)
            yield f"trading_date: {len(found)} times a day {what}; the first: {_listed(found)}. Sort the days."
    if "n" in calendar.columns and not calendar["n"].eq_missing(pl.int_range(1, len(days) + 1, eager=True)).all():
        yield "trading_date: `n` does not count 1, 2, 3 ... without a gap. Take the column away and it is made."
    span = days.drop_nulls().sort()
    for name in ("ret", "risk", "universe"):
        if "date" not in frames.get(name, pl.DataFrame()).columns:
            continue
        outside = frames[name].lazy().filter(~pl.col("date").is_in(days.implode())).select(pl.col(KEYS)).collect()
        if len(outside):
            yield (
                f"{name}: {len(outside)} rows are dated on no trading day of the calendar ({span[0]} to "
                f"{span[-1]}); {_first(outside)}. Add the days to trading_date, or drop the rows."
            )


def _id_type_breaches(frames: Frames) -> Iterator[str]:
    types = {name: str(frame.schema["security_id"]) for name, frame in frames.items() if "security_id" in frame.columns}
    if len(set(types.values())) > 1:
        found = ", ".join(f"{dtype} in {name}" for name, dtype in types.items())
        yield f"`security_id` is not of one type in all tables: {found}. Save it in one type."


def _breach(
    name: str,
    frame: pl.DataFrame,
    column: str,
    wrong: pl.Expr,
    what: str,
    *,
    advice: str = "Correct them, or make them missing.",
) -> Iterator[str]:
    if column not in frame.columns:
        return
    found = frame.lazy().filter(wrong).select(pl.col([key for key in KEYS if key in frame.columns]), column).collect()
    if len(found):
        yield f"{name}: `{column}` {what} in {len(found)} rows; {_first(found)}. {advice}"


def _first(rows: pl.DataFrame) -> str:
    shown = [" ".join(f"{key} {value}" for key, value in row.items()) for row in rows.head(5).to_dicts()]
    return f"the first: {'; '.join(shown)}"


def _listed(days: pl.Series) -> str:
    return ", ".join(str(day) for day in days.head(5))
