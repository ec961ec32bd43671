"""The reference itself, on cases small enough to be worked out by hand."""

from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.engine.config import BacktestConfig
from poc.errors import BacktestError, ContractError
from tests.reference import costs, measures, portfolio, timeline
from tests.reference.market import Market
from tests.reference.reference_engine import reference_backtest

NAN = float("nan")
DAYS = pd.bdate_range("2020-01-06", periods=12)  # from a Monday on


@dataclass(frozen=True)
class FrameCatalog:
    """A snapshot that is nothing but its frames."""

    ret: pd.DataFrame
    risk: pd.DataFrame
    dates: pd.DataFrame
    universe: pd.DataFrame | None = None

    def get_retfile(self) -> pd.DataFrame:
        return self.ret

    def get_otherfile(self) -> pd.DataFrame:
        return self.risk

    def get_datefile(self) -> pd.DataFrame:
        return self.dates

    def get_universefile(self) -> pd.DataFrame | None:
        return self.universe

    def get_factorfile(self) -> pd.DataFrame | None:
        return None

    def get_manifest(self) -> dict[str, Any]:
        return {"days_per_year": 252, "open_cutoff": 8.0, "close_cutoff": 15.0}


def long_table(columns: dict[str, dict[str, list[float]]]) -> pd.DataFrame:
    """Column -> security -> a value a day, as one row a security and day."""
    parts = [
        pd.DataFrame({"security_id": s, "date": DAYS[: len(v)], column: v})
        for column, values in columns.items()
        for s, v in values.items()
    ]
    return pd.concat(parts).groupby(["security_id", "date"], as_index=False).first()


