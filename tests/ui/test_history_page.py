"""The page of all runs: finding one among very many, and writing onto it."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import poc.ui.app
from poc.tracking.history_cache import annotate, cached_history
from poc.tracking.mlflow_logger import history, log_record
from poc.tracking.record import RunRecord
from poc.ui import common
from poc.ui.history import unique_names

APP = Path(poc.ui.app.__file__)


def _open() -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.switch_page("history.py").run()
    assert [error.value for error in app.exception] == []
    return app


def _said(app: AppTest) -> str:
    return "\n".join(element.value for kind in ("caption", "info", "error") for element in app.get(kind))  # type: ignore[union-attr]  # these have text


def _by_key(elements: Any, key: str) -> Any:
    return next(element for element in elements if element.key == key)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Three runs of two signals."""
    folder = tmp_path / "workspace"
    for number, (signal, author) in enumerate((("alpha", "ann"), ("alpha", "ben"), ("beta", "ann"))):
        tags = {"signal_name": signal, "author": author, "family": "", "data_snapshot_id": "demo", "verdict": "red"}
        name, started = f"{signal}_2026010{number}", f"2026-01-0{number + 1}T00:00:00+00:00"
        metrics = {"sharpe": float(number), "sharpe_net": 0.5}
        record = RunRecord(name=name, started=started, tags=tags | {"curve": "[0, 1]"}, params={}, metrics=metrics)
        log_record(record, [], workspace=folder)
    return folder


@pytest.mark.usefixtures("workspace")
def test_runs_are_found_by_word_filter_and_date() -> None:
    app = _open()
    assert "3 of 3 runs" in _said(app)
    table = app.dataframe[0].value
    assert table["name"].tolist() == ["beta_20260102", "alpha_20260101", "alpha_20260100"]
    assert table["curve"].iloc[0].tolist() == [0, 1]
    _by_key(app.multiselect, "history-author").set_value(["ann"]).run()
    assert "2 of 3 runs" in _said(app)
    _by_key(app.text_input, "history-search").set_value("ALPHA").run()
    assert app.dataframe[0].value["name"].tolist() == ["alpha_20260100"]
    day = pd.Timestamp("2026-01-02").date()
    _by_key(app.date_input, "history-days").set_value((day, day)).run()
    assert "No run fits. Take a filter away." in _said(app)
    _by_key(app.multiselect, "history-author").set_value([]).run()
    assert app.dataframe[0].value["name"].tolist() == ["alpha_20260101"]


def test_an_archived_run_is_hidden_until_it_is_asked_for(workspace: Path) -> None:
    first = cached_history(workspace)["run_id"].iloc[0]
    annotate(first, workspace=workspace, archived=True, labels="old")
    app = _open()
    assert "2 of 3 runs" in _said(app)
    _by_key(app.toggle, "history-archived").set_value(True).run()
    assert "3 of 3 runs" in _said(app)
    assert app.dataframe[0].value["labels"].iloc[0] == "old"


def test_a_label_and_a_note_are_written_onto_a_run(workspace: Path) -> None:
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.switch_page("history.py")
    app.session_state["history-table"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.run()
    assert [error.value for error in app.exception] == []
    next(box for box in app.text_input if box.label == "Labels").set_value("keep")
    app.text_area[0].set_value("read [this](http://x)")
    next(button for button in app.button if button.label == "Save").click().run()
    written = history(workspace).set_index("name").loc["alpha_20260101"]
    assert (written["labels"], written["note"], bool(written["archived"])) == ("keep", "read [this](http://x)", False)


def test_what_another_program_changed_is_seen_after_reading_all_again(workspace: Path) -> None:
    assert "3 of 3 runs" in _said(_open())
    (workspace / "history.parquet").write_bytes(b"")
    app = _open()
    next(button for button in app.button if button.label == "Read all again").click().run()
    assert len(pd.read_parquet(workspace / "history.parquet")) == 3


def test_a_hundred_thousand_runs_stay_responsive(monkeypatch: pytest.MonkeyPatch, workspace: Path) -> None:
    one = cached_history(workspace).iloc[:1]
    count = 100_000
    many = one.loc[one.index.repeat(count)].reset_index(drop=True)
    many = many.assign(run_id=[f"{place:032x}" for place in range(count)], signal=[f"s{i % 500}" for i in range(count)])
    many["sharpe_net"] = np.random.default_rng(0).normal(size=count)
    monkeypatch.setattr(common, "cached_history", lambda _workspace: many)
    app = _open()
    assert "100,000 of 100,000 runs. The first 1,000 are shown" in _said(app)
    _by_key(app.selectbox, "history-order").set_value("best net Sharpe first").run()
    assert app.dataframe[0].value["sharpe_net"].to_list() == many["sharpe_net"].nlargest(1000).to_list()
    started = time.monotonic()
    _by_key(app.multiselect, "history-signal").set_value(["s7"]).run()
    assert time.monotonic() - started < 5  # 0.4 seconds on an idle machine; the tests share theirs
    assert "200 of 100,000 runs" in _said(app)


def test_runs_of_the_same_name_are_told_apart() -> None:
    assert unique_names(["a", "b", "a"]) == ["a", "b", "a (3)"]
