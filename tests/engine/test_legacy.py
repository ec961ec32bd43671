"""The face of the former engine: its arguments, its tables, what it looks up when, and the engine behind it."""

import warnings
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.engine import legacy
from poc.engine.config import BacktestConfig
from poc.engine.legacy import Backtest, gen_date_trading
from poc.engine.wrapper import run_backtest
from poc.errors import BacktestError, ConfigError, ContractError
from tests.reference.legacy_frames import FACTORS, Frames, gapless_frames
from tests.reference.random_panels import PanelShape, random_signal, random_source

LOOK_UP = "Exposures and groups are looked up as of date_sig"
FULL = [
    "group", "numcos_l", "numcos_s", "num_date", "ret_ann", "ret_std", "sharpe_ret", "retPctPos", "resret_ann",
    "resret_std", "sharpe_resret", "resretPctPos", "ret_net_ann", "ret_net_std", "sharpe_retnet", "retnetPctPos",
    "maxdraw", "turnover",
]  # fmt: skip
SIMPLE = [name for name in FULL if "resret" not in name and not name.endswith("PctPos")]
DAILY = ["date", "ret", "ret_net", "resret", "cumret", "cumretnet", "drawdown"]
CAPS = ["Large Cap", "Medium Cap", "Small Cap"]
pytestmark = pytest.mark.filterwarnings(f"ignore:{LOOK_UP}:UserWarning")


@pytest.fixture(scope="module")
def frames() -> Frames:
    return gapless_frames()


def backtest(frames: Frames, **changes: Any) -> Backtest:
    usual: dict[str, Any] = {"sigvar": "alpha", "factor_list": FACTORS, "mincos": 2, "fractile": [20, 80]}
    sources = {field.name: getattr(frames, field.name) for field in fields(frames)}
    return Backtest(**(sources | usual | changes))


def result(frames: Frames, **changes: Any) -> pd.DataFrame:
    """The first table, by group."""
    return backtest(frames, **changes).gen_result()[0].set_index("group")


def test_the_tables_have_the_former_columns(frames: Frames) -> None:
    simple, daily, fractile = backtest(frames).gen_result()
    assert list(simple.columns) == [*SIMPLE, *FACTORS]
    assert simple["group"].tolist() == ["overall", "2021", "2022", *CAPS]
    assert list(daily.columns) == [
        *DAILY,
        *FACTORS,
        *(f"cumret_{size}Cap" for size in ("Large", "Medium", "Small")),
        "turnover",
    ]
    assert list(fractile.columns) == ["fractile", *FACTORS, "numcos", "ret", "resret"]
    full, *_ = backtest(frames, output="full").gen_result()
    assert list(full.columns) == [*FULL, *FACTORS]


def test_without_cap_there_are_no_cap_columns(frames: Frames) -> None:
    table, daily, _ = backtest(frames, byvar_list=["overall"]).gen_result()
    assert table["group"].tolist() == ["overall"]
    assert list(daily.columns) == [*DAILY, *FACTORS, "turnover"]


def test_arguments_can_be_given_by_place(frames: Frames) -> None:
    face = Backtest(
        frames.infile, frames.retfile, frames.otherfile, frames.datefile, "alpha", list(FACTORS), "long_only"
    )
    assert (face.method, face.sigvar, face.mincos, face.gmv) == ("long_only", "alpha", 10, 10)