def catalog(ret: dict[str, list[float]], **columns: dict[str, list[float]]) -> FrameCatalog:
    """Returns a security, and further columns of the `ret` table or (those named here) of `risk`."""
    length = max(map(len, ret.values()))
    in_risk = {"industry_id", "sector_id", "mcap", "cap", "size"} & columns.keys()
    full = {s: [1.0] * length for s in ret}
    risk = long_table({"industry_id": full, "mcap": full} | {c: columns[c] for c in in_risk})
    table = long_table({"ret": ret} | {c: v for c, v in columns.items() if c not in in_risk})
    dates = pd.DataFrame({"date": DAYS[:length], "insample": [1, 0] * (length // 2) + [1] * (length % 2)})
    return FrameCatalog(table, risk, dates)


def signal(values: dict[str, list[float]]) -> pd.DataFrame:
    """A row a security and day, known on the day itself before the close."""
    rows = [
        {"security_id": s, "date_sig": DAYS[i], "date_avail": DAYS[i], "avail_hour": 12.0, "signal": v}
        for s, series in values.items()
        for i, v in enumerate(series)
    ]
    return pd.DataFrame(rows)


def config(**changes: Any) -> BacktestConfig:
    fields: dict[str, Any] = {"mincos": 1, "slice_mincos": 1, "input_type": "position", "slices": ("overall",)}
    return BacktestConfig(**(fields | changes))


TWO_NAMES = catalog(
    {"up": [0.0, 0.01, 0.02, 0.03, 0.04], "down": [0.0, 0.1, 0.2, 0.3, 0.4]},
    cap={"up": [1.0] * 5, "down": [2.0] * 5},
)
LONG_UP = signal({"up": [1.0] * 5, "down": [-1.0] * 5})


@pytest.mark.parametrize(
    ("described", "available", "hour", "from_open", "expected"),
    [
        ("2020-01-06", "2020-01-07", 15.0, False, 1),
        ("2020-01-06", "2020-01-07", 15.5, False, 2),
        ("2020-01-06", "2020-01-07", 8.0, True, 1),
        ("2020-01-06", "2020-01-07", 8.5, True, 2),
        ("2020-01-06", "2020-01-07", NAN, True, 1),
        ("2020-01-06", "2020-01-06", NAN, False, 1),
        ("2020-01-06", "2020-01-06", NAN, True, 1),
        ("2020-01-10", "2020-01-11", 23.0, False, 5),  # a Saturday: known before Monday
        ("2020-01-11", "2020-01-11", NAN, True, 5),
        ("2019-12-02", "2019-12-03", NAN, False, 0),
        ("2020-01-21", "2020-01-21", 16.0, False, 12),
        ("2020-03-01", "2020-03-02", NAN, False, 12),
    ],
)
def test_formation_day(described: str, available: str, hour: float, from_open: bool, expected: int) -> None:
    market = Market(catalog({"a": [0.0] * 12}))
    days = {"date_sig": date.fromisoformat(described), "date_avail": date.fromisoformat(available)}
    assert timeline.formation_day(days | {"avail_hour": hour}, market, from_open=from_open) == expected


@pytest.mark.parametrize(
    ("formations", "expected"), [([0, 0, 1, 2], 1), ([0, 5, 10, 10], 8), ([3], 1), ([0, 1, 5], 4), ([], 1)]
)
def test_default_carry(formations: list[int], expected: int) -> None:
    assert timeline.default_carry(formations) == expected


def test_a_later_date_sig_covers_an_earlier_one_while_it_lives() -> None:
    rows = pd.DataFrame(
        {
            "security_id": "a",
            "date_sig": [DAYS[0], DAYS[1], DAYS[2], DAYS[3]],
            "date_avail": [DAYS[2], DAYS[1], DAYS[7], DAYS[7]],
            "avail_hour": 9.0,
            "signal": [10.0, 11.0, 12.0, 13.0],
        }
    )
    live = timeline.live_signals(rows, Market(catalog({"a": [0.0] * 12})), config(carry_days=3))
    assert [day.get("a") for day in live.by_day] == [None, 11, 11, 11, 10, None, None, 13, 13, 13, None, None]
    assert (live.rows_used, live.dropped) == (3, {"superseded": 1})


def test_missing_unknown_and_late_rows_are_not_used() -> None:
    rows = signal({"a": [1.0, NAN, 1.0, 1.0], "nobody": [1.0]})
    rows.loc[0, "date_avail"] = pd.Timestamp("2021-01-01")
    rows.loc[2, "date_avail"] = DAYS[11]
    rows.loc[2, "avail_hour"] = 16.0
    live = timeline.live_signals(rows, Market(catalog({"a": [0.0] * 12})), config())
    reasons = ("missing_signal", "unknown_security", "outside_calendar", "after_calendar", "superseded")
    assert live.rows_used == 1
    assert live.dropped == dict.fromkeys(reasons, 1) | {"superseded": 0}


def test_the_book_earns_from_the_day_after_it_is_formed() -> None:
    result = reference_backtest(LONG_UP, config(), TWO_NAMES)
    series = result.daily_series
    assert list(series["date"]) == list(DAYS[1:5])
    np.testing.assert_allclose(series["ret"], [-0.09, -0.18, -0.27, -0.36])
    np.testing.assert_allclose(series["ret_long"], [0.01, 0.02, 0.03, 0.04])
    np.testing.assert_allclose(series["ret_short"], [-0.1, -0.2, -0.3, -0.4])
    np.testing.assert_allclose(series["cumret"], [-0.09, -0.27, -0.54, -0.9])
    np.testing.assert_allclose(series["drawdown"], [-0.09, -0.27, -0.54, -0.9])
    assert (series["cost"] == 0).all()
    assert series["resret"].isna().all()
    assert list(result.holdings["weight"]) == [-1.0, 1.0] * 4


def test_lag_takes_the_book_of_an_earlier_day() -> None:
    swap = signal({"up": [1.0, -1.0, 1.0, 1.0, 1.0], "down": [-1.0, 1.0, -1.0, -1.0, -1.0]})
    series = reference_backtest(swap, config(lag=1), TWO_NAMES).daily_series
    np.testing.assert_allclose(series["ret"], [-0.18, 0.27, -0.36])


def test_turnover_and_naive_cost_of_a_full_swap_and_of_a_flat_day() -> None:
    swap = signal({"up": [1.0, -1.0, 0.0, -1.0], "down": [-1.0, 1.0, 0.0, 1.0]})
    series = reference_backtest(swap, config(borrow_bps=252.0), TWO_NAMES).daily_series
    np.testing.assert_allclose(series["turnover"], [0.0, 1.0, 0.5, 0.5])
    np.testing.assert_allclose(series["cost"], [0.0, 2 * 2e-4 + 2 * 5e-4, 2e-4 + 5e-4, 2e-4 + 5e-4])
    np.testing.assert_allclose(series["ret_net"], series["ret"] - series["cost"] - 1e-4 * np.array([1, 1, 0, 1]))
    np.testing.assert_allclose(series["n_long"], [1, 1, 0, 1])


def test_open_trades_earn_openret_of_the_formation_day_and_know_only_the_day_before() -> None:
    market = catalog(
        {"up": [0.0] * 4, "down": [0.0] * 4},
        openret={"up": [0.1, 0.2, 0.3, 0.4], "down": [0.0] * 4},
        size={"up": [1.0, 2.0, 3.0, 4.0], "down": [0.0] * 4},
    )
    early = signal({"up": [1.0] * 4, "down": [-1.0] * 4}).assign(avail_hour=7.0)
    series = reference_backtest(early, config(from_open=True), market).daily_series
    assert list(series["date"]) == list(DAYS[1:4])
    np.testing.assert_allclose(series["ret"], [0.2, 0.3, 0.4])
    np.testing.assert_allclose(series["size"], [1.0, 2.0, 3.0])


def test_delisting_return_is_compounded_or_alone_and_its_row_is_not_eligible() -> None:
    market = catalog(
        {"up": [0.0, 0.1, 0.0, 0.0], "down": [0.0, NAN, 0.0, 0.0]},
        delist_ret={"up": [NAN, -0.5, NAN, NAN], "down": [NAN, -0.3, NAN, NAN]},
    )
    series = reference_backtest(LONG_UP, config(end=DAYS[2].date()), market).daily_series
    assert len(series) == 1  # formed on day 1 it would be held on day 2
    assert series["ret"].iloc[0] == pytest.approx((1.1 * 0.5 - 1) + 0.3)
    assert series["missing_return_share"].iloc[0] == 0


def test_a_held_name_without_a_return_earns_nothing_and_is_counted() -> None:
    market = catalog({"up": [0.0, 0.01], "down": [0.0, NAN], "flat": [0.0, 0.05]})
    book = signal({"up": [1.0], "down": [-1.0], "flat": [1.0]})
    series = reference_backtest(book, config(), market).daily_series
    assert series["ret"].iloc[0] == pytest.approx((0.01 + 0.05) / 2)
    assert series["missing_return_share"].iloc[0] == pytest.approx(0.5)


def test_holding_days_average_the_target_books() -> None:
    swap = signal({"up": [1.0, -1.0, -1.0], "down": [-1.0, 1.0, 1.0]})
    held = reference_backtest(swap, config(holding_days=2), TWO_NAMES).holdings
    weights = held.pivot_table(index="date", columns="security_id", values="weight")
    assert list(weights.index) == [DAYS[1], DAYS[3], DAYS[4]]  # on day 2 the two books cancel
    np.testing.assert_allclose(weights["up"], [0.5, -1.0, -0.5])


def test_selected_days_cut_the_series_and_restart_its_costs() -> None:
    swap = signal({"up": [1.0, -1.0, 1.0, -1.0], "down": [-1.0, 1.0, -1.0, 1.0]})
    series = reference_backtest(swap, config(start=DAYS[2].date(), end=DAYS[3].date()), TWO_NAMES).daily_series
    assert list(series["date"]) == [DAYS[2], DAYS[3]]
    np.testing.assert_allclose(series["turnover"], [0.0, 1.0])
    outside = reference_backtest(swap, config(sample="out"), TWO_NAMES).daily_series
    assert list(outside["date"]) == [DAYS[1], DAYS[3]]
    np.testing.assert_allclose(outside["turnover"], [0.0, 1.0])  # against the day before, which is not selected


def form_one_day(values: list[float], **changes: Any) -> dict[str, float]:
    names = [f"n{i:02}" for i in range(len(values))]
    formation = portfolio.Formation(
        signal=dict(zip(names, values, strict=True)),
        sizes={n: float(i) for i, n in enumerate(names)},
    )
    settings = config(input_type="value", fractile=(20, 80), **changes)
    return portfolio.target_book(formation, names, config=settings, mincos=changes.get("mincos", 1))


def test_percentiles_decide_the_sides() -> None:
    assert form_one_day([float(i) for i in range(10)]) == {"n00": -0.5, "n01": -0.5, "n08": 0.5, "n09": 0.5}
    assert form_one_day([float(i) for i in range(11)]).keys() == {"n00", "n01", "n08", "n09", "n10"}  # 19, 82%


def test_ties_at_an_end_become_the_side_when_they_are_not_too_many() -> None:
    four_lowest = form_one_day([1, 1, 1, 1, 5, 6, 7, 8, 9, 10], mincos=2)
    assert sorted(four_lowest) == ["n00", "n01", "n02", "n03", "n08", "n09"]
    assert four_lowest["n00"] == -0.25
    assert form_one_day([1, 1, 1, 1, 1, 6, 7, 8, 9, 10], mincos=2) == {}


def test_a_name_without_size_counts_for_nothing() -> None:
    values = [float(i) for i in range(10)]
    book = form_one_day(values, weight="value", upper_pct=1.0)
    assert book == pytest.approx({"n01": -1.0, "n08": 8 / 17, "n09": 9 / 17})
    assert form_one_day(values, weight="value", mincos=2) == {}


def test_large_weights_are_clipped_to_quantiles_of_the_side() -> None:
    book = form_one_day([float(i) for i in range(20)], weight="value", upper_pct=0.75, mincos=1)
    # the long side has the sizes 16, 17, 18, 19: quartiles 16.75 and 18.25
    assert book["n16"] == pytest.approx(16.75 / 70)
    assert book["n17"] == pytest.approx(17 / 70)
    assert book["n19"] == pytest.approx(18.25 / 70)


def test_long_only_needs_no_short_side() -> None:
    tied_below = [0.0, 0, 0, 0, 0, 0, 0, 0, 8, 9]
    assert form_one_day(tied_below, mincos=2) == {}
    assert form_one_day(tied_below, mincos=2, method="long_only") == {"n08": 0.5, "n09": 0.5}


def test_weights_as_given_or_rescaled() -> None:
    given = signal({"up": [0.3] * 3, "down": [-0.2] * 3})
    rescaled = reference_backtest(given, config(input_type="weight"), TWO_NAMES).holdings
    assert list(rescaled["weight"]) == [-1.0, 1.0] * 3
    kept = reference_backtest(given, config(input_type="weight", rescale_weights=False), TWO_NAMES)
    assert list(kept.holdings["weight"]) == [-0.2, 0.3] * 3


def test_industry_residuals_are_deviations_from_the_industry_mean() -> None:
    left = portfolio.residuals(
        {"a": 1.0, "b": 3.0, "c": 10.0, "d": 5.0}, {"a": 1, "b": 1, "c": 2}, styles={}, kind="industry"
    )
    assert left == pytest.approx({"a": -1.0, "b": 1.0, "c": 0.0, "d": 0.0}, abs=1e-9)


def test_styles_that_say_the_same_or_nothing_do_no_harm() -> None:
    values = {"a": 1.0, "b": 2.0, "c": 4.0}
    line = {"a": 0.0, "b": 1.0, "c": 2.0}
    styles = {"one": line, "twice": {n: 2 * v for n, v in line.items()}, "constant": dict.fromkeys(line, 0.1)}
    left = portfolio.residuals(values, {}, styles=styles, kind="factor")
    assert left == pytest.approx({"a": 1 / 6, "b": -1 / 3, "c": 1 / 6}, abs=1e-9)


def test_a_constant_signal_leaves_nothing() -> None:
    names = [str(i) for i in range(7)]
    assert set(portfolio.residuals(dict.fromkeys(names, 0.1), {}, styles={}, kind="industry").values()) == {0.0}


def test_values_grow_too_old() -> None:
    size = {"a": [1.5] + [NAN] * 11}
    market = Market(catalog({"a": [0.0] * 12}, size=size))
    assert market.seen("size", 5, 5) == {"a": 1.5}
    assert market.seen("size", 6, 5) == {}
    assert market.seen("size", 11, None) == {"a": 1.5}
    assert market.seen("size", 1, 0) == {}


def test_power_law_charges_an_unknown_name_the_median_of_the_known() -> None:
    market = Market(
        catalog(
            {n: [0.0] for n in "abcd"},
            vol={"a": [0.02], "b": [0.04], "c": [0.02], "d": [NAN]},
            adv={"a": [1e6], "b": [1e6], "c": [0.0], "d": [1e6]},
        )
    )
    settings = config(tc_model="power_law", tc_power=(0.5, 0.5), gmv=4e6)
    traded = {"a": 0.25, "b": 0.25, "c": 0.5, "d": 0.5}
    paid = costs.cost_by_name(traded, 0, market=market, config=settings)
    assert paid == pytest.approx({"a": 0.25 * 0.01, "b": 0.25 * 0.02, "c": 0.5 * 0.015, "d": 0.5 * 0.015})
    assert costs.cost_by_name({"c": 0.5}, 0, market=market, config=settings) == pytest.approx({"c": 0.5 * 10e-4})


def test_summary_of_four_days() -> None:
    days = pd.DataFrame(
        {
            "date": pd.to_datetime(["2020-01-30", "2020-01-31", "2020-02-03", "2020-02-04"]),
            "ret": [0.02, -0.01, 0.0, 0.03],
            "ret_net": [0.02, -0.02, -0.01, 0.03],
            "resret": NAN,
            "ret_market": [0.01, 0.0, 0.01, 0.02],
            "turnover": [0, 1, 1, 1],
            "n_long": [2, 2, 0, 2],
            "n_short": 1,
            "size": [1, NAN, 2, 3],
        }
    )
    row = measures.summary(days, ["size"], year=252)
    assert row["ret_ann"] == pytest.approx(2.52)
    assert row["ret_std"] == pytest.approx(sqrt(0.001 / 3 * 252))
    assert row["sharpe"] == pytest.approx(2.52 / sqrt(0.001 / 3 * 252))
    assert np.isnan(row["sharpe_resret"])
    assert row["max_drawdown"] == pytest.approx(-0.03)
    assert row["hit_rate"] == 0.5
    assert row["worst_month"] == pytest.approx(0.0)
    assert row["beta"] == pytest.approx(2)
    assert row["size"] == 2
    assert row["turnover"] == 0.75


def test_drawdown_counts_from_zero() -> None:
    np.testing.assert_allclose(measures.drawdown([-0.1, 0.3, -0.05]), [-0.1, 0.0, -0.05])


def test_newey_west_t_by_its_formula() -> None:
    values = np.array([0.3, 0.1, -0.2, 0.4, 0.5, 0.0, 0.2, -0.1])
    left = values - values.mean()
    variance = (left @ left + 2 * (2 / 3 * left[1:] @ left[:-1] + 1 / 3 * left[2:] @ left[:-2])) / 64
    assert measures.newey_west_t(list(values)) == pytest.approx(values.mean() / sqrt(variance))  # 2 lags


def test_fractiles_information_coefficient_and_attribution() -> None:
    names = [f"n{i:02}" for i in range(10)]
    market = catalog(
        {n: [0.0, 0.01 * i, 0.02 * i] for i, n in enumerate(names)},
        sector_id={n: [1.0 + i % 2] * 3 for i, n in enumerate(names)},
    )
    settings = config(input_type="value", fractile=(20, 80))
    result = reference_backtest(signal({n: [float(i)] * 3 for i, n in enumerate(names)}), settings, market)
    np.testing.assert_allclose(result.fractile_analysis["ret_ann"], 252 * 0.015 * np.array([0.5, 2.5, 4.5, 6.5, 8.5]))
    assert list(result.fractile_analysis["n"]) == [2] * 5
    assert result.diagnostics["fractile_monotonicity"] == pytest.approx(1)
    assert list(result.ic_series["ic"]) == pytest.approx([1, 1])
    by_kind = result.attribution.groupby("kind")["ret_net"].sum()
    np.testing.assert_allclose(by_kind, result.daily_series["ret_net"].sum())
    assert set(result.attribution.query("kind == 'sector'")["id"]) == {"1", "2"}


def test_groups_are_ranked_on_their_own() -> None:
    names = [f"n{i:02}" for i in range(10)]
    market = catalog(
        {n: [0.0, 0.01 * i] for i, n in enumerate(names)},
        cap={n: [1.0 if i < 5 else 3.0] * 2 for i, n in enumerate(names)},
    )
    settings = config(input_type="value", fractile=(20, 80), slices=("overall", "cap"))
    table = reference_backtest(signal({n: [float(i)] for i, n in enumerate(names)}), settings, market).summary_table
    assert list(table["group"]) == ["overall", "Large Cap", "Mid Cap", "Small Cap"]
    np.testing.assert_allclose(table["num_days"], [1, 1, 0, 1])
    np.testing.assert_allclose(table["ret_ann"], [252 * 0.08, 252 * 0.04, NAN, 252 * 0.04])


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(BacktestError, match="never invested"):
        reference_backtest(LONG_UP, config(mincos=3), TWO_NAMES)
    with pytest.raises(BacktestError, match="no openret"):
        reference_backtest(LONG_UP, config(from_open=True), TWO_NAMES)
    with pytest.raises(BacktestError, match="no universe table"):
        reference_backtest(LONG_UP, config(universe="flagged"), TWO_NAMES)
    with pytest.raises(ContractError, match="position"):
        reference_backtest(LONG_UP.assign(signal=0.5), config(), TWO_NAMES)
