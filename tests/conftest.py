"""What every test gets: its own workspace, the real data where it is at hand, and no silent skip in CI."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a test writes lands in the checkout or in the user's tracking store."""
    monkeypatch.setenv("POC_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real market data: a raw source in the layout that docs/data.md describes."""
    folder = os.environ.get("POC_REAL_DATA")
    if not folder:
        pytest.skip("POC_REAL_DATA is not set: it names the folder of real market data, which is not in the repository")
    if not (Path(folder) / "ret.parquet").is_file():
        pytest.fail(f"POC_REAL_DATA={folder} has no ret.parquet; set it to a folder in the layout of docs/data.md.")
    return Path(folder)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: what did not run has not passed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    assert isinstance(reporter, pytest.TerminalReporter)
    if os.environ.get("CI") and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line("Tests were skipped, which CI does not allow.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