def test_the_warning_is_given_once(frames: Frames) -> None:
    legacy._warn_of_look_up.cache_clear()
    with pytest.warns(UserWarning, match=LOOK_UP) as caught:
        backtest(frames).gen_result()
    assert [Path(warning.filename).name for warning in caught] == ["test_legacy.py"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backtest(frames).gen_result()


def test_nothing_is_logged_above_debug_unless_asked_for(frames: Frames, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="poc"):
        backtest(frames).gen_result()
        assert caplog.messages == []
        backtest(frames, verbose=True).gen_result()
    assert caplog.messages == ["alpha: 2880 rows of infile are traded, 60 names a day at most."]


REFUSED: list[tuple[str, Any]] = [
    ("infile", None),
    ("sigvar", 3),
    ("factor_list", "size"),
    ("method", "short_only"),
    ("byvar_list", ["year"]),
    ("from_open", "yes"),
    ("input_type", "rank"),
    ("weight_adj", 1),
    ("mincos", 0),
    ("insample", "in"),
    ("output", "long"),
    ("fractile", 10),
    ("fractile", [90, 10]),
    ("frac_stretch", False),
    ("weight", "cap"),
    ("upper_pct", 95),
    ("tc_model", "flat"),
    ("tc_level", {"big": 2, "small": 10}),
    ("tc_level", {"big": -2, "median": 5, "small": 10}),
    ("tc_value", [0.35]),
    ("tc_value", 0.35),
    ("gmv", 0),
    ("byvix", "high"),
    ("earnings_window", 1.5),
    ("window_file", "earnings.csv"),
    ("sort_method", "triple"),
    ("resid", "industry"),
    ("resid_style", "style"),
    ("resid_varlist", "size"),
    ("long_index", "SPX"),
    ("beta", "SPX"),
    ("benchmark", "SPX"),
    ("ff_result", "ff3"),
    ("ff_model", "ff5"),
    ("verbose", 2),
]


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=[f"{name}-{i}" for i, (name, _) in enumerate(REFUSED)])
def test_an_argument_that_cannot_be_honoured_is_named(name: str, value: Any, frames: Frames) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}=.*allowed"):
        backtest(frames, **{"resid": True, name: value})


def test_an_earnings_window_needs_its_file(frames: Frames) -> None:
    with pytest.raises(ConfigError, match=r"earnings_window.*window_file.*together"):
        backtest(frames, earnings_window=2)


@pytest.mark.parametrize("from_open", [False, True])
@pytest.mark.parametrize("changes", [{}, {"weight": "value", "tc_model": "power_law"}, {"method": "long_only"}])
def test_ours_is_the_engine_behind(changes: dict[str, Any], from_open: bool, tmp_path: Path) -> None:
    shape = PanelShape(seed=3, universe=False, string_ids=from_open)
    source, signal = random_source(shape), random_signal(shape).drop(columns="avail_hour")
    changes = changes | {"from_open": from_open, "mincos": 3, "fractile": (20, 80)}
    infile = gen_date_trading(signal, source.trading_date, "signal", None)
    face = Backtest(infile, source.ret, source.risk, source.trading_date, "signal", ["momentum"], **changes)
    _, daily, fractile = face.gen_result()
    catalog = DataCatalog(
        create_snapshot_from_existing(source.write(tmp_path / "source"), "s", tmp_path).name, root=tmp_path
    )
    expected = run_backtest(signal, BacktestConfig(carry_days=1, slice_mincos=3, **changes), catalog)
    columns = ["ret", "ret_net", "resret", "cumret", "drawdown"]
    pd.testing.assert_frame_equal(daily[["date", *columns]], expected.daily_series[["date", *columns]], rtol=1e-12)
    assert fractile["numcos"].tolist() == expected.fractile_analysis["n"].tolist()
    sides = 2 if changes.get("method") == "long_only" else 4
    np.testing.assert_allclose(daily["turnover"], sides * expected.daily_series["turnover"], rtol=1e-12)


def with_other(frames: Frames, **columns: Any) -> Frames:
    return replace(frames, otherfile=frames.otherfile.assign(**columns))


