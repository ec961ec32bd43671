"""The command line: what it prints where, and its exit codes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from poc.cli import main
from poc.data.demo import write_demo_source
from poc.data.demo_market import simulate_market


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Poc = Callable[..., Said]


@pytest.fixture
def workspace(demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"
    demo.new_workspace(folder)
    monkeypatch.setenv("POC_WORKSPACE", str(folder))
    return folder


@pytest.fixture
def poc(capsys: pytest.CaptureFixture[str]) -> Poc:
    """Run a command as the shell does."""

    def run(*words: str | Path) -> Said:
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        assert isinstance(left.value.code, int)
        return Said(left.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def signal_file(demo: Any, tmp_path: Path) -> Path:
    path = tmp_path / "my_noise.parquet"
    demo.signals["noise"].frame.to_parquet(path)
    return path


def test_help_is_quick() -> None:
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "poc", "--help"], capture_output=True, text=True, check=True)
    assert "snapshot" in done.stdout
    assert done.stderr == ""
    assert time.monotonic() - started < 5  # alone, 0.2 seconds


def test_nothing_is_looked_through_for_garbage_at_the_end() -> None:
    code = "import atexit, gc; atexit.register(lambda: print(len(gc.get_objects()))); "
    code += "from poc.cli import main; main(['--version'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) < 100  # of 100,000


def test_version(poc: Poc) -> None:
    said = poc("--version")
    assert (said.code, said.out.split()[0], said.err) == (0, "poc", "")


def test_run_then_history(poc: Poc, workspace: Path, signal_file: Path) -> None:
    said = poc("run", signal_file, "--snapshot", "demo", "--author", "ann", "--preset", "quick", "--jobs", "1")
    assert said.code == 0
    folder = next((workspace / "artifacts").iterdir())
    assert said.out.startswith("RED: my_noise on demo\n  - Net Sharpe ratio is ")
    assert f"Tear sheet  {folder / 'tearsheet.html'}\nResults     {folder}\nRun " in said.out
    assert "done" in said.err
    runs = poc("history", "--json").json
    assert [(run["name"], run["author"], run["verdict"]) for run in runs] == [(folder.name, "ann", "red")]
    listed = poc("history", "--signal", "my_noise")
    assert listed.out.split()[:3] == ["run_id", "name", "signal"]
    assert runs[0]["run_id"] in listed.out
    assert poc("history", "--author", "ben").out == "There is no run yet.\n"
    _reports_are_what_was_stored(poc, folder, runs[0]["run_id"], signal_file.parent)


def _reports_are_what_was_stored(poc: Poc, folder: Path, run_id: str, place: Path) -> None:
    for run, name in ((folder, "by_folder.html"), (run_id, "by_id.html")):
        said = poc("report", run, "--out", place / name, "--json")
        assert (said.code, said.json) == (0, {"path": str(place / name)})
        assert (place / name).read_bytes() == (folder / "tearsheet.html").read_bytes()
    again = poc("report", folder, "--out", place / "by_id.html")
    assert (again.code, "exists already" in again.err) == (2, True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POC_CHROMIUM", "nowhere")
        none = poc("report", folder, "--format", "pdf", "--out", place / "out.pdf")
    assert (none.code, "POC_CHROMIUM='nowhere' is no program" in none.err) == (2, True)
    assert not (place / "out.pdf").exists()
    (place / "empty").mkdir()
    assert "There is no tearsheet.html in" in poc("report", place / "empty").err


@pytest.mark.usefixtures("workspace")
def test_a_logged_run_is_computed_again_to_the_byte_whatever_has_been_tried_since(
    poc: Poc, demo: Any, workspace: Path, tmp_path: Path
) -> None:
    frame = demo.signals["noise"].frame.assign(desk="not read")
    frame.loc[:9, "signal"] = float("nan")
    frame.to_csv(tmp_path / "idea.csv", index=False)
    frame.assign(signal=frame["signal"] ** 3 + frame["security_id"]).to_parquet(tmp_path / "other.parquet")
    words = ("--snapshot", "demo", "--author", "ann", "--family", "f", "--preset", "quick", "--jobs", "1", "--json")
    poc("run", tmp_path / "other.parquet", *words)
    first = poc("run", tmp_path / "idea.csv", *words).json
    poc("run", tmp_path / "other.parquet", *words, "--lags", "0,1,2", "--end", "2010-12-31")
    (tmp_path / "idea.csv").unlink()
    again = poc("rerun", first["run_id"], "--workspace", workspace, "--json").json
    assert again["run_id"] != first["run_id"]
    for name in ("result", "trials", "daily_series", "suite_summary"):
        assert Path(again["paths"][name]).read_bytes() == Path(first["paths"][name]).read_bytes(), name
    assert len(json.loads(Path(first["paths"]["trials"]).read_text())["trials"]) == 1
    assert "ignored" in Path(first["paths"]["result"]).read_text()


def test_a_run_that_is_not_there_cannot_be_computed_again(poc: Poc, workspace: Path) -> None:
    said = poc("rerun", "0" * 32, "--workspace", workspace)
    assert said.code == 1
    assert "cannot be used" in said.err


@pytest.mark.usefixtures("workspace")
def test_a_run_of_which_no_variant_can_be_run_is_bad_input(poc: Poc, signal_file: Path, tmp_path: Path) -> None:
    words = ("--snapshot", "demo", "--preset", "quick", "--start", "2099-01-01", "--out", tmp_path / "out")
    said = poc("run", signal_file, *words)
    assert said.code == 2
    assert "No variant could be run. No trading day lies in the chosen dates (2099-01-01 to end" in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("workspace")
def test_a_run_that_cannot_be_logged_is_done_and_says_so(
    poc: Poc, signal_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        said = poc("run", signal_file, "--snapshot", "demo", "--preset", "quick", "--out", out, "--json")
        assert said.code == 1
        assert said.json["run_id"] is None
        assert said.json["verdict"]["color"] == "red"
        assert Path(said.json["paths"]["tearsheet"]).is_file()
        assert f"Log them later: poc log {out}" in said.err
        unreachable = poc("log", out, "--json")
        assert unreachable.code == 1
        assert unreachable.json["error"]["type"] == "TrackingError"
    run_id = poc("log", out, "--json").json["run_id"]
    assert poc("log", out).out == f"Logged: run {run_id}\n"
    assert [run["run_id"] for run in poc("history", "--json").json] == [run_id]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nowhere.parquet", "--snapshot", "demo"], "nowhere.parquet"),
        (["run", "FILE", "--snapshot", "other"], "There is no snapshot 'other'"),
        (["run", "FILE", "--snapshot", "demo", "--preset", "best"], "preset='best' is not allowed"),
        (["run", "FILE", "--snapshot", "demo", "--start", "yesterday"], "start='yesterday' is not allowed"),
        (["run", "FILE", "--snapshot", "demo", "--name", "../a"], "name='../a' is not allowed"),
        (["snapshot", "show", "../demo"], "snapshot"),
        (["snapshot", "create", "nowhere"], "nowhere"),
        (["snapshot", "light", "nowhere", "--securities", "5"], "nowhere"),
        (["log", "nowhere"], "is no folder of results"),
        (["convert", "old.pkl"], "--trust-pickle"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    poc: Poc, workspace: Path, signal_file: Path, words: list[str], message: str
) -> None:
    words = [str(signal_file) if word == "FILE" else word for word in words]
    said = poc(*words, "--json")
    assert said.code == 2
    assert message in said.err
    assert said.err.startswith("Error: ")
    assert "Traceback" not in said.err
    assert message in said.json["error"]["message"]
    assert [path.name for path in workspace.iterdir()] == ["snapshots"]


def test_an_option_that_does_not_exist_is_bad_input(poc: Poc) -> None:
    said = poc("history", "--newest")
    assert said.code == 2
    assert "--newest" in said.err
    assert said.out == ""


@pytest.mark.usefixtures("workspace")
def test_an_unexpected_error_is_one_line_unless_asked(poc: Poc, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("poc.tracking.mlflow_logger.history", fail)
    said = poc("history", "--json")
    assert said.code == 1
    assert said.err.startswith("Error: ZeroDivisionError: ours\n")
    assert "--debug" in said.err
    assert said.json == {"error": {"type": "ZeroDivisionError", "message": "ours"}}
    with pytest.raises(ZeroDivisionError, match="ours"):
        main(["--debug", "history"])


@pytest.mark.usefixtures("workspace")
def test_a_login_name_that_is_not_known_must_be_given(
    poc: Poc, signal_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", fail)
    said = poc("run", signal_file, "--snapshot", "demo")
    assert (said.code, said.err) == (2, "Error: The login name is not known here; give --author.\n")


@pytest.mark.usefixtures("workspace")
def test_validate_says_what_is_wrong_and_what_was_not_checked(poc: Poc, signal_file: Path) -> None:
    good = poc("validate", signal_file, "--snapshot", "demo")
    assert good.code == 0
    assert good.out.endswith("The file can be used.\n")
    without = poc("validate", signal_file, "--json")
    assert without.code == 0
    assert (
        without.json["not_checked"] != poc("validate", signal_file, "--snapshot", "demo", "--json").json["not_checked"]
    )
    frame = pd.read_parquet(signal_file)
    frame.loc[0, "signal"] = float("inf")
    frame.to_parquet(signal_file)
    bad = poc("validate", signal_file, "--json")
    assert bad.code == 2
    assert bad.json["valid"] is False
    assert "infinite" in bad.json["errors"][0]["message"]
    ledger = bad.json["ledger"]
    assert ledger["rows_in"] == ledger["rows_used"] + sum(ledger["dropped"].values())
    said = poc("validate", signal_file)
    assert said.out.startswith("Error: The signal is infinite in 1 of ")
    assert "The file is refused; errors: 1." in said.out
    assert "Not checked: " in said.out


def test_snapshots_are_made_listed_shown_and_verified(poc: Poc, tmp_path: Path) -> None:
    workspace, source = tmp_path / "new", tmp_path / "source"
    source.mkdir()
    write_demo_source(source, n_securities=60, n_years=1)
    where = ("--workspace", workspace)
    assert poc("snapshot", "list", *where).out == "There is no snapshot yet.\n"
    made = poc("snapshot", "create", source, "--id", "one", "--region", "EU", *where, "--json")
    assert made.code == 0
    assert made.json["path"] == str(workspace / "snapshots" / "one")
    light = poc(
        "snapshot", "light", workspace / "snapshots" / "one", "--securities", "20", "--start", "2010-03-01",
        "--end", "2010-06-30", "--id", "two", "--region", "EU", *where,
    )  # fmt: skip
    assert light.code == 0
    assert "Limit: Only the 20 securities" in light.out
    assert [row["snapshot_id"] for row in poc("snapshot", "list", *where, "--json").json] == ["one", "two"]
    assert poc("snapshot", "show", "one", *where, "--json").json["fingerprint"] == made.json["fingerprint"]
    assert poc("snapshot", "verify", "one", *where).out == "one is what it was when it was made.\n"
    table = workspace / "snapshots" / "one" / "ret.parquet"
    table.chmod(0o644)
    pd.read_parquet(table).assign(ret=0.0).to_parquet(table)
    changed = poc("snapshot", "verify", "one", *where)
    assert changed.code == 2
    assert "changed: ret" in changed.err


def test_an_old_pickle_is_converted_once(poc: Poc, demo: Any, tmp_path: Path) -> None:
    old = tmp_path / "old.pkl"
    frame = demo.signals["noise"].frame
    frame.to_pickle(old)
    said = poc("convert", old, "--trust-pickle", "--json")
    assert said.json == {"path": str(tmp_path / "old.parquet")}
    assert len(pd.read_parquet(tmp_path / "old.parquet")) == len(frame)


def test_the_demo_tells_what_was_planted_and_what_was_found(
    poc: Poc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = simulate_market(n_securities=150, n_years=1)
    monkeypatch.setattr("poc.data.demo.simulate_market", lambda **_: market)
    monkeypatch.setattr("poc.data.demo_signals.simulate_market", lambda: market)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    one = poc("demo", "--workspace", tmp_path)
    assert one.code == 1  # there is no store here
    assert one.err.startswith("The market of this demo is synthetic")
    assert ": real_alpha on demo\n" in one.out
    every = poc("demo", "--all", "--workspace", tmp_path)
    lines = every.out.splitlines()
    assert lines[0].split() == ["signal", "expected", "verdict", "agrees", "planted", "results"]
    assert [line.split()[0] for line in lines[1:]] == [
        "real_alpha", "fast_decay", "noise", "reversal_clone", "small_cap_only", "future_leak",
    ]  # fmt: skip
    noise = lines[3].split()
    assert noise[1:4] == ["red", "red", "yes"]
    assert every.err.count("the run is not logged") == 6


def test_the_app_is_served_from_the_workspace_with_a_warning_where_others_reach_it(
    poc: Poc, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[list[str], dict[str, str]]] = []

    def serve(command: list[str], environment: dict[str, str]) -> int:
        served.append((command, environment))
        return 0

    monkeypatch.setattr("poc.cli_serve.serve", serve)
    said = poc("ui", "--port", "8600")
    assert "http://127.0.0.1:8600" in said.err
    assert "WARNING" not in said.err
    words, environment = served[0]
    assert words[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert environment["POC_WORKSPACE"] == str(workspace)
    refused = poc("ui", "--address", "0.0.0.0")  # noqa: S104 - it is refused
    assert (refused.code, "--allow-remote" in refused.err) == (2, True)
    remote = poc("ui", "--address", "0.0.0.0", "--allow-remote").err  # noqa: S104 - nothing is served
    assert "WARNING: other machines can reach this app. There is no log-in: everyone who reaches it" in remote
    assert len(served) == 2
