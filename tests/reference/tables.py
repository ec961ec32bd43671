"""The tables of a result, from the daily books."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from poc.errors import BacktestError
from tests.reference import measures, timeline
from tests.reference.market import NO_LIMIT
from tests.reference.portfolio import fractile_groups
from tests.reference.run import Run, Series

NAN = float("nan")
LEAST_PAIRS = 10


def daily_series(run: Run, days: pd.DataFrame) -> pd.DataFrame:
    table = days[["date", "ret", "ret_net", "resret", "ret_long", "ret_short", "cost", "turnover"]].copy()
    table["cumret"] = days["ret"].cumsum()
    table["cumret_net"] = days["ret_net"].cumsum()
    table["drawdown"] = measures.drawdown(list(days["ret_net"]))
    for column in ("n_long", "n_short", "missing_return_share"):
        table[column] = days[column]
    if run.config.method == "long_only":
        table["ret_market"] = days["ret_market"]
        against = days["ret_market"]
        if run.config.benchmark is not None:
            if run.market.factors is None or run.config.benchmark not in run.market.factors:
                raise BacktestError("no such benchmark")
            known = run.market.factors[run.config.benchmark].dropna().to_dict()
            table["ret_benchmark"] = against = days["date"].map(lambda day: known.get(day, NAN))
        table["ret_active"] = days["ret"] - against
    for style in run.market.styles:
        table[style] = days[style]
    return table


def summary_table(
    run: Run,
    overall: pd.DataFrame,
    groups: dict[tuple[str, str], pd.DataFrame],
    cuts: dict[str, dict[str, set[int]] | None],
) -> pd.DataFrame:
    """`groups`: series of the portfolios by (slice, label); `cuts`: slice -> label -> days of the overall series."""
    rows = []
    for kind in run.config.slices:
        days_of = cuts[kind]
        if days_of is not None:
            parts = {label: overall[overall["day"].isin(days)] for label, days in days_of.items()}
            parts = {label: days for label, days in parts.items() if not days.empty}
        elif kind == "capyr":
            parts = {
                f"{label} {year}": part
                for (of, label), days in groups.items()
                if of == "cap" and not days.empty
                for year, part in days.groupby(days["date"].dt.year)
            }
        else:
            parts = {label: days for (of, label), days in groups.items() if of == kind}
        for label, days in parts.items():
            measured = measures.summary(days, run.market.styles, year=run.market.days_per_year)
            rows.append({"slice": kind, "group": label} | measured)
    return pd.DataFrame(rows)


def slice_series(groups: dict[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    parts = [
        days[["date", "ret", "ret_net"]].assign(slice=kind, group=label)
        for (kind, label), days in groups.items()
        if not days.empty
    ]
    columns = ["slice", "group", "date", "ret", "ret_net"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def fractile_analysis(run: Run, overall: Series) -> pd.DataFrame:
    """Mean over the days behind the series of the equal-weighted groups of the ranking."""
    market, count = run.market, round(100 / run.config.fractile[0])
    daily: list[dict[str, Any]] = []
    for day in overall.books:
        formation = run.behind(day)
        if len(formation.signal) < count:
            continue
        earned, residual = market.returns(run.ret, day), market.returns(run.resret, day)
        for group, names in fractile_groups(formation.signal, count).items():
            row: dict[str, Any] = {"fractile": group, "n": len(names)}
            row["ret"] = np.mean([earned.get(n, 0.0) for n in names])
            if run.resret in market.ret:
                row["resret"] = np.mean([residual.get(n, 0.0) for n in names])
            for style, exposures in formation.exposures.items():
                row[style] = np.mean([exposures.get(n, NAN) for n in names])
            daily.append(row)
    columns = ["fractile", "n", "ret", "resret", *market.styles]
    means = pd.DataFrame(daily, columns=columns).groupby("fractile").mean().reindex(range(1, count + 1))
    means[["ret", "resret"]] *= market.days_per_year
    return means.rename(columns={"ret": "ret_ann", "resret": "resret_ann"}).reset_index()


def ic_series(run: Run) -> pd.DataFrame:
    rows = []
    for day, formation in enumerate(run.formations):
        first_holding_day = day if run.config.from_open else day + 1
        if first_holding_day >= len(run.market.calendar) or not run.selected[first_holding_day]:
            continue
        earned = run.market.returns(run.ret, first_holding_day)
        names = [n for n in formation.signal if n in earned]
        x, y = [formation.signal[n] for n in names], [earned[n] for n in names]
        if len(names) >= LEAST_PAIRS and len(set(x)) > 1 and len(set(y)) > 1:
            rows.append({"date": run.market.calendar[first_holding_day], "ic": spearmanr(x, y).statistic})
    return pd.DataFrame(rows, columns=["date", "ic"])


def attribution(run: Run, overall: Series) -> pd.DataFrame:
    """Sum over days of net contributions, by name, by last known sector, and by month."""
    totals: dict[tuple[str, Any], float] = {}

    def add(kind: str, key: Any, value: float) -> None:
        totals[kind, key] = totals.get((kind, key), 0.0) + value

    for day, contributions in overall.contributions.items():
        sector = run.market.seen("sector_id", day - 1 - run.config.lag, NO_LIMIT)
        for name, value in contributions.items():
            add("name", str(name), value)
            add("sector", str(int(sector[name])) if name in sector else "unknown", value)
            add("month", run.market.calendar[day].strftime("%Y-%m"), value)
    return pd.DataFrame(
        [{"kind": kind, "id": key, "ret_net": value} for (kind, key), value in totals.items()],
        columns=["kind", "id", "ret_net"],
    )


def holdings(run: Run, overall: Series) -> pd.DataFrame:
    rows = [
        {"date": run.market.calendar[day], "security_id": name, "weight": weight}
        for day, book in overall.books.items()
        for name, weight in sorted(book.items())
    ]
    return pd.DataFrame(rows, columns=["date", "security_id", "weight"])


def diagnostics(
    run: Run,
    overall: Series,
    *,
    live: timeline.LiveSignals,
    fractiles: pd.DataFrame,
    ic_series: pd.DataFrame,
) -> dict[str, Any]:
    formations = [run.behind(day) for day in overall.books]
    names = [len(f.signal) for f in formations]
    known = fractiles.dropna(subset="ret_ann")
    distinct = len(known) > 1 and known["ret_ann"].nunique() > 1
    flagged = run.config.universe or ("all" if run.market.universe is None else "flagged")
    return {
        "ledger": {
            "rows_in": live.rows_used + live.dropped.total(),
            "rows_used": live.rows_used,
            "dropped": {reason: count for reason, count in live.dropped.items() if count},
        },
        "carry_days": live.carry_days,
        "universe": flagged,
        "coverage": {
            "mean": float(np.mean(names)),
            "min": min(names),
            "share": float(np.mean([len(f.signal) / f.candidates for f in formations if f.candidates])),
        },
        "tail_share": {"long": _tail_share(run, overall, 1), "short": _tail_share(run, overall, -1)},
        "flat_days": sum(not book for book in overall.books.values()),
        "missing_return_share": float(overall.days["missing_return_share"].mean()),
        "ic": measures.ic_summary(list(ic_series["ic"])),
        "fractile_monotonicity": spearmanr(known["fractile"], known["ret_ann"]).statistic if distinct else NAN,
    }


def _tail_share(run: Run, overall: Series, sign: int) -> float:
    """Share of the ranked names that a side really holds, mean over the days with a new book."""
    shares = [
        sum(sign * weight > 0 for weight in book.values()) / len(run.formations[run.book_days[day - run.delay]].signal)
        for day, book in overall.targets.items()
        if book
    ]
    return float(np.mean(shares)) if shares else NAN
