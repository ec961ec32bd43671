"""A small synthetic market and its signals, for the tests of the suite."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.data.demo import create_demo_snapshot
from poc.data.demo_market import simulate_market
from poc.data.demo_signals import DemoSignal, demo_signals
from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult
from poc.engine.wrapper import run_backtest
from tests.reference.random_panels import PanelShape, Source, random_signal, random_source

SIZE = {"seed": 3, "n_securities": 260, "n_years": 2}
RAGGED_BASE = BacktestConfig(mincos=2, slice_mincos=1, fractile=(20, 80), borrow_bps=50, carry_days=3)


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> DataCatalog:
    """A snapshot of 260 names over two years."""
    root: Path = tmp_path_factory.mktemp("snapshots")
    create_demo_snapshot(root, **SIZE)
    return DataCatalog("demo", root=root)


@pytest.fixture(scope="session")
def signals() -> dict[str, DemoSignal]:
    """The planted signals of that market."""
    return demo_signals(simulate_market(**SIZE))


@dataclass(frozen=True)
class Ragged:
    """A random market with holes, gaps and endings, a signal in it, and the result of its base variant."""

    source: Source
    catalog: DataCatalog
    frame: pd.DataFrame
    result: BacktestResult

    def run(self, **changes: Any) -> BacktestResult:
        """The signal under a changed base variant."""
        return run_backtest(self.frame, replace(RAGGED_BASE, **changes), self.catalog)


@pytest.fixture(scope="session")
def ragged(tmp_path_factory: pytest.TempPathFactory) -> Ragged:
    """110 names over 170 days."""
    shape = PanelShape(seed=5, names=110, days=170)
    source, folder = random_source(shape), tmp_path_factory.mktemp("ragged")
    create_snapshot_from_existing(source.write(folder / "source"), "ragged", folder)
    catalog, frame = DataCatalog("ragged", root=folder), random_signal(shape)
    return Ragged(source, catalog, frame, run_backtest(frame, RAGGED_BASE, catalog))
