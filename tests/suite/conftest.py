"""A small synthetic market and its signals, for the tests of the suite."""

from pathlib import Path

import pytest

from poc.data.catalog import DataCatalog
from poc.data.demo import create_demo_snapshot
from poc.data.demo_market import simulate_market
from poc.data.demo_signals import DemoSignal, demo_signals

SIZE = {"seed": 3, "n_securities": 260, "n_years": 2}


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
