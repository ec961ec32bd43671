"""Placing against the word-by-word timeline, in any order of the file, and from a signal that was checked before."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.contract.schema import validate_signal_df
from poc.data.catalog import DataCatalog
from poc.data.panel import Panel, make_panel
from poc.engine import blocks
from poc.engine.config import BacktestConfig
from poc.engine.placing import place_signal
from poc.engine.wrapper import check_signal, run_backtest
from poc.errors import ContractError
from tests.conftest import Demo

MONDAY = date(2020, 1, 6)
N_DAYS = 12
DAYS = [MONDAY + timedelta(days=7 * (i // 5) + i % 5) for i in range(N_DAYS)]


def _panel() -> Panel:
    rows = [(s, day) for i, day in enumerate(DAYS) for s in (1, 2, 3) if (i + s) % 5]
    keys = pl.DataFrame(rows, schema={"security_id": pl.Int64, "date": pl.Date}, orient="row")
    tables = {
        "ret": keys.with_columns(ret=pl.lit(0.0)),
        "risk": keys.with_columns(industry_id=1, mcap=1.0, cap=1),
        "trading_date": pl.DataFrame({"date": DAYS}),
    }
    return make_panel(tables, days_per_year=252, open_cutoff=8.0, close_cutoff=15.0)


PANEL = _panel()
ROW = st.tuples(
    st.sampled_from([1, 2, 3, 99]),
    st.integers(-1, N_DAYS + 1).map(lambda i: MONDAY + timedelta(days=i)),
    st.integers(0, 4),
)


def _slow(rows: list[tuple[int, date, int]], carry_days: int, ahead: int) -> list[float]:
    """For each panel row: the value (its place in the list) of the live row with the latest `date_sig`."""
    formed = []
    for value, (security, sig, wait) in enumerate(rows):
        available = sig + timedelta(days=wait)
        days = [i for i, day in enumerate(DAYS) if day >= available]
        if not DAYS[0] <= available <= DAYS[-1] or not days:
            continue
        known_in_time = available != DAYS[days[0]] or wait > 0
        formed.append((security, sig, days[0] + (0 if known_in_time else 1), float(value)))
    out = []
    for t in range(N_DAYS):
        for r in range(PANEL.offsets[t], PANEL.offsets[t + 1]):
            security, day = PANEL.securities[PANEL.security[r]], t + ahead
            live = [(sig, x) for s, sig, f, x in formed if s == security and f <= day < f + carry_days]
            out.append(max(live)[1] if live and day < N_DAYS else np.nan)
    return out


@given(
    st.lists(ROW, max_size=25, unique_by=lambda row: row[:2]),
    st.integers(1, 4),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_the_live_row_is_that_of_the_latest_date_sig_in_any_order_of_the_file(
    rows: list[tuple[int, date, int]], carry_days: int, from_open: bool, random: np.random.RandomState
) -> None:
    frame = pl.DataFrame(
        {
            "security_id": [s for s, _, _ in rows],
            "date_sig": [sig for _, sig, _ in rows],
            "date_avail": [sig + timedelta(days=wait) for _, sig, wait in rows],
            "signal": [float(i) for i in range(len(rows))],
        },
        schema={"security_id": pl.Int64, "date_sig": pl.Date, "date_avail": pl.Date, "signal": pl.Float64},
    )
    config = BacktestConfig(carry_days=carry_days, from_open=from_open)
    expected = _slow(rows, carry_days, 1 if from_open else 0)
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)
    by_day, by_security = frame.sort("date_sig", "security_id"), frame.sort("security_id", "date_sig")
    dropped = []
    for ordered in (by_day, by_security, frame[shuffled]):
        for block_rows in (len(PANEL.security), 3):
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(blocks, "BLOCK_ROWS", block_rows)
                placed = place_signal(validate_signal_df(ordered).rows, PANEL, config, threads=2)
            np.testing.assert_array_equal(placed.values, expected)
            dropped.append(placed.dropped)
    assert all(found == dropped[0] for found in dropped)
    outside = sum(not DAYS[0] <= sig + timedelta(days=wait) <= DAYS[-1] for _, sig, wait in rows)
    assert dropped[0]["outside_calendar"] == outside


def _catalog(demo: Demo) -> DataCatalog:
    return DataCatalog("demo", root=demo.workspace / "snapshots")


def test_a_signal_is_checked_once_for_many_runs(demo: Demo) -> None:
    catalog = _catalog(demo)
    frame = demo.signals["real_alpha"].frame
    for config in (BacktestConfig(), BacktestConfig(lag=1, residualize="industry")):
        raw = run_backtest(frame, config, catalog)
        again = run_backtest(check_signal(frame, BacktestConfig(), catalog), config, catalog)
        assert raw.daily_series.equals(again.daily_series)
        assert raw.diagnostics["ledger"] == again.diagnostics["ledger"]


def test_a_signal_that_was_checked_without_the_snapshot_loses_what_the_snapshot_lacks(demo: Demo) -> None:
    catalog = _catalog(demo)
    frame = demo.signals["real_alpha"].frame
    early = frame.drop_duplicates("security_id").head(20).assign(date_sig="1999-01-04", date_avail="1999-01-05")
    unknown = frame.drop_duplicates("date_sig").head(3).assign(security_id=-5)
    parts = [pl.from_pandas(part.astype({"date_sig": str, "date_avail": str})) for part in (frame, early, unknown)]
    more = pl.concat(parts)
    found = run_backtest(validate_signal_df(more), BacktestConfig(), catalog)
    expected = run_backtest(more, BacktestConfig(), catalog)
    assert found.daily_series.equals(expected.daily_series)
    assert found.diagnostics["ledger"] == expected.diagnostics["ledger"]
    assert found.diagnostics["ledger"]["dropped"]["outside_calendar"] == 20
    assert found.diagnostics["ledger"]["dropped"]["unknown_security"] == 3


def test_a_refused_signal_does_not_run(demo: Demo) -> None:
    refused = validate_signal_df(demo.signals["real_alpha"].frame.assign(signal=np.inf))
    with pytest.raises(ContractError, match="The signal is infinite"):
        run_backtest(refused, BacktestConfig(), _catalog(demo))
