"""A sealed holdout: nothing of it is seen before it is unsealed, once, on the record."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poc.cli import main
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.errors import ConfigError
from poc.evaluate import RunRequest, evaluate_frame
from poc.reporting.files import to_json
from poc.suite.trials import EarlierTrials
from poc.tracking.mlflow_logger import fetch_run, history

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SEAL = "2011-03-01"
REQUEST = RunRequest(
    snapshot_id="demo", author="ann", name="idea", family="f", placebos=5, tc_models="naive", seal_from=SEAL
)
Poc = Callable[..., tuple[int, Any]]


@pytest.fixture
def workspace(demo: Any, tmp_path: Path) -> Path:
    folder: Path = demo.new_workspace(tmp_path / "own")
    return folder


@pytest.fixture
def poc(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Poc:
    """Run a command as the shell does, with `--json`: its exit code and its document."""

    def run(*words: str | Path) -> tuple[int, Any]:
        with pytest.raises(SystemExit) as left:
            main([*map(str, words), "--workspace", str(workspace), "--json"])
        assert isinstance(left.value.code, int)
        return left.value.code, json.loads(capsys.readouterr().out)

    return run


def _with_another_future(demo: Any, folder: Path) -> Path:
    """A workspace whose snapshot differs in every return and size from the seal on, and loses names there."""
    sealed = pl.col("date") >= date.fromisoformat(SEAL)
    source = folder / "source"
    source.mkdir(parents=True)
    for file in (demo.workspace / "snapshots" / "demo").glob("*.parquet"):
        table = pl.read_parquet(file)
        numbers = [name for name in ("ret", "resret", "openret", "resopenret", "mcap", "adv") if name in table.columns]
        table = table.with_columns(pl.when(sealed).then(pl.col(name) * 0.5 + 0.001).otherwise(name) for name in numbers)
        if "security_id" in table.columns:
            table = table.filter(~sealed | (pl.col("security_id").hash() % 3 > 0))
        table.write_parquet(source / file.name)
    create_snapshot_from_existing(source, "demo", folder / "snapshots")
    return folder


def test_what_is_sealed_changes_no_number(demo: Any, workspace: Path, tmp_path: Path) -> None:
    frame = demo.signals["real_alpha"].frame
    is_sealed = (pd.to_datetime(frame["date_sig"]) >= SEAL).to_numpy()
    assert 0.2 < is_sealed.mean() < 0.8
    noise = np.random.default_rng(1).standard_normal(len(frame))
    other = frame.assign(signal=np.where(is_sealed, noise, frame["signal"]))
    elsewhere = _with_another_future(demo, tmp_path / "elsewhere")
    (tmp_path / "none.json").write_text(to_json(EarlierTrials().to_dict()))
    request = replace(REQUEST, trials=tmp_path / "none.json")
    found = []
    for signal, place in ((frame, workspace), (other, elsewhere), (frame[~is_sealed], elsewhere)):
        done = evaluate_frame(signal, request, workspace=place, now=NOW)
        document = json.loads(done.paths["result"].read_text())
        for name in ("fingerprint", "limits", "synthetic"):  # the manifest's, which tells of the whole snapshot
            del document["snapshot"][name]
        files = [done.paths[name].read_bytes() for name in ("daily_series", "holdings", "suite_summary")]
        found.append((document, files))
    for document, files in found[1:]:
        assert [name for name in document if document[name] != found[0][0][name]] == []
        assert files == found[0][1]
    assert found[0][0]["snapshot"]["last_date"] < SEAL
    assert pd.read_parquet(done.paths["daily_series"])["date"].max() < pd.Timestamp(SEAL)
    whole = evaluate_frame(other, replace(request, seal_from=None), workspace=elsewhere, now=NOW)
    assert json.loads(whole.paths["result"].read_text())["judged"] != found[0][0]["judged"]


def test_a_holdout_is_unsealed_once_and_every_later_report_says_so(
    demo: Any, workspace: Path, poc: Poc, tmp_path: Path
) -> None:
    demo.signals["noise"].frame.to_parquet(tmp_path / "idea.parquet")
    options = "--snapshot demo --author ann --family f --preset quick --jobs 1"
    words = ("run", tmp_path / "idea.parquet", *options.split())
    _, sealed = poc(*words, "--seal-from", SEAL)
    _, again = poc("rerun", sealed["run_id"])
    for name in ("result", "trials", "daily_series", "holdings", "signal"):
        assert Path(again["paths"][name]).read_bytes() == Path(sealed["paths"][name]).read_bytes(), name

    code, rest = poc("unseal", sealed["run_id"])
    assert code == 0
    days = pd.read_parquet(rest["paths"]["daily_series"])["date"]
    assert (days.min(), days.max()) == (pd.Timestamp(SEAL), pd.Timestamp(str(_last_day(demo))))
    assert fetch_run(sealed["run_id"], workspace=workspace).tags["seal_from"] == SEAL
    assert fetch_run(rest["run_id"], workspace=workspace).tags["unseals"] == sealed["run_id"]
    assert _earlier(rest) == {"unsealed": 0, "trials": []}
    _, rest_again = poc("rerun", rest["run_id"])
    assert Path(rest_again["paths"]["result"]).read_bytes() == Path(rest["paths"]["result"]).read_bytes()

    n_runs = len(history(workspace))
    code, refused = poc("unseal", sealed["run_id"])
    assert (code, len(history(workspace))) == (2, n_runs)
    assert "was unsealed on 20" in refused["error"]["message"]
    assert f"by run {rest['run_id']}: verdict {rest['verdict']['color']}, net Sharpe" in refused["error"]["message"]
    code, refused = poc(*words, "--start", SEAL, "--unseals", sealed["run_id"])
    assert (code, "was unsealed on 20" in refused["error"]["message"]) == (2, True)
    code, refused = poc("unseal", rest["run_id"])
    assert (code, "is not sealed" in refused["error"]["message"]) == (2, True)

    _, later = poc(*words, "--lags", "0,3")
    assert _earlier(later)["unsealed"] == 1
    page = Path(later["paths"]["tearsheet"]).read_text()
    assert "Times unsealed" in page
    _, other = poc(*words, "--family", "another")
    assert _earlier(other)["unsealed"] == 0


def _last_day(demo: Any) -> Any:
    return pl.read_parquet(demo.workspace / "snapshots" / "demo" / "trading_date.parquet")["date"].max()


def _earlier(done: dict[str, Any]) -> dict[str, Any]:
    earlier = json.loads(Path(done["paths"]["trials"]).read_text())
    return {name: earlier[name] for name in ("unsealed", "trials")}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seal_from": "soon"}, "seal_from='soon' is not allowed; allowed: a day such as"),
        ({"end": "2011-01-31"}, "end and seal_from are not allowed together"),
        ({"seal_from": "1999-01-01"}, "allowed: a day after 20"),
        ({"seal_from": "2099-01-01"}, "the days of snapshot 'demo'"),
    ],
)
def test_a_seal_that_seals_nothing_is_refused(
    demo: Any, workspace: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate_frame(demo.signals["noise"].frame, replace(REQUEST, **changes), workspace=workspace, now=NOW)
    assert [path.name for path in workspace.iterdir()] == ["snapshots"]
