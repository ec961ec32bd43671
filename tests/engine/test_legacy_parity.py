"""On a market without gaps, changes of size or prices, the face and the former engine give the same numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.engine.legacy import Backtest, gen_date_trading
from tests.reference.legacy_reference import Former, former_backtest

TOLERANCE = 1e-12
FACTORS = ("size", "momentum")
NET = ["ret_net_ann", "ret_net_std", "sharpe_retnet", "retnetPctPos", "maxdraw", "turnover"]
pytestmark = pytest.mark.filterwarnings("ignore:Exposures and groups are looked up:UserWarning")


@dataclass(frozen=True)
class Frames:
    """The frames that a notebook has."""

    infile: pd.DataFrame
    retfile: pd.DataFrame
    otherfile: pd.DataFrame
    datefile: pd.DataFrame


@pytest.fixture(scope="module")
def frames() -> Frames:
    """Sixty names on every one of 50 days, around a new year; what is traded at and with is always the same."""
    rng = np.random.default_rng(7)
    days = pd.bdate_range("2021-11-22", periods=50)
    ids = np.arange(60) * 7 % 61 + 1000
    keys = pd.DataFrame([(s, d) for d in days for s in ids], columns=["security_id", "date"])
    n, number = len(keys), keys["security_id"].to_numpy() - 1000
    retfile = keys.assign(
        **{name: 0.02 * rng.standard_normal(n) for name in ("ret", "resret", "openret", "resopenret")},
        vol=0.01 + number / 5000,
        adv=1e6 * (1 + number),
        close=1.0,
    )
    otherfile = keys.assign(
        industry_id=1 + number % 5,
        cap=1 + number % 3,
        mcap=1e8 * (1 + number),
        **{name: rng.standard_normal(n) for name in (*FACTORS, "value")},
    )
    turn = number // 3 + rng.integers(0, 100, len(days)).repeat(len(ids))
    signal = keys.assign(
        date_sig=keys["date"],
        date_avail=keys["date"] + pd.Timedelta(days=1),
        alpha=rng.standard_normal(n),
        rounded=rng.standard_normal(n).round(1),
        group=1 + turn % 4,
        position=turn % 3 - 1,
    )
    datefile = pd.DataFrame({"date": days})
    infile = gen_date_trading(signal, datefile, ["alpha", "rounded", "group", "position"], 8)
    return Frames(infile, retfile, otherfile, datefile)


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
