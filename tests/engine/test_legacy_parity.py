"""On a market without gaps, changes of size or prices, the face and the former engine give the same numbers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.engine.legacy import Backtest
from tests.reference.legacy_frames import FACTORS, Frames, gapless_frames
from tests.reference.legacy_reference import Former, former_backtest

TOLERANCE = 1e-12
NET = ["ret_net_ann", "ret_net_std", "sharpe_retnet", "retnetPctPos", "maxdraw", "turnover"]
pytestmark = pytest.mark.filterwarnings("ignore:Exposures and groups are looked up:UserWarning")


@pytest.fixture(scope="module")
def frames() -> Frames:
    return gapless_frames()


CASES: dict[str, dict[str, Any]] = {
    "usual": {},
    "ties": {"sigvar": "rounded"},
    "open": {"from_open": True},
    "long only": {"method": "long_only"},
    "power law": {"tc_model": "power_law", "tc_value": (0.3, 0.5), "gmv": 25},
    "other costs": {"tc_level": (1, 7, 30)},
    "wide": {"fractile": (30, 60)},
    "groups": {"input_type": "fractile", "sigvar": "group"},
    "positions": {"input_type": "position", "sigvar": "position"},
    "weights": {"input_type": "weight"},
    "weights as given": {"input_type": "weight", "weight_adj": False},
    "less industry": {"resid": True},
    "less factors": {"resid": True, "resid_style": "factor"},
    "less other factors": {"resid": True, "resid_style": "factor", "resid_varlist": ("value",)},
    "less all": {"resid": True, "resid_style": "all", "resid_varlist": ("size", "value")},
    "less all at the open": {"resid": True, "resid_style": "all", "from_open": True, "tc_model": "power_law"},
}


def run_both(frames: Frames, changes: dict[str, Any], **former: Any) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    usual: dict[str, Any] = {"sigvar": "alpha", "factor_list": FACTORS, "mincos": 2, "fractile": (20, 80)} | changes
    expected = former_backtest(frames.infile, frames.retfile, frames.otherfile, Former(**usual), **former)
    if "tc_level" in usual:
        usual["tc_level"] = dict(zip(("big", "median", "small"), usual["tc_level"], strict=True))
    face = Backtest(frames.infile, frames.retfile, frames.otherfile, frames.datefile, output="full", **usual)
    return list(face.gen_result()), [expected.result, expected.daily_stats, expected.fractile]


def assert_same(table: pd.DataFrame, expected: pd.DataFrame, key: str) -> None:
    assert table[key].tolist() == expected[key].tolist()
    assert set(table.columns) == set(expected.columns)
    for name in table.columns.drop(key):
        np.testing.assert_allclose(table[name], expected[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=str(name))


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_both_give_the_same_numbers(changes: dict[str, Any], frames: Frames) -> None:
    tables, expected = run_both(frames, changes, by_year=False)
    for table, other, key in zip(tables, expected, ("group", "date", "fractile"), strict=True):
        assert_same(table, other, key)


def test_a_year_differs_by_its_first_trade_alone(frames: Frames) -> None:
    (result, *_), (expected, *_) = run_both(frames, {}, by_year=True)
    result, expected = (table.set_index("group") for table in (result, expected))
    before = expected.loc[["overall", "2021", "Large Cap"]]
    np.testing.assert_allclose(result.loc[before.index, before.columns], before, rtol=TOLERANCE, atol=TOLERANCE)
    gross = expected.columns.drop(NET)
    np.testing.assert_allclose(result[gross].loc["2022"], expected[gross].loc["2022"], rtol=TOLERANCE, atol=TOLERANCE)
    more = (result - expected).loc["2022"]
    assert more["turnover"] > 0
    assert more["ret_net_ann"] < 0
