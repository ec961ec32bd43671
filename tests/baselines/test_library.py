"""The baselines against slow loops over a ragged panel, and against a panel's own tables."""

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poc.baselines.library import (
    BASELINE_REGISTRY,
    generate_liquidity_signal,
    generate_low_volatility_signal,
    generate_momentum_signal,
    generate_reversal_signal,
    generate_size_signal,
    generate_value_signal,
)
from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.engine.config import BacktestConfig
from poc.engine.placing import place_rows, place_signal
from poc.errors import BacktestError

N_DAYS, N_SECURITIES = 560, 12
CALENDAR = np.busday_offset("2015-01-02", np.arange(N_DAYS), roll="forward")
KEYS = ["security_id", "date"]

Generate = Callable[[DataCatalog], pd.DataFrame]


def _ragged_tables(seed: int = 3) -> dict[str, pd.DataFrame]:
    """Late listings, early ends, days without a row, missing returns, two delistings (one a total loss)."""
    rng = np.random.default_rng(seed)
    names = []
    for k in range(N_SECURITIES):
        first, last = (0, N_DAYS) if k < 4 else (int(rng.integers(0, 200)), int(rng.integers(480, N_DAYS)))
        here = pd.DataFrame({"security_id": 101 + k, "date": CALENDAR[first:last]})
        here["ret"] = rng.normal(0.0005, 0.02, len(here))
        here.loc[rng.random(len(here)) < 0.02 * k, "ret"] = np.nan
        here["delist_ret"] = np.nan
        names.append(here[rng.random(len(here)) > 0.02 * k])
    ret = pd.concat(names, ignore_index=True)
    ret["adv"] = rng.uniform(1e5, 1e7, len(ret))
    ret.loc[ret["security_id"] == 103, "ret"] = 0.001  # equal returns: no volatility at all
    for security_id, loss in ((110, -0.4), (111, -1.0)):
        last_row = ret.index[ret["security_id"] == security_id][-1]
        ret.loc[last_row, "delist_ret"] = loss
    ret.loc[ret.index[ret["security_id"] == 111][-1], "ret"] = np.nan
    risk = ret[KEYS].assign(industry_id=1, mcap=rng.uniform(1e8, 1e10, len(ret)), value=rng.normal(size=len(ret)))
    risk.loc[::7, "value"] = np.nan
    risk.loc[::11, "mcap"] = np.nan
    return {"ret": ret, "risk": risk, "trading_date": pd.DataFrame({"date": CALENDAR})}


def _catalog(folder: Path, tables: dict[str, pd.DataFrame]) -> DataCatalog:
    source = folder / "source"
    source.mkdir(parents=True)
    for name, table in tables.items():
        table.to_parquet(source / f"{name}.parquet", index=False)
    create_snapshot_from_existing(source, "ragged", folder)
    return DataCatalog("ragged", root=folder)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> DataCatalog:
    return _catalog(tmp_path_factory.mktemp("baselines"), _ragged_tables())


def _slow_signal(catalog: DataCatalog, kind: str) -> pd.DataFrame:
    """One loop over securities and days; the calendar puts a missing return where there is no row."""
    table = catalog.get_retfile()
    rows = []
    for security_id, own_rows in table.groupby("security_id"):
        one = own_rows.set_index("date").reindex(pd.DatetimeIndex(catalog.calendar)).astype(float)
        ret, end = one["ret"].to_numpy(), one["delist_ret"].to_numpy()
        earned = np.where(np.isnan(end), ret, (1 + np.nan_to_num(ret)) * (1 + end) - 1)
        traded = one.index.isin(own_rows["date"]) & np.isnan(end)
        for t in range(len(earned) - 1):
            first, last = {"reversal": (t - 4, t), "momentum": (t - 251, t - 21), "volatility": (t - 251, t)}[kind]
            window = earned[max(first, 0) : max(last + 1, 0)]
            window = window[~np.isnan(window)]
            if not traded[t] or len(window) < 0.8 * (last - first + 1):
                continue
            compounded = math.prod(1 + window) - 1
            value = {"reversal": -compounded, "momentum": compounded, "volatility": -np.std(window, ddof=1)}[kind]
            rows.append((security_id, catalog.calendar[t], catalog.calendar[t + 1], value))
    return pd.DataFrame(rows, columns=["security_id", "date_sig", "date_avail", "signal"])


