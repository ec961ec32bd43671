"""The engine and the slow reference give the same tables, for every field of the configuration."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult
from poc.engine.wrapper import run_backtest
from poc.errors import PocError
from tests.engine.conftest import Snapshot
from tests.reference.random_panels import Kind, PanelShape, random_signal
from tests.reference.reference_engine import ReferenceResult, reference_backtest

TOLERANCE = 1e-10
RAGGED = PanelShape(seed=1)
SPARSE = PanelShape(
    seed=2,
    string_ids=True,
    universe=False,
    cap=False,
    adv_in_ret=False,
    residual_returns=False,
    days_per_year=260,
    open_cutoff=6.0,
    close_cutoff=16.0,
)
BARE = PanelShape(seed=3, bare=True)
ALL_SLICES = ("overall", "year", "cap", "sector", "industry")
TABLES = {
    "daily_series": ["date"],
    "summary_table": ["slice", "group"],
    "fractile_analysis": ["fractile"],
    "ic_series": ["date"],
    "slice_series": ["slice", "group", "date"],
    "attribution": ["kind", "id"],
}


@dataclass(frozen=True)
class Case:
    """What a field is set to, and on which market and signal that shows."""

    changes: dict[str, Any]
    shape: PanelShape = RAGGED
    kind: Kind = "value"

    def config(self) -> BacktestConfig:
        usual: dict[str, Any] = {"mincos": 3, "slice_mincos": 2, "fractile": (20, 80)}
        return BacktestConfig(**(usual | self.changes))


FIELD_CASES: dict[str, list[Case]] = {
    "lag": [Case({"lag": lag}) for lag in (1, 3)],
    "residualize": [
        Case({"residualize": "industry"}),
        Case({"residualize": "factor"}),
        Case({"residualize": "all"}, RAGGED, "ties"),
        Case({"residualize": "all"}, SPARSE),
    ],
    "tc_model": [Case({"tc_model": "power_law"}), Case({"tc_model": "power_law"}, SPARSE)],
    "weight": [Case({"weight": weight}, shape) for weight in ("value", "volume") for shape in (RAGGED, SPARSE)],
    "fractile": [Case({"fractile": fractile}) for fractile in ((10, 90), (30, 60), (40, 60))],
    "from_open": [Case({"from_open": True}), Case({"from_open": True}, SPARSE, "weekly")],
    "mincos": [Case({"mincos": 1}), Case({"mincos": 5}, RAGGED, "ties"), Case({"mincos": 7})],
    "universe": [Case({"universe": "flagged"}), Case({"universe": "all"}), Case({"universe": "flagged"}, SPARSE)],
    "carry_days": [Case({"carry_days": 3}), Case({"carry_days": 25}, RAGGED, "weekly")],
    "holding_days": [Case({"holding_days": 3}), Case({"holding_days": 5}, RAGGED, "ties")],
    "rebalance": [
        Case({"rebalance": "weekly"}),
        Case({"rebalance": "monthly"}, SPARSE),
        Case({"rebalance": "monthly", "from_open": True, "lag": 2}),
        Case({"rebalance": "weekly", "holding_days": 3, "tc_model": "power_law"}, RAGGED, "ties"),
        Case({"rebalance": "weekly", "from_open": True}, SPARSE, "weekly"),
    ],
    "double_sort": [
        Case({"double_sort": ("size", 3)}),
        Case({"double_sort": ("size", 3), "slices": ALL_SLICES, "slice_mincos": 1}, SPARSE, "ties"),
        Case({"double_sort": ("mcap", 4), "weight": "value", "mincos": 2}),
        Case({"double_sort": ("momentum", 3), "from_open": True, "method": "long_only"}, SPARSE),
        Case({"double_sort": ("sector", None), "residualize": "all"}),
        Case({"double_sort": ("cap", None), "weight": "volume"}, SPARSE, "ties"),
        Case({"double_sort": ("country", None)}),
        Case({"double_sort": ("cap", 3)}),
        Case({"double_sort": ("value", None)}),
    ],
    "slice_mincos": [Case({"slice_mincos": 1, "slices": ALL_SLICES}), Case({"slice_mincos": 3})],
    "upper_pct": [Case({"upper_pct": 0.7, "weight": "value"}), Case({"upper_pct": 1, "weight": "volume"})],
    "tc_bps": [Case({"tc_bps": (1, 20, 0.5)})],
    "tc_power": [Case({"tc_power": (0.2, 0.7), "tc_model": "power_law"})],
    "gmv": [Case({"gmv": 3e8, "tc_model": "power_law"})],
    "borrow_bps": [Case({"borrow_bps": 150})],
    "min_adv": [Case({"min_adv": 2e6})],
    "min_price": [Case({"min_price": 15.5}), Case({"min_price": 15.5, "from_open": True})],
    "caps": [Case({"caps": (1, 3)}), Case({"caps": (2, 1)}, SPARSE)],
    "slices": [
        Case({"slices": ALL_SLICES}),
        Case({"slices": ("overall",)}),
        Case({"slices": ALL_SLICES}, SPARSE),
        Case({"slices": ("overall", "country", "insample", "industry_id", "capyr")}),
        Case({"slices": ("overall", "capyr", "country", "cap")}, SPARSE),
        Case({"slices": ("overall", "mcap")}),
        Case({"slices": ("overall", "moon")}),
    ],
    "input_type": [
        Case({"input_type": "fractile"}, RAGGED, "fractile"),
        Case({"input_type": "position"}, RAGGED, "position"),
        Case({"input_type": "weight"}, RAGGED, "weight"),
    ],
    "rescale_weights": [Case({"rescale_weights": False, "input_type": "weight"}, RAGGED, "weight")],
    "method": [Case({"method": "long_only"}), Case({"method": "long_only", "weight": "value"}, SPARSE, "ties")],
    "benchmark": [
        Case({"benchmark": "index", "method": "long_only"}),
        Case({"benchmark": "index", "method": "long_only", "from_open": True, "lag": 1}, SPARSE),
        Case({"benchmark": "moon", "method": "long_only"}),
        Case({"benchmark": "index", "method": "long_only"}, BARE),
    ],
    "factor_model": [
        Case({"factor_model": "market"}),
        Case({"factor_model": "ff3", "method": "long_only"}),
        Case({"factor_model": "ff5_mom"}, SPARSE, "ties"),
        Case({"factor_model": "market"}, BARE),
    ],
    "start": [Case({"start": "2019-12-20"}), Case({"start": "2019-12-21"}, RAGGED, "ties")],
    "end": [Case({"end": "2020-01-31"})],
    "sample": [Case({"sample": "in"}), Case({"sample": "out"})],
}
BASE_CASES = [Case({}, shape, kind) for shape in (RAGGED, SPARSE, BARE) for kind in ("value", "weekly", "ties")]
BARE_CASES = [
    Case(changes, BARE)
    for changes in (
        {"tc_model": "power_law"},
        {"residualize": "factor"},
        {"slices": ("overall", "industry"), "slice_mincos": 1},
        {"weight": "volume"},
        {"from_open": True},
        {"universe": "flagged"},
        {"min_price": 1.0},
        {"min_adv": 1.0},
        {"slices": ALL_SLICES},
        {"sample": "in"},
    )
]


def random_case(number: int) -> Case:
    """A combination of six of the cases above, on a market of its own."""
    rng = np.random.default_rng(number)
    cases = [rng.choice(np.array(FIELD_CASES[name])) for name in rng.choice(sorted(FIELD_CASES), 6, replace=False)]
    changes = {"mincos": int(rng.choice([1, 3]))} | {n: value for case in cases for n, value in case.changes.items()}
    kind = changes.get("input_type", str(rng.choice(["value", "weekly", "ties"])))
    if "input_type" in changes:
        changes |= {"residualize": "off", "double_sort": None}
    if kind == "weight":
        changes["weight"] = "equal"
    string_ids, universe, cap, adv_in_ret, residual_returns = rng.random(5) < 0.5
    shape = PanelShape(
        seed=number,
        names=int(rng.choice([20, 60])),
        days=int(rng.choice([45, 70])),
        string_ids=bool(string_ids),
        universe=bool(universe),
        cap=bool(cap),
        adv_in_ret=bool(adv_in_ret),
        residual_returns=bool(residual_returns),
    )
    return Case(changes, shape, kind)


def test_every_field_is_held_to_the_reference() -> None:
    assert FIELD_CASES.keys() == {field.name for field in fields(BacktestConfig)}
    usual = Case({}).config()
    for name, cases in FIELD_CASES.items():
        assert all(getattr(case.config(), name) != getattr(usual, name) for case in cases), name


@pytest.mark.parametrize(
    "case",
    [
        *(pytest.param(case, id=f"base-{i}") for i, case in enumerate(BASE_CASES)),
        *(pytest.param(case, id=f"bare-{i}") for i, case in enumerate(BARE_CASES)),
        *(pytest.param(case, id=f"{name}-{i}") for name, cases in FIELD_CASES.items() for i, case in enumerate(cases)),
        *(pytest.param(random_case(number), id=f"random-{number}") for number in range(30)),
    ],
)
def test_engine_equals_reference(case: Case, snapshot: Snapshot) -> None:
    check(random_signal(case.shape, case.kind), case.config(), snapshot(case.shape))


def check(signal: pd.DataFrame, config: BacktestConfig, catalog: DataCatalog) -> None:
    """Both give the same tables, or refuse with the same kind of error."""
    try:
        expected = reference_backtest(signal, config, catalog)
    except PocError as error:
        with pytest.raises(type(error)):
            run_backtest(signal, config, catalog)
        return
    assert_agree(run_backtest(signal, config, catalog), expected)


def assert_agree(result: BacktestResult, expected: ReferenceResult) -> None:
    for name, keys in TABLES.items():
        assert_tables_agree(name, getattr(result, name), getattr(expected, name), keys)
    assert (result.factor_regression is None) == (expected.factor_regression is None)
    if result.factor_regression is not None and expected.factor_regression is not None:
        assert_tables_agree("factor_regression", result.factor_regression, expected.factor_regression, ["term"])
    holdings = result.holdings(last_day_only=False)
    assert_tables_agree("holdings", holdings, expected.holdings, ["date", "security_id"])
    for name, value in expected.diagnostics.items():
        assert_values_agree(name, result.diagnostics[name], value)


def assert_tables_agree(name: str, table: pd.DataFrame, expected: pd.DataFrame, keys: list[str]) -> None:
    """The same columns, rows and numbers."""
    assert set(table.columns) == set(expected.columns), name
    left, right = (frame.set_index(keys).sort_index() for frame in (table, expected))
    if name == "attribution":  # what contributed nothing may stand there or not
        left, right = left[left["ret_net"] != 0], right[right["ret_net"] != 0]
    assert list(left.index) == list(right.index), name
    for column in right.columns:
        np.testing.assert_allclose(
            left[column].to_numpy(float),
            right[column].to_numpy(float),
            rtol=TOLERANCE,
            atol=TOLERANCE,
            err_msg=f"{name}: {column}",
        )


def assert_values_agree(name: str, value: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert value.keys() == expected.keys(), name
        for key in expected:
            assert_values_agree(f"{name}: {key}", value[key], expected[key])
    elif isinstance(expected, float):
        np.testing.assert_allclose(value, expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)
    else:
        assert value == expected, name


YEAR, QUARTER = ("2011-07-01", "2012-06-30"), ("2011-10-01", "2011-12-31")
REAL_CASES: dict[str, tuple[str, tuple[str, str], dict[str, Any]]] = {
    "usual": ("momentum_12_1", YEAR, {}),
    "sparse": ("value_bp", YEAR, {"carry_days": 252, "weight": "volume", "method": "long_only", "universe": "all"}),
    "everything": (
        "reversal_1m",
        QUARTER,
        {
            "lag": 1,
            "residualize": "all",
            "tc_model": "power_law",
            "weight": "value",
            "from_open": True,
            "holding_days": 5,
            "min_adv": 2e7,
            "borrow_bps": 50,
            "slices": ("overall", "cap", "sector"),
        },
    ),
}


@pytest.mark.parametrize("name", REAL_CASES)
def test_engine_equals_reference_on_real_data(name: str, real_data: Path, tmp_path: Path) -> None:
    signal_name, span, changes = REAL_CASES[name]
    source = tmp_path / "source"
    source.mkdir()
    for table, date in {"ret": "date", "risk": "date", "trading_date": "date", "descriptor": "as_of_date"}.items():
        frame = pd.read_parquet(real_data / f"{table}.parquet")
        frame[frame[date].between(*span)].drop(columns="n", errors="ignore").to_parquet(source / f"{table}.parquet")
    catalog = DataCatalog(create_snapshot_from_existing(source, "real", tmp_path).name, root=tmp_path)
    signal = pd.read_parquet(real_data / "signals" / f"{signal_name}.parquet")
    check(signal[signal["date_avail"].between(*span)], BacktestConfig(**changes), catalog)
