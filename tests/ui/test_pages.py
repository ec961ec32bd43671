"""Every page in each of its states, without a browser: what it says, and what a click leads to."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

import poc.ui.app
from poc.tracking.mlflow_logger import fetch_run
from poc.ui.jobs import Job, JobStore

APP = Path(poc.ui.app.__file__)
Wait = Callable[..., Job]


def _open(page: str = "run_suite.py", **query: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.switch_page(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert [error.value for error in app.exception] == []
    return app


def _said(app: AppTest) -> str:
    """Every sentence on the page, as it is read."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "success", "warning", "error")
    return "\n".join(str(getattr(element, "value", "")) for kind in kinds for element in app.get(kind)).replace(
        "\\", ""
    )


def _button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def _by_label(elements: Any, label: str) -> Any:
    return next(element for element in elements if element.label == label)


PAGES = ("run_suite.py", "results.py", "history.py", "snapshots.py")
EMPTY = ("There is no snapshot yet", "There is no result yet", "No run is logged yet", "There is no snapshot yet")


@pytest.mark.parametrize(("page", "sentence"), list(zip(PAGES, EMPTY, strict=True)))
def test_an_empty_page_says_what_to_do(page: str, sentence: str) -> None:
    assert sentence in _said(_open(page))


def test_the_demo_snapshot_is_made_by_a_job(tmp_path: Path) -> None:
    app = _open("snapshots.py")
    _button(app, "Create the demo snapshot").click().run()
    store = JobStore(tmp_path / "workspace")
    assert [job.kind for job in store.jobs()] == ["demo"]
    assert "Create the demo snapshot" in _said(app)
    _button(app, "Cancel").click().run()
    assert store.jobs()[0].status in ("cancelling", "cancelled")


@pytest.mark.usefixtures("store")
def test_a_file_that_breaks_the_contract_is_refused_with_its_rows() -> None:
    app = _open()
    app.file_uploader[0].upload(
        "bad.csv", b"security_id,date_sig,date_avail,signal\n1,2010-02-03,2010-02-01,0.5\n"
    ).run()
    assert "The file cannot be used. Rows: 1 in the file, 0 of them used." in _said(app)
    assert "row 1" in _said(app)
    assert _button(app, "Run").disabled


@pytest.mark.usefixtures("store")
def test_a_file_that_is_no_table_is_refused_in_a_sentence() -> None:
    app = _open()
    app.file_uploader[0].upload("bad.parquet", b"no parquet").run()
    assert "The file cannot be read as .parquet" in _said(app)
    assert _button(app, "Run").disabled


def test_a_good_file_is_run_and_its_result_read(demo: Any, store: JobStore, wait: Wait, tmp_path: Path) -> None:
    path = tmp_path / "signal.parquet"
    demo.signals["real_alpha"].frame.to_parquet(path)
    app = _open()
    app.file_uploader[0].upload("my <b>signal</b>.parquet", path.read_bytes()).run()
    assert "The file keeps the contract." in _said(app)
    app.selectbox[1].set_value("quick")
    _button(app, "Run").click().run()
    assert "is not allowed; allowed: 1 to 80 letters" in _said(app)
    assert store.jobs() == []
    app.text_input[0].set_value("mine").run()
    _button(app, "Run").click().run()
    job = wait(store.jobs()[0].id)
    assert job.status == "done", job
    app.run()
    assert "mine on demo, quick" in _said(app)
    app = _open("results.py", run=job.result["run_id"])
    assert "mine" in _said(app)
    app.session_state["result-part"] = "Run it again"
    app.run()
    assert "The same signal and snapshot have the same hashes:" in _said(app)
    app = _open("history.py")
    assert "1 of 1 runs" in _said(app)


def test_a_baseline_can_be_run(store: JobStore) -> None:
    app = _open()
    app.segmented_control[0].set_value("baseline").run()
    assert "Source" not in _said(app)
    assert app.text_input[0].value == "reversal_5d"
    _by_label(app.multiselect, "Lags, in trading days").set_value([0, 5]).run()
    _button(app, "Run").click().run()
    request = store.jobs()[0].request
    assert request["settings"]["lags"] == "0,5"
    assert "residualize" not in request["settings"]
    assert request["source"] == {"kind": "baseline", "name": "reversal_5d", "snapshot_id": "demo"}
    assert (request["settings"]["preset"], request["settings"]["include_baselines"]) == ("standard", True)


def test_a_holdout_is_sealed_and_unsealed_once(demo: Any, store: JobStore, wait: Wait) -> None:
    app = _open()
    app.segmented_control[0].set_value("baseline").run()
    trials = (demo.evaluation.out_dir / "trials.json").read_bytes()
    next(box for box in app.file_uploader if "trials.json" in box.label).upload("mine.json", trials)
    _by_label(app.date_input, "Seal from").set_value(date(2011, 6, 1))
    _by_label(app.selectbox, "Preset").set_value("quick")
    app.number_input[-1].set_value(0).run()
    _button(app, "Run").click().run()
    sealed = wait(store.jobs()[0].id)
    assert sealed.status == "done", sealed
    assert (store.folder(sealed.id) / "trials.json").read_bytes() == trials
    assert fetch_run(sealed.result["run_id"], workspace=store.workspace).tags["seal_from"] == "2011-06-01"
    app = _open("results.py", run=sealed.result["run_id"])
    assert "The days from 2011-06-01 on are sealed" in _said(app)
    _button(app, "Look at the sealed days now").click().run()
    unsealed = wait(store.jobs()[0].id)
    assert unsealed.status == "done", unsealed
    assert fetch_run(unsealed.result["run_id"], workspace=store.workspace).tags["unseals"] == sealed.result["run_id"]
    app = _open("results.py", run=sealed.result["run_id"])
    assert "The days from 2011-06-01 on were sealed, and have been looked at since." in _said(app)
    again = store.submit("unseal", {"run_id": sealed.result["run_id"]}, label="again", author="ann")
    assert "A holdout is looked at once" in wait(again).reason


@pytest.mark.usefixtures("store")
def test_a_snapshot_is_shown_and_verified(store: JobStore, wait: Wait) -> None:
    app = _open("snapshots.py")
    assert "A synthetic market of region US" in _said(app)
    next(button for button in app.button if button.label.startswith("Verify")).click().run()
    assert wait(store.jobs()[0].id).status == "done"
    app.run()
    assert "Verify demo" in _said(app)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("query", "message"),
    [({"folder": "../snapshots"}, "is not a folder of results in this workspace"),
     ({"folder": "nothing"}, "cannot be read"), ({"run": "0" * 32}, "The tracking store")],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_a_sentence(query: dict[str, str], message: str) -> None:
    assert message in _said(_open("results.py", **query))


@pytest.fixture
def listen() -> Iterator[Callable[[str], None]]:
    """Serve at an address, as `poc ui --address` does."""
    before = config.get_option("server.address")
    yield lambda address: config.set_option("server.address", address)
    config.set_option("server.address", before)


@pytest.mark.parametrize("page", PAGES)
def test_where_everybody_is_let_in_every_page_says_so(page: str, listen: Callable[[str], None]) -> None:
    warning = "Other machines can reach this app and there is no log-in: everyone who reaches it is let in."
    for address, is_open in (("127.0.0.1", False), ("0.0.0.0", True), ("192.0.2.7", True)):  # noqa: S104 - this is what it is about
        listen(address)
        assert (warning in _said(_open(page))) == is_open


@pytest.mark.usefixtures("workspace")
def test_bad_settings_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "workspace" / "poc.toml").write_text("color = 3\n")
    assert "color is not a setting" in _said(_open())