def test_exposures_and_groups_are_those_of_date_sig(frames: Frames) -> None:
    """A row of Friday is first earned on Tuesday; what Monday's close says is not in it."""
    counted = with_other(frames, size=np.arange(len(frames.otherfile)) // 60)
    _, daily, _ = backtest(counted, factor_list=["size"], method="long_only").gen_result()
    np.testing.assert_allclose(daily["size"], np.searchsorted(frames.datefile["date"], daily["date"]) - 2)


@pytest.mark.parametrize(("age", "there"), [(5, True), (6, False)])
def test_an_exposure_is_looked_for_in_five_calendar_days(age: int, there: bool, frames: Frames) -> None:
    day = pd.Timestamp("2022-01-05")
    old = replace(frames, otherfile=frames.otherfile[frames.otherfile["date"] <= day])
    rows = frames.infile[frames.infile["date_sig"] == day + pd.Timedelta(days=age)]
    assert len(rows) == 60
    table = result(replace(old, infile=rows))
    assert np.isfinite(table["size"]["overall"]) == there


@pytest.mark.parametrize(("age", "there"), [(20, True), (21, False)])
def test_a_group_is_looked_for_in_twenty_calendar_days(age: int, there: bool, frames: Frames) -> None:
    day = pd.Timestamp("2021-12-30")
    old = replace(frames, otherfile=frames.otherfile[frames.otherfile["date"] <= day])
    rows = frames.infile[frames.infile["date_sig"] == day + pd.Timedelta(days=age)]
    assert len(rows) == 60
    assert result(replace(old, infile=rows)).loc[CAPS, "num_date"].tolist() == [int(there)] * 3


def test_any_column_of_otherfile_makes_groups(frames: Frames) -> None:
    region = np.where(frames.otherfile["security_id"] % 2 == 0, "east", "west")
    more = with_other(frames, sector=frames.otherfile["industry_id"] % 2 + 10.0, region=region)
    table = result(more, byvar_list=["overall", "region", "sector", "industry_id"])
    assert table.index.tolist() == ["overall", "east", "west", "10", "11", "1", "2", "3", "4", "5"]
    alone = frames.infile[frames.infile["security_id"] % 2 == 0]
    expected = result(replace(frames, infile=alone), byvar_list=["overall"])
    np.testing.assert_allclose(table.loc[["east"]], expected, rtol=1e-12)


def test_caps_can_be_cut_by_year(frames: Frames) -> None:
    table = result(frames, byvar_list=["overall", "cap", "capyr"])
    assert table.index.tolist()[4:] == [f"{cap} {year}" for cap in CAPS for year in (2021, 2022)]
    days = table["num_date"]
    assert days["Medium Cap 2021"] + days["Medium Cap 2022"] == days["Medium Cap"]


def test_a_missing_column_is_named(frames: Frames) -> None:
    with pytest.raises(BacktestError, match="otherfile has no column 'region'"):
        result(frames, byvar_list=["overall", "region"])
    with pytest.raises(BacktestError, match="otherfile has no column 'beta'"):
        result(frames, factor_list=["beta"])


def test_days_can_be_cut_by_volatility(frames: Frames) -> None:
    days = frames.datefile["date"]
    levels = pd.DataFrame({"date": days, "vix": np.arange(len(days)) % 2 + 0.5})
    named = levels.assign(vix=np.where(levels["vix"] > 1, "High VIX", "Low VIX"))
    by_level, by_name = (result(frames, byvix=frame) for frame in (levels, named))
    assert by_level.index.tolist()[-2:] == ["High VIX", "Low VIX"]
    assert by_level.loc[["High VIX", "Low VIX"], "num_date"].tolist() == [24, 24]
    pd.testing.assert_frame_equal(by_level, by_name)
    pd.testing.assert_frame_equal(by_level, result(replace(frames, datefile=levels), byvix=True))
    with pytest.raises(BacktestError, match="byvix needs 'date' and one column more"):
        result(frames, byvix=True)


def test_names_can_be_cut_by_their_earnings(frames: Frames) -> None:
    """Half of the names announce on a Wednesday: they are within a day of it from Tuesday's to Thursday's close."""
    ids = frames.infile["security_id"].unique()
    announced = pd.DataFrame({"security_id": ids[:30], "date": pd.Timestamp("2022-01-12")})
    table = result(frames, earnings_window=1, window_file=announced)
    assert table.index.tolist()[-2:] == ["Earnings", "No Earnings"]
    assert table["num_date"][["overall", "Earnings", "No Earnings"]].tolist() == [48, 3, 48]
    assert table["numcos_l"]["Earnings"] == 6


def test_a_sample_is_a_column_of_the_calendar(frames: Frames) -> None:
    days = frames.datefile["date"]
    marked = replace(
        frames, datefile=frames.datefile.assign(insample=(days.dt.day < 16) * 1, insample2=(days.dt.day >= 16) * 1)
    )
    whole = backtest(frames).gen_result()[1]
    for insample, chosen in (("i1", whole["date"].dt.day < 16), ("i2", whole["date"].dt.day >= 16)):
        daily = backtest(marked, insample=insample).gen_result()[1]
        assert daily["date"].tolist() == whole.loc[chosen, "date"].tolist()
        assert daily["ret"].tolist() == whole.loc[chosen, "ret"].tolist()
    with pytest.raises(ConfigError, match="insample='i2' needs the column insample2 of datefile"):
        result(frames, insample="i2")


@pytest.mark.parametrize(("frac", "bounds"), [(2, [50]), ([50], [50]), ([20, 70], [20, 70])])
def test_a_signal_can_be_ranked_within_groups_of_another_sort(frac: Any, bounds: list[int], frames: Frames) -> None:
    """The book is what is had from ranking each group by itself, all names of a side weighted alike."""
    last = frames.infile["date_sig"].max() - pd.Timedelta(days=4)
    rows = frames.infile[frames.infile["date_sig"] == last].merge(
        frames.otherfile.rename(columns={"date": "date_sig"})[["security_id", "date_sig", "momentum"]]
    )
    group = np.searchsorted(bounds, np.ceil(100 * rows["momentum"].rank() / len(rows)), side="left")
    share = np.ceil(100 * rows["alpha"].groupby(group).rank(pct=True))
    ret = rows[["security_id", "date_ret"]].merge(frames.retfile.rename(columns={"date": "date_ret"}))["ret"]
    expected = ret[share > 80].mean() - ret[share <= 20].mean()
    one_day = replace(frames, infile=frames.infile[frames.infile["date_sig"] == last])
    extra: dict[str, Any] = {"sort_method": "double", "double_var": "momentum", "double_frac": frac}
    from_file = {"double_file": frames.otherfile[["security_id", "date", "momentum"]]}
    for changes in (extra, extra | from_file):
        _, daily, _ = backtest(one_day, **changes).gen_result()
        np.testing.assert_allclose(daily["ret"], [expected], rtol=1e-12)


def test_a_double_sort_needs_all_of_its_arguments(frames: Frames) -> None:
    for changes in ({"sort_method": "double"}, {"double_var": "size", "double_frac": 5}):
        with pytest.raises(ConfigError, match="sort_method='double' goes together with double_var and double_frac"):
            backtest(frames, **changes)


def test_a_factor_regression_is_the_fourth_table(frames: Frames) -> None:
    rng = np.random.default_rng(5)
    published = frames.datefile.assign(**{name: rng.normal(0, 0.01, 50) for name in ("Mkt-RF", "SMB", "HML", "RF")})
    *_, daily, _, table = backtest(frames, ff_result=published).gen_result()
    assert table["term"].tolist() == ["alpha", "mkt_rf", "smb", "hml"]
    factors = daily[["date"]].merge(published)[["Mkt-RF", "SMB", "HML"]].to_numpy()
    design = np.column_stack([np.full(len(daily), 1 / 252), factors])
    expected, *_ = np.linalg.lstsq(design, daily["ret"].to_numpy(), rcond=None)
    np.testing.assert_allclose(table["coefficient"], expected, rtol=1e-10)
    market, *_ = backtest(replace(frames, datefile=published), ff_result=True, ff_model="capm").gen_result()[3:]
    assert market["term"].tolist() == ["alpha", "mkt_rf"]


def test_factor_returns_that_cannot_be_used_are_refused(frames: Frames) -> None:
    with pytest.raises(BacktestError, match="factor_model='ff3' needs the column mkt_rf"):
        result(frames, ff_result=True)
    percent = frames.datefile.assign(mkt_rf=1.5)
    with pytest.raises(BacktestError, match="factors: `mkt_rf` is beyond 50%"):
        result(frames, ff_result=percent)


def index_of(frames: Frames) -> pd.DataFrame:
    """An index that lacks a few days."""
    ret = np.random.default_rng(6).normal(0, 0.01, len(frames.datefile))
    return frames.datefile.assign(close=ret).drop(index=[9, 30])


def test_a_long_only_book_is_measured_against_an_index(frames: Frames) -> None:
    _, daily, _ = backtest(frames, method="long_only", long_index=index_of(frames)).gen_result()
    both = daily.merge(index_of(frames), how="left")
    assert daily.columns[-1] == "ret_active"
    assert daily["ret_active"].isna().sum() == 2
    np.testing.assert_allclose(daily["ret_active"], both["ret"] - both["close"], rtol=1e-12)
    with pytest.raises(ConfigError, match="long_index goes together with method='long_only'"):
        backtest(frames, long_index=index_of(frames))


def test_beta_is_to_the_eligible_names_or_to_a_benchmark(frames: Frames) -> None:
    levels = pd.DataFrame({"date": frames.datefile["date"], "vix": np.arange(50) % 2 + 0.5})
    slices = ["overall", "year", "cap", "capyr", "industry_id"]
    face = backtest(frames, beta=True, byvar_list=slices, byvix=levels, benchmark=index_of(frames))
    table, daily, _ = face.gen_result()
    assert table.columns[-1] == "beta"
    slope = table.set_index("group")["beta"]
    assert np.isfinite(slope).all()
    days = daily.merge(index_of(frames))
    small = daily.assign(ret=daily["cumret_SmallCap"].diff()).merge(index_of(frames))
    for group, chosen in {
        "overall": days,
        "2022": days[days["date"].dt.year == 2022],
        "Low VIX": days.merge(levels[levels["vix"] < 1]),
        "Small Cap 2022": small[small["date"].dt.year == 2022],
    }.items():
        expected = np.polyfit(chosen["close"], chosen["ret"], 1)[0]
        np.testing.assert_allclose(slope[group], expected, rtol=1e-9, err_msg=group)
    to_market = result(frames, beta=True)["beta"]
    assert (to_market.abs() < 1).all()
    assert to_market["overall"] != slope["overall"]
    with pytest.raises(ConfigError, match="benchmark is what beta is measured against"):
        backtest(frames, benchmark=index_of(frames))


def test_a_signal_on_unknown_securities_is_refused(frames: Frames) -> None:
    elsewhere = replace(frames, infile=frames.infile.assign(security_id=frames.infile["security_id"] + 10**6))
    with pytest.raises(ContractError, match="does not know the security in 2,880 of 2,880 rows"):
        result(elsewhere)


def test_a_double_sort_needs_numbers(frames: Frames) -> None:
    text = with_other(frames, region="east")
    with pytest.raises(BacktestError, match="double_var='region' holds no numbers"):
        result(text, sort_method="double", double_var="region", double_frac=3)


def test_without_industries_all_names_are_one(frames: Frames) -> None:
    """The residual is the signal less its mean over all names, which ranks them the same."""
    without = replace(frames, otherfile=frames.otherfile.drop(columns="industry_id"))
    pd.testing.assert_frame_equal(result(without, resid=True), result(without))
