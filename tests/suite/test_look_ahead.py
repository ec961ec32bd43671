import json
from pathlib import Path

import pandas as pd
import pytest

from poc.baselines.library import generate_reversal_signal
from poc.cli import main
from poc.data.catalog import DataCatalog
from poc.errors import ConfigError
from poc.suite.look_ahead import CUTS, load_function, probe_function


def peeks_a_day(catalog: DataCatalog) -> pd.DataFrame:
    """The return of the next day, said to be known before it."""
    honest = generate_reversal_signal(catalog)
    ret = catalog.get_retfile()[["security_id", "date", "ret"]].rename(columns={"date": "date_avail", "ret": "signal"})
    for frame in (honest, ret):
        frame["date_avail"] = frame["date_avail"].astype("datetime64[s]")
    return honest.drop(columns="signal").merge(ret, on=["security_id", "date_avail"])


def uses_the_mean_of_all_time(catalog: DataCatalog) -> pd.DataFrame:
    frame = generate_reversal_signal(catalog)
    return frame.assign(signal=frame["signal"] - frame.groupby("security_id")["signal"].transform("mean"))


def keeps_survivors(catalog: DataCatalog) -> pd.DataFrame:
    frame = generate_reversal_signal(catalog)
    alive = frame.loc[frame["date_sig"] == frame["date_sig"].max(), "security_id"]
    return frame[frame["security_id"].isin(alive)]


def test_an_honest_function_is_not_accused(catalog: DataCatalog) -> None:
    assert probe_function(generate_reversal_signal, catalog) == ()


def test_the_return_of_the_next_day_is_found_on_the_last_day_of_each_cut(catalog: DataCatalog) -> None:
    changes = probe_function(peeks_a_day, catalog)
    assert {change.kind for change in changes} == {"missing"}
    assert {change.date_sig for change in changes} == {change.cut for change in changes}
    assert len({change.cut for change in changes}) == len(CUTS)


def test_a_mean_over_the_future_changes_every_value(catalog: DataCatalog) -> None:
    changes = probe_function(uses_the_mean_of_all_time, catalog)
    assert {change.kind for change in changes} == {"value"}
    assert min(change.date_sig for change in changes) < "2010-03"


def test_a_choice_of_survivors_is_found(catalog: DataCatalog) -> None:
    assert {change.kind for change in probe_function(keeps_survivors, catalog)} >= {"extra"}


def test_a_function_is_named_by_module_and_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own_module_of_a_test.py").write_text("def make(catalog): return catalog\nNUMBER = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_function("own_module_of_a_test:make")(1) == 1  # type: ignore[arg-type]  # any argument will do
    for name, reason in (
        ("own_module_of_a_test", "give it as module:function"),
        ("own_module_of_a_test:nothing", "give it as module:function"),
        ("no_such_module_at_all:make", "cannot be found"),
        ("own_module_of_a_test:NUMBER", "is no function"),
    ):
        with pytest.raises(ConfigError, match=reason):
            load_function(name)


def test_the_command_says_no_or_shows_the_rows(
    catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = str(catalog.path.parent.parent)
    link = catalog.path.parent.parent / "snapshots"
    if link != catalog.path.parent and not link.exists():
        link.symlink_to(catalog.path.parent)
    monkeypatch.chdir(Path(__file__).parents[2])
    command = ["--snapshot", catalog.snapshot_id, "--workspace", workspace]
    with pytest.raises(SystemExit) as honest:
        main(["probe", "poc.baselines.library:generate_reversal_signal", *command])
    assert honest.value.code == 0
    assert capsys.readouterr().out == "No earlier row changes.\n"
    with pytest.raises(SystemExit) as leaking:
        main(["probe", f"{__name__}:peeks_a_day", *command, "--json"])
    assert leaking.value.code == 2
    found = json.loads(capsys.readouterr().out)
    assert found["look_ahead"] is True
    assert found["changes"][0]["kind"] == "missing"
