"""What a result owes to the factors of its snapshot."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.engine.config import BacktestConfig
from poc.engine.wrapper import run_backtest
from poc.errors import BacktestError
from tests.engine.conftest import Snapshot
from tests.engine.test_against_reference import BARE, RAGGED
from tests.reference.random_panels import random_signal, random_source


def config(**changes: Any) -> BacktestConfig:
    usual: dict[str, Any] = {"mincos": 3, "fractile": (20, 80), "slices": ("overall",)}
    return BacktestConfig(**(usual | changes))


def with_factors(factors: pd.DataFrame, folder: Path) -> DataCatalog:
    source = random_source(RAGGED).write(folder / "source")
    factors.to_parquet(source / "factors.parquet", index=False)
    return DataCatalog(create_snapshot_from_existing(source, "own", folder).name, root=folder)


@pytest.mark.parametrize("method", ["long_short", "long_only"])
def test_a_planted_loading_is_found(method: str, snapshot: Snapshot, tmp_path: Path) -> None:
    """The market is made from the book's own return, so that the alpha and the slope are known."""
    daily = run_backtest(random_signal(RAGGED), config(method=method), snapshot(RAGGED)).daily_series
    rf = np.full(len(daily), 0.0001)
    own = daily["ret"] - (rf if method == "long_only" else 0)
    planted = pd.DataFrame({"date": daily["date"], "mkt_rf": (own - 0.0004) / 2, "rf": rf})
    result = run_backtest(
        random_signal(RAGGED), config(method=method, factor_model="market"), with_factors(planted, tmp_path)
    )
    table = result.factor_regression
    assert table is not None
    assert table["term"].tolist() == ["alpha", "mkt_rf"]
    np.testing.assert_allclose(table["coefficient"], [0.0004 * 252, 2], rtol=1e-5)  # factors are stored in float32
    assert table["r_squared"].tolist() == pytest.approx([1, 1])
    assert table["num_days"].tolist() == [len(daily)] * 2


def test_a_model_takes_its_own_size_factor(snapshot: Snapshot) -> None:
    terms = {}
    for model in ("ff3", "ff5_mom"):
        table = run_backtest(random_signal(RAGGED), config(factor_model=model), snapshot(RAGGED)).factor_regression
        assert table is not None
        terms[model] = table["term"].tolist()
    assert terms["ff3"] == ["alpha", "mkt_rf", "smb", "hml"]
    assert terms["ff5_mom"] == ["alpha", "mkt_rf", "smb_5f", "hml", "rmw", "cma", "umd"]


def test_what_is_missing_is_named(snapshot: Snapshot, tmp_path: Path) -> None:
    signal = random_signal(RAGGED)
    with pytest.raises(BacktestError, match=r"'ff3' needs the column mkt_rf of the factors table.* has no such table"):
        run_backtest(random_signal(BARE), config(factor_model="ff3"), snapshot(BARE))
    days = pd.Series(snapshot(RAGGED).calendar, name="date")
    short = with_factors(pd.DataFrame({"date": days, "mkt_rf": np.where(days.index < 4, 0.01, np.nan)}), tmp_path)
    with pytest.raises(BacktestError, match=r"'market': 3 days have a return and every factor; 4 are needed"):
        run_backtest(signal, config(factor_model="market"), short)
    with pytest.raises(BacktestError, match="of a long-only book needs the column rf of the factors table"):
        run_backtest(signal, config(factor_model="market", method="long_only"), short)


def test_the_benchmark_is_what_the_active_return_is_measured_against(snapshot: Snapshot) -> None:
    catalog = snapshot(RAGGED)
    long_only = config(method="long_only", benchmark="index")
    daily = run_backtest(random_signal(RAGGED), long_only, catalog).daily_series
    factors = catalog.get_factorfile()
    assert factors is not None
    expected = factors.set_index("date")["index"].reindex(daily["date"]).to_numpy()
    assert 0 < np.isnan(expected).sum() < len(expected)
    np.testing.assert_allclose(daily["ret_benchmark"], expected, rtol=1e-6)
    np.testing.assert_allclose(daily["ret_active"], daily["ret"] - expected, rtol=0, atol=1e-9)
    plain = run_backtest(random_signal(RAGGED), config(method="long_only"), catalog).daily_series
    pd.testing.assert_frame_equal(daily.drop(columns=["ret_benchmark", "ret_active"]), plain.drop(columns="ret_active"))
    with pytest.raises(BacktestError, match=r"benchmark='moon' needs the column moon of the factors table; .* mkt_rf"):
        run_backtest(random_signal(RAGGED), config(method="long_only", benchmark="moon"), catalog)


def test_without_a_model_there_is_no_regression(snapshot: Snapshot) -> None:
    assert run_backtest(random_signal(RAGGED), config(), snapshot(RAGGED)).factor_regression is None