@pytest.mark.parametrize(
    ("kind", "generate"),
    [
        ("reversal", generate_reversal_signal),
        ("momentum", generate_momentum_signal),
        ("volatility", generate_low_volatility_signal),
    ],
)
def test_window_baselines_equal_a_slow_loop(catalog: DataCatalog, kind: str, generate: Generate) -> None:
    found = generate(catalog).set_index(["security_id", "date_sig"]).sort_index()
    expected = _slow_signal(catalog, kind).set_index(["security_id", "date_sig"]).sort_index()
    assert len(expected) > 1000
    pd.testing.assert_index_equal(found.index, expected.index, exact=False)
    np.testing.assert_array_equal(found["date_avail"].to_numpy(), expected["date_avail"].to_numpy())
    np.testing.assert_allclose(found["signal"], expected["signal"], rtol=0, atol=1e-12)


def test_momentum_skips_the_last_month_and_what_is_older_than_a_year(tmp_path: Path) -> None:
    tables = _ragged_tables()
    tables["ret"] = tables["ret"].query("security_id == 101").assign(ret=0.0)
    t = 400
    jumps = {t: 0.5, t - 20: 0.3, t - 21: 0.2, t - 251: 0.1, t - 252: 0.7}
    for day, jump in jumps.items():
        tables["ret"].loc[tables["ret"]["date"] == CALENDAR[day], "ret"] = jump
    signal = generate_momentum_signal(_catalog(tmp_path, tables)).set_index("date_sig")["signal"]
    assert signal[pd.Timestamp(CALENDAR[t])] == pytest.approx(1.2 * 1.1 - 1, abs=1e-7)  # returns are kept as float32


def test_equal_returns_have_exactly_no_volatility(catalog: DataCatalog) -> None:
    signal = generate_low_volatility_signal(catalog).query("security_id == 103")["signal"]
    assert len(signal) > 100
    assert (signal == 0).all()


def test_later_returns_change_nothing(tmp_path: Path) -> None:
    tables = _ragged_tables()
    before = _catalog(tmp_path / "before", tables)
    changed = tables["ret"].copy()
    changed.loc[changed["date"] > CALENDAR[450], "ret"] *= -0.5
    after = _catalog(tmp_path / "after", tables | {"ret": changed})
    for generate in (generate_reversal_signal, generate_momentum_signal, generate_low_volatility_signal):
        early, same = (f[f["date_sig"] <= CALENDAR[450]] for f in (generate(before), generate(after)))
        pd.testing.assert_frame_equal(early, same, check_exact=True)
        late, other = (f[f["date_sig"] > CALENDAR[480]]["signal"] for f in (generate(before), generate(after)))
        assert (late.to_numpy() != other.to_numpy()).any()


@pytest.mark.parametrize(
    ("generate", "table", "column", "sign", "max_age"),
    [
        (generate_value_signal, "risk", "value", 1, 5),
        (generate_size_signal, "risk", "mcap", -1, 20),
        (generate_liquidity_signal, "ret", "adv", -1, 20),
    ],
)
def test_column_baselines_are_the_latest_value_known_on_the_day(
    catalog: DataCatalog, generate: Generate, table: str, column: str, sign: int, max_age: int
) -> None:
    source = pl.read_parquet(catalog.path / f"{table}.parquet").to_pandas().astype({column: float})
    by_name = source.pivot(index="date", columns="security_id", values=column).reindex(catalog.calendar)
    known = pd.Series(by_name.ffill(limit=max_age).stack().dropna(), name="signal")
    traded = catalog.get_retfile().query("delist_ret.isna()").set_index(["date", "security_id"]).index
    expected = known[known.index.isin(traded)].reset_index()
    expected = expected[expected["date"] < catalog.calendar[-1]].sort_values(["date", "security_id"])
    found = generate(catalog)
    np.testing.assert_array_equal(found["security_id"], expected["security_id"])
    np.testing.assert_array_equal(found["date_sig"], expected["date"])
    values = expected["signal"]
    np.testing.assert_allclose(found["signal"], values if sign == 1 else -np.log(values), rtol=0, atol=1e-12)
    next_day = catalog.calendar[np.searchsorted(catalog.calendar, found["date_sig"].to_numpy("datetime64[D]")) + 1]
    np.testing.assert_array_equal(found["date_avail"].to_numpy("datetime64[D]"), next_day)


def test_names_without_a_positive_capitalisation_have_no_size(tmp_path: Path) -> None:
    tables = _ragged_tables()
    tables["risk"].loc[tables["risk"]["security_id"] == 102, "mcap"] = 0.0
    found = generate_size_signal(_catalog(tmp_path, tables))
    assert 102 not in set(found["security_id"])
    assert np.isfinite(found["signal"]).all()


