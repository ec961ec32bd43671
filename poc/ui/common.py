"""What several pages share: the workspace and its jobs, who is there, and how text and verdicts are shown."""

import re
import threading
from contextlib import suppress
from pathlib import Path

import pandas as pd
import streamlit as st

from poc.data.catalog import DataCatalog, default_workspace
from poc.errors import TrackingError
from poc.settings import Settings
from poc.tracking.history_cache import cached_history
from poc.tracking.stored_run import StoredRun, load_run
from poc.ui.jobs import JobStore
from poc.ui.log_in import visitor

COLORS = {"green": "green", "yellow": "orange", "red": "red", "incomplete": "gray"}
"""Color of a verdict's badge; the word always stands in it."""
MARKS = {
    "green": ":material/check_circle:",
    "yellow": ":material/error:",
    "red": ":material/cancel:",
    "incomplete": ":material/help:",
}


def store() -> JobStore:
    """The jobs of the workspace."""
    return JobStore(default_workspace())


def settings() -> Settings:
    """The settings of the workspace."""
    return Settings.load(default_workspace())


def literal(text: str) -> str:
    """Text in which no character means anything to Markdown, so that a name from a file stays a name."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>$:~&@/])", r"\\\1", text).replace("\n", "  \n")


def ready_snapshots() -> list[str]:
    """Snapshots that can be used, by name."""
    found = DataCatalog.list(default_workspace() / "snapshots")
    return [str(name) for name in found.loc[found["status"] == "ok", "snapshot_id"]]


def verdict_badge(color: str) -> None:
    """The verdict as a word in its color."""
    st.badge(color.upper(), color=COLORS.get(color, "gray"), icon=MARKS.get(color))  # type: ignore[arg-type]  # a color of the list


def offer_demo() -> None:
    """A button that makes the demo snapshot in the background."""
    st.write(
        "The demo snapshot is a synthetic market of 600 names over ten years, with signals whose truth is known "
        "because it was planted. Making it takes less than a minute."
    )
    if st.button("Create the demo snapshot", type="primary", icon=":material/add:"):
        store().submit("demo", {}, label="Create the demo snapshot", author=visitor())
        st.rerun()


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Open the tracking store in the background, once a server: its library takes seconds to load.

    Whoever needs the store then waits for the thread that is returned, and does not load the library beside it.
    """
    from poc.tracking.mlflow_logger import open_store

    workspace = default_workspace()

    def warm() -> None:
        with suppress(TrackingError):  # the page that needs the store says it
            open_store(workspace)

    thread = threading.Thread(target=warm, daemon=True)
    thread.start()
    return thread


def runs() -> pd.DataFrame:
    """Every finished run, newest first; kept for a minute, or until a job ends."""
    return read_runs(default_workspace(), store().last_end())


@st.cache_data(ttl=60, max_entries=4, show_spinner="Reading the history ...")
def read_runs(workspace: Path, last_end: str) -> pd.DataFrame:  # noqa: ARG001 - the moment is part of the key
    """What `runs` keeps; `read_runs.clear()` forgets it."""
    return cached_history(workspace)


def stored_run(run_id: str) -> StoredRun:
    """A logged run, read once."""
    warm_up().join()
    return _stored_run(run_id, default_workspace())


@st.cache_resource(max_entries=20, show_spinner="Reading the run ...")
def _stored_run(run_id: str, workspace: Path) -> StoredRun:
    return load_run(run_id, workspace=workspace)
