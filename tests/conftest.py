"""What every test gets: its own workspace, a small demo, the real data where it is at hand, no silent skip in CI."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from poc.data.demo import create_demo_snapshot
from poc.data.demo_market import simulate_market
from poc.data.demo_signals import DemoSignal, demo_signals
from poc.evaluate import Evaluation, RunRequest, evaluate_frame

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


# No time limit an example: how fast a machine is today is no property of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a test writes lands in the checkout or in the user's tracking store."""
    monkeypatch.setenv("POC_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@dataclass(frozen=True)
class Demo:
    """A small demo snapshot, the signals planted in its market, and the evaluation of one. Not to be changed."""

    workspace: Path
    signals: dict[str, DemoSignal]
    evaluation: Evaluation

    def new_workspace(self, folder: Path) -> Path:
        """A workspace of its own with the same snapshot."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "snapshots").symlink_to(self.workspace / "snapshots")
        return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`real_alpha` in two years of 150 securities, evaluated with the quick preset and logged."""
    workspace = tmp_path_factory.mktemp("demo")
    create_demo_snapshot(workspace / "snapshots", n_securities=150, n_years=2)
    signals = demo_signals(simulate_market(n_securities=150, n_years=2))
    request = RunRequest(snapshot_id="demo", author="ann", name="real alpha", family="test", preset="quick")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        evaluation = evaluate_frame(signals["real_alpha"].frame, request, workspace=workspace, now=NOW)
    return Demo(workspace, signals, evaluation)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real market data: a raw source in the layout that docs/data.md describes."""
    folder = os.environ.get("POC_REAL_DATA")
    if not folder:
        pytest.skip("POC_REAL_DATA is not set: it names the folder of real market data, which is not in the repository")
    if not (Path(folder) / "ret.parquet").is_file():
        pytest.fail(f"POC_REAL_DATA={folder} has no ret.parquet; set it to a folder in the layout of docs/data.md.")
    return Path(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The app's tests first: they take longest, and short ones at the end keep every worker busy."""
    items.sort(key=lambda item: "/ui/" not in item.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: what did not run has not passed."""
    if hasattr(session.config, "workerinput"):
        return  # a worker sees its own tests only; the process that started it counts them all
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    assert isinstance(reporter, pytest.TerminalReporter)
    if os.environ.get("CI") and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line("Tests were skipped, which CI does not allow.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