def test_liquidity_falls_back_on_the_risk_table(tmp_path: Path) -> None:
    tables = _ragged_tables()
    adv = tables["ret"].pop("adv")
    tables["risk"]["adv"] = adv
    found = generate_liquidity_signal(_catalog(tmp_path, tables))
    assert len(found) > 1000
    assert found["signal"].iloc[0] == pytest.approx(-math.log(adv.iloc[0]), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("value", "The snapshot's risk table has no column 'value'; add it to the source"),
        ("liquidity", "The snapshot's ret and risk tables have no column 'adv'; add it to the source"),
    ],
)
def test_a_missing_column_is_named(tmp_path: Path, name: str, message: str) -> None:
    tables = _ragged_tables()
    tables = {key: table.drop(columns=["adv", "value"], errors="ignore") for key, table in tables.items()}
    with pytest.raises(BacktestError, match=message):
        BASELINE_REGISTRY[name].generate(_catalog(tmp_path, tables))


def test_string_ids_stay_strings(tmp_path: Path) -> None:
    tables = _ragged_tables()
    for name in ("ret", "risk"):
        tables[name]["security_id"] = "S" + tables[name]["security_id"].astype(str)
    catalog = _catalog(tmp_path, tables)
    for baseline in BASELINE_REGISTRY.values():
        assert set(baseline.generate(catalog)["security_id"]) <= {f"S{101 + k}" for k in range(N_SECURITIES)}


def test_the_registry_describes_each_baseline() -> None:
    assert list(BASELINE_REGISTRY) == ["reversal_5d", "momentum_12_1", "value", "low_volatility", "size", "liquidity"]
    for name, baseline in BASELINE_REGISTRY.items():
        assert baseline.name == name
        assert baseline.description.endswith(".")
        with pytest.raises(FrozenInstanceError):
            baseline.name = "other"  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize("from_open", [False, True])
@pytest.mark.parametrize("name", list(BASELINE_REGISTRY))
def test_values_placed_directly_stand_where_the_contract_frame_puts_them(
    catalog: DataCatalog, name: str, from_open: bool
) -> None:
    config = BacktestConfig(from_open=from_open, carry_days=1)
    baseline = BASELINE_REGISTRY[name]
    frame = pl.from_pandas(baseline.generate(catalog)).cast({"date_sig": pl.Date, "date_avail": pl.Date})
    by_way_of_a_frame = place_signal(frame.sort("security_id", "date_sig"), catalog.panel, config)
    directly = place_rows(baseline.values(catalog.panel), catalog.panel, config)
    np.testing.assert_array_equal(directly.values, by_way_of_a_frame.values)
    assert np.isfinite(directly.values).sum() > 1000


@pytest.mark.parametrize("name", list(BASELINE_REGISTRY))
def test_every_baseline_is_a_contract_frame(catalog: DataCatalog, name: str) -> None:
    frame = BASELINE_REGISTRY[name].generate(catalog)
    assert list(frame.columns) == ["security_id", "date_sig", "date_avail", "signal"]
    assert not frame.duplicated(["security_id", "date_sig"]).any()
    assert np.isfinite(frame["signal"]).all()
    assert (frame["date_avail"] > frame["date_sig"]).all()
    assert frame["date_avail"].max() == pd.Timestamp(catalog.calendar[-1])


@pytest.fixture(scope="module")
def real_catalog(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> DataCatalog:
    root = tmp_path_factory.mktemp("real")
    create_snapshot_from_existing(real_data, "real", root)
    return DataCatalog("real", root=root)


@pytest.mark.parametrize(
    ("file", "generate", "rounded_to"),
    [
        ("momentum_12_1", generate_momentum_signal, 1e-4),
        ("reversal_1m", partial(generate_reversal_signal, days=21), 1e-5),
        ("low_vol", generate_low_volatility_signal, 1e-6),
    ],
)
def test_baselines_equal_the_signals_beside_the_real_data(
    real_data: Path, real_catalog: DataCatalog, file: str, generate: Generate, rounded_to: float
) -> None:
    keys = ["date_sig", "security_id"]
    found = generate(real_catalog).sort_values(keys)
    expected = pd.read_parquet(real_data / "signals" / f"{file}.parquet").sort_values(keys)
    for key in keys:
        np.testing.assert_array_equal(found[key], expected[key])
    np.testing.assert_allclose(found["signal"], expected["signal"], rtol=0, atol=0.51 * rounded_to)
