"""The one button: everything is written, whole, the same for the same input, and logged or said not to be."""

import gc
import json
import shlex
import sys
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer

from poc.cli import app
from poc.errors import ConfigError, ContractError, SnapshotError
from poc.evaluate import RunRequest, evaluate, evaluate_frame, safe_name
from poc.tracking.mlflow_logger import history
from poc.tracking.run_folder import log_directory

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REQUEST = RunRequest(snapshot_id="demo", author="ann", name="real alpha", preset="quick")
NO_STORE = "http://127.0.0.1:9"


def test_everything_is_written(demo: Any) -> None:
    evaluation = demo.evaluation
    assert evaluation.out_dir == demo.workspace / "artifacts" / "real_alpha_20260102_030405"
    assert set(evaluation.paths) == {
        "tearsheet", "result", "suite_summary", "daily_series", "holdings", "signal", "trials", "run",
    }  # fmt: skip
    assert sorted(evaluation.paths.values()) == sorted(evaluation.out_dir.iterdir())
    assert [path.name for path in evaluation.out_dir.parent.iterdir()] == ["real_alpha_20260102_030405"]
    assert "real alpha" in evaluation.paths["tearsheet"].read_text()
    run = json.loads(evaluation.paths["run"].read_text())
    assert run["run_id"] == evaluation.run_id
    assert (run["tags"]["author"], run["tags"]["family"]) == ("ann", "test")
    assert {"python", "numpy", "polars", "backtest-poc"} <= set(run["versions"])
    assert evaluation.to_dict()["verdict"]["color"] == evaluation.verdict.color


def test_the_rerun_command_gives_the_same_bytes_for_any_number_of_jobs(demo: Any, tmp_path: Path) -> None:
    first = demo.evaluation
    words = shlex.split(json.loads(first.paths["run"].read_text())["rerun_command"])
    assert words[:5] == ["poc", "run", "signal.parquet", "--snapshot", "demo"]
    options = dict(zip(words[5::2], words[6::2], strict=True))
    assert options == {
        "--author": "ann",
        "--name": "real alpha",
        "--family": "test",
        "--preset": "quick",
        "--trials": "trials.json",
    }
    again = evaluate(
        first.paths["signal"], REQUEST, workspace=demo.new_workspace(tmp_path), now=datetime.now(UTC), jobs=1
    )
    for name in ("result", "suite_summary", "daily_series", "holdings", "signal", "trials"):
        assert again.paths[name].read_bytes() == first.paths[name].read_bytes(), name


def test_a_rerun_command_has_an_option_for_each_setting() -> None:
    request = RunRequest(
        snapshot_id="demo",
        author="ann",
        name="a b",
        start="2011-01-31",
        universe="all",
        carry_days=3,
        include_baselines=False,
        all_holdings=True,
        out=Path("somewhere"),
        trials=Path("other.json"),
    )
    command = (
        "poc run signal.parquet --snapshot demo --author ann --name 'a b' --start 2011-01-31 --universe all "
        "--carry-days 3 --no-baselines --holdings --trials trials.json"
    )
    assert request.command() == command
    run: Any = typer.main.get_command(app)
    known = {option for parameter in run.commands["run"].params for option in parameter.opts}
    assert {word for word in shlex.split(command) if word.startswith("--")} <= known


def test_own_axes_take_the_place_of_those_of_the_preset() -> None:
    request = RunRequest(snapshot_id="demo", author="ann", preset="quick", lags="0,7", tc_models="naive,power_law")
    suite = request.suite()
    assert (suite.name, suite.lags, suite.tc_models) == ("quick, own grid", (0, 7), ("naive", "power_law"))
    assert suite.residualize == ("off",)
    assert request.command().endswith("--preset quick --lags 0,7 --tc-models naive,power_law --trials trials.json")


@pytest.mark.parametrize("own", [{"lags": "0,-1"}, {"lags": ""}, {"residualize": "off,some"}, {"tc_models": "a,a"}])
def test_an_axis_that_is_not_allowed_is_named(own: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"is not allowed; allowed: "):
        RunRequest(snapshot_id="demo", author="ann", **own).suite()  # type: ignore[arg-type]  # texts all


def test_the_settings_reach_the_suite() -> None:
    request = RunRequest(
        snapshot_id="demo", author="ann", preset="full", start="2011-01-31", universe="all", carry_days=3
    )
    suite = request.suite()
    assert (suite.name, suite.lags, str(suite.base.start)) == ("full", (0, 1, 2, 3, 5), "2011-01-31")
    assert (suite.base.universe, suite.base.carry_days, suite.base.end) == ("all", 3, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "best"}, "preset='best' is not allowed; allowed: quick, standard, full"),
        ({"start": "31/01/2011"}, "start='31/01/2011' is not allowed"),
        ({"universe": "mine"}, "universe='mine' is not allowed; allowed: None, 'flagged', 'all'"),
        ({"carry_days": 0}, "carry_days=0 is not allowed"),
        ({"name": "../up"}, r"name='\.\./up' is not allowed"),
        ({"name": None}, "name='' is not allowed"),
    ],
)
def test_a_bad_setting_is_refused_before_any_work(
    demo: Any, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    signal = demo.signals["noise"].frame
    with pytest.raises(ConfigError, match=message):
        evaluate_frame(signal, replace(REQUEST, **changes), workspace=tmp_path, now=NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "12_1 mom-v2.1", "A" * 80])
