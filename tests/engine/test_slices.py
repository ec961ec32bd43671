"""Slices by frames of the user, and what a slice may not be."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poc.data.catalog import DataCatalog
from poc.engine.config import BacktestConfig
from poc.engine.slices import encode_labels
from poc.engine.wrapper import run_backtest
from poc.errors import BacktestError, ContractError
from tests.engine.conftest import Snapshot
from tests.engine.test_against_reference import RAGGED, SPARSE, assert_agree
from tests.reference.random_panels import PanelShape, random_signal
from tests.reference.reference_engine import reference_backtest

NAMES = ("overall", "vix", "earnings")


def config(**changes: Any) -> BacktestConfig:
    usual: dict[str, Any] = {"mincos": 3, "slice_mincos": 2, "fractile": (20, 80), "slices": NAMES}
    return BacktestConfig(**(usual | changes))


def frames(catalog: DataCatalog) -> dict[str, pd.DataFrame]:
    """A regime that skips days and has some beyond the calendar; a window of names, of which one is unknown."""
    rng = np.random.default_rng(3)
    days = pd.date_range(catalog.calendar[0], catalog.calendar[-1] + np.timedelta64(20, "D"))
    level = rng.choice(np.array(["high", "low", None]), len(days), p=[0.3, 0.6, 0.1])
    names = [*catalog.security_ids, type(catalog.security_ids.tolist()[0])(7)]
    window = pd.DataFrame([(name, day) for name in names for day in days], columns=["security_id", "date"])
    window["days_to_report"] = rng.choice([-1.0, 0.0, 2.0, np.nan], len(window))
    window = window[rng.random(len(window)) < 0.8].reset_index(drop=True)
    return {"vix": pd.DataFrame({"date": days, "level": level})[5:], "earnings": window}


@pytest.mark.parametrize("shape", [RAGGED, SPARSE], ids=["ragged", "sparse"])
@pytest.mark.parametrize(
    "changes", [{}, {"from_open": True, "lag": 2, "residualize": "industry"}], ids=["close", "open"]
)
def test_frames_are_held_to_the_reference(shape: PanelShape, changes: dict[str, Any], snapshot: Snapshot) -> None:
    catalog, signal = snapshot(shape), random_signal(shape)
    groups = frames(catalog)
    result = run_backtest(signal, config(**changes), catalog, groups=groups)
    assert_agree(result, reference_backtest(signal, config(**changes), catalog, groups))
    assert result.summary_table["group"].tolist() == ["overall", "high", "low", "-1", "0", "2"]


def test_the_groups_of_a_regime_share_out_the_days(snapshot: Snapshot) -> None:
    catalog = snapshot(RAGGED)
    halves = pd.DataFrame({"date": catalog.calendar.astype(str), "half": np.arange(len(catalog.calendar)) < 40})
    result = run_backtest(
        random_signal(RAGGED), config(slices=("overall", "half")), catalog, groups={"half": pl.from_pandas(halves)}
    )
    overall, *parts = result.summary_table.to_dict("records")
    assert [part["group"] for part in parts] == ["false", "true"]
    assert sum(part["num_days"] for part in parts) == overall["num_days"]
    assert sum(part["num_days"] * part["ret_ann"] for part in parts) == pytest.approx(
        overall["num_days"] * overall["ret_ann"]
    )
    assert result.slice_series.empty


def test_a_slice_by_cap_and_year_cuts_the_series_of_each_cap_group(snapshot: Snapshot) -> None:
    result = run_backtest(random_signal(RAGGED), config(slices=("overall", "cap", "capyr")), snapshot(RAGGED))
    table = result.summary_table.set_index("group")
    assert {"Large Cap 2019", "Large Cap 2020", "Small Cap 2020"} <= set(table.index)
    for cap in ("Large Cap", "Mid Cap", "Small Cap"):
        years = table.loc[[f"{cap} 2019", f"{cap} 2020"]]
        assert years["num_days"].sum() == table["num_days"][cap]
        assert years["num_days"].min() > 0


def test_a_name_that_leaves_a_window_leaves_its_book(snapshot: Snapshot) -> None:
    catalog = snapshot(RAGGED)
    first_days = pd.DataFrame(
        [(s, d, "window") for s in catalog.security_ids for d in catalog.calendar[:20]],
        columns=["security_id", "date", "label"],
    )
    result = run_backtest(
        random_signal(RAGGED), config(slices=("overall", "earnings")), catalog, groups={"earnings": first_days}
    )
    assert result.slice_series["date"].max() == pd.Timestamp(catalog.calendar[20])  # earned by the book of day 19


DAY = pd.Timestamp("2019-12-02")
BAD_FRAMES: dict[str, tuple[pd.DataFrame, str]] = {
    "no date": (pd.DataFrame({"day": [DAY], "x": [1]}), r"has the columns 'day', 'x'; expected: 'date'"),
    "two labels": (pd.DataFrame({"date": [DAY], "x": [1], "y": [1]}), "and one column with the label"),
    "no day": (pd.DataFrame({"date": ["soon"], "x": [1]}), r"'date' cannot be read in 1 rows.*row 0 \(soon\)"),
    "missing id": (pd.DataFrame({"security_id": [None, 1], "date": [DAY, DAY], "x": [1, 1]}), "'security_id' cannot"),
    "doubled": (pd.DataFrame({"date": [DAY, DAY], "x": [1, 2]}), "2 rows repeat another's date"),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_frame_that_cannot_be_read_is_refused(name: str, snapshot: Snapshot) -> None:
    frame, message = BAD_FRAMES[name]
    with pytest.raises(ContractError, match=message):
        run_backtest(random_signal(RAGGED), config(slices=("overall", "x")), snapshot(RAGGED), groups={"x": frame})


BAD_NAMES: dict[str, tuple[tuple[str, ...], dict[str, pd.DataFrame], str]] = {
    "unknown": (("overall", "moon"), {}, "There is no slice 'moon'. There are overall, year.*country"),
    "a key": (("overall", "date"), {}, "There is no slice 'date'"),
    "a style": (("overall", "value"), {}, "column value of the risk table holds .*a group is named by"),
    "idle": (("overall",), {"vix": pd.DataFrame({"date": [DAY], "x": [1]})}, "that config.slices does not name"),
    "taken": (("overall", "cap"), {"cap": pd.DataFrame({"date": [DAY], "x": [1]})}, "a slice that is built in"),
    "empty": (("overall", "vix"), {"vix": pd.DataFrame({"date": [DAY], "x": [None]})}, "holds 0 distinct values"),
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_slice_that_cannot_be_made_is_refused(name: str, snapshot: Snapshot) -> None:
    slices, groups, message = BAD_NAMES[name]
    with pytest.raises(BacktestError, match=message):
        run_backtest(random_signal(RAGGED), config(slices=slices), snapshot(RAGGED), groups=groups)


@pytest.mark.parametrize(
    ("values", "labels", "code"),
    [
        (pl.Series([10, 9, None, 9]), ("9", "10"), [1, 0, -1, 0]),
        (pl.Series([2.0, float("nan"), -1.0]), ("-1", "2"), [1, -1, 0]),
        (pl.Series(["b", None, "a"]), ("a", "b"), [1, -1, 0]),
        (pl.Series(["b", None, "a"], dtype=pl.Categorical), ("a", "b"), [1, -1, 0]),
        (pl.Series([True, False]), ("false", "true"), [1, 0]),
    ],
)
def test_labels_are_text_in_ascending_order(values: pl.Series, labels: tuple[str, ...], code: list[int]) -> None:
    found = encode_labels(values, "x")
    assert found.labels == labels
    assert found.code.tolist() == code


def test_too_many_values_are_no_groups() -> None:
    assert len(encode_labels(pl.Series(range(200)), "x").labels) == 200
    with pytest.raises(BacktestError, match="x holds 201 distinct values; a way to group has 1 to 200"):
        encode_labels(pl.Series(range(201)), "x")