def test_a_name_can_be_part_of_a_path(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "a/b", "a\\b", "a\n", " a", "-a", "größe", "a" * 81, "a\0"])
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="Give another one with --name"):
        safe_name(name)


def test_a_broken_file_is_refused_with_every_breach(demo: Any, tmp_path: Path) -> None:
    frame = demo.signals["noise"].frame.head(50).copy()
    frame.loc[1, "signal"] = float("inf")
    frame.loc[2, "date_avail"] = frame.loc[2, "date_sig"] - pd.Timedelta(days=1)
    frame.to_csv(tmp_path / "bad.csv", index=False)
    workspace = demo.new_workspace(tmp_path / "workspace")
    with pytest.raises(ContractError, match=r"(?s)date_avail is before date_sig.*infinite"):
        evaluate(tmp_path / "bad.csv", replace(REQUEST, name=None), workspace=workspace, now=NOW)
    assert [path.name for path in workspace.iterdir()] == ["snapshots"]


def test_a_snapshot_that_is_not_there_is_said(tmp_path: Path, demo: Any) -> None:
    with pytest.raises(SnapshotError, match="no snapshot 'demo'"):
        evaluate_frame(demo.signals["noise"].frame, REQUEST, workspace=tmp_path, now=NOW)


def test_a_run_leaves_the_settings_of_python_as_they_were(demo: Any) -> None:
    before = sys.getswitchinterval(), gc.get_threshold()
    warnings.simplefilter("error")
    filters = list(warnings.filters)
    inside = []

    def look(*_: object) -> None:
        inside.append((sys.getswitchinterval(), gc.get_threshold()))
        warnings.warn_explicit("of MLflow", DeprecationWarning, "store.py", 1, module="mlflow.store")

    with pytest.raises(SnapshotError):
        evaluate_frame(pd.DataFrame(), replace(REQUEST, snapshot_id="nowhere"), workspace=demo.workspace, now=NOW)
    with pytest.raises(ContractError):
        evaluate_frame(pd.DataFrame(), REQUEST, workspace=demo.workspace, now=NOW, progress=look)
    assert inside
    assert before not in inside
    assert (sys.getswitchinterval(), gc.get_threshold()) == before
    assert warnings.filters == filters


def test_a_store_that_cannot_be_reached_loses_nothing(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = demo.new_workspace(tmp_path / "workspace")
    path = tmp_path / "from the file.csv"
    frame = demo.signals["noise"].frame
    frame.assign(signal_name="of the column").to_csv(path, index=False)
    request = replace(REQUEST, name=None, include_baselines=False, all_holdings=True)
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", NO_STORE)
        first = evaluate(path, request, workspace=workspace, now=NOW)
        frame.to_csv(path, index=False)
        second = evaluate(path, replace(request, out=tmp_path / "mine"), workspace=workspace, now=NOW)
    assert first.run_id is None
    assert NO_STORE in str(first.tracking_error)
    assert sorted(first.paths.values()) == sorted(first.out_dir.iterdir())
    assert [one.suite_result.signal_name for one in (first, second)] == ["of the column", "from the file"]
    assert second.out_dir == tmp_path / "mine"
    assert pd.read_parquet(first.paths["holdings"])["date"].nunique() > 100
    run_id = log_directory(first.out_dir, workspace=workspace)
    assert history(workspace)["run_id"].tolist() == [run_id]
    with pytest.raises(ConfigError, match="mine' exists already"):
        evaluate(path, replace(request, out=tmp_path / "mine"), workspace=workspace, now=NOW)


def test_results_are_never_half_there_and_never_overwritten(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NO_STORE)
    workspace = demo.new_workspace(tmp_path)
    signal = demo.signals["noise"].frame

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("poc.tracking.run_folder.write_run_file", fail)
        with pytest.raises(OSError, match="the disk is full"):
            evaluate_frame(signal, REQUEST, workspace=workspace, now=NOW)
    assert list((workspace / "artifacts").iterdir()) == []
    told: list[str] = []
    folders = [
        evaluate_frame(
            signal, REQUEST, workspace=workspace, now=NOW, progress=lambda what, _done, _total: told.append(what)
        ).out_dir.name
        for _ in range(2)
    ]
    assert folders == ["real_alpha_20260102_030405", "real_alpha_20260102_030405-2"]
    assert sorted(path.name for path in (workspace / "artifacts").iterdir()) == folders
    assert told[0] == "checking the signal"
    assert told[-3:] == ["writing the results", "logging the run", "done"]
