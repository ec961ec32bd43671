"""The page of all runs: find, sort, write onto one, and choose two or more to compare."""

import json

import pandas as pd
import streamlit as st

from poc.data.catalog import default_workspace
from poc.tracking.history_cache import annotate, forget
from poc.ui.common import read_runs, runs, warm_up
from poc.ui.compare import show_comparison

FILTERS = {"signal": "Signal", "author": "Author", "family": "Family", "snapshot": "Snapshot", "verdict": "Verdict"}
COLUMNS = ("name", "signal", "verdict", "sharpe_net", "sharpe", "author", "family", "snapshot", "started", "labels")
FILTER_WIDTH, RANGE_WIDTH = 165, 240  # pixels: six filters side by side on a desk, two on a phone; two dates
SHOWN = 1000  # rows that the browser gets at once
ORDERS = {"newest first": "started", "best net Sharpe first": "sharpe_net"}


def page() -> None:
    """The whole page."""
    st.title("History")
    found = runs()
    if found.empty:
        st.info("No run is logged yet. Every run that you start is logged by itself and then appears here.")
        st.page_link("run_suite.py", label="Run a signal", icon=":material/play_arrow:")
        return
    shown = _filter(found)
    if shown.empty:
        st.info("No run fits. Take a filter away.")
        return
    first = f"The first {SHOWN:,} are shown: choose an order, or filter." if len(shown) > SHOWN else ""
    st.caption(f"{len(shown):,} of {len(found):,} runs. {first} Tick one row to open it, more to compare.")
    if len(found) == 1:
        st.page_link(
            "run_suite.py", label="Run a second signal to compare it with this one", icon=":material/play_arrow:"
        )
    picked = _table(shown.head(SHOWN))
    names = dict(zip(picked["run_id"], unique_names(picked["name"].tolist()), strict=True))
    if len(names) == 1:
        _show_one(picked.iloc[0])
    elif names:
        show_comparison(names)


def _filter(found: pd.DataFrame) -> pd.DataFrame:
    row = st.container(horizontal=True, vertical_alignment="bottom")
    words = row.text_input("Search", placeholder="name, label, note", key="history-search", width=FILTER_WIDTH)
    if words:
        text = found["name"] + "\n" + found["labels"] + "\n" + found["note"]
        found = found[text.str.contains(words, case=False, regex=False)]
    for name, label in FILTERS.items():
        known = sorted(found[name].unique())
        chosen = row.multiselect(label, known, key=f"history-{name}", placeholder="all", width=FILTER_WIDTH)
        if chosen:
            found = found[found[name].isin(chosen)]
    days = row.date_input("Started", [], key="history-days", width=RANGE_WIDTH, help="First and last day, UTC.")
    if len(days) == 2:
        found = found[found["started"].dt.date.between(*days)]
    order = row.selectbox("Order", list(ORDERS), key="history-order", width=FILTER_WIDTH)
    if not row.toggle("Archived", key="history-archived", help="Show archived runs, too."):
        found = found[~found["archived"]]
    if row.button("Read all again", help="Fetch all runs anew: what other programs changed on old ones is then seen."):
        forget(default_workspace())
        read_runs.clear()
        st.rerun()
    return found.sort_values(ORDERS[order], ascending=False, kind="stable")


def _table(shown: pd.DataFrame) -> pd.DataFrame:
    """The table of runs; returns the rows that are ticked."""
    table = shown[list(COLUMNS)].assign(started=shown["started"].dt.tz_convert(None))
    table.insert(3, "curve", shown["curve"].map(json.loads))
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "sharpe": st.column_config.NumberColumn("gross Sharpe", format="%.2f"),
            "sharpe_net": st.column_config.NumberColumn("net Sharpe", format="%.2f"),
            "started": st.column_config.DatetimeColumn("started (UTC)", format="YYYY-MM-DD HH:mm"),
            "curve": st.column_config.LineChartColumn("net return", help="Cumulative net return of the judged variant"),
        },
        key="history-table",
    )
    return shown.iloc[event["selection"]["rows"]]


def _show_one(run: pd.Series) -> None:
    run_id = str(run["run_id"])
    st.page_link("results.py", label="Open the run", icon=":material/insights:", query_params={"run": run_id})
    with st.form(f"annotate-{run_id}"):
        labels = st.text_input("Labels", run["labels"], help="Words, separated by commas.", max_chars=200)
        note = st.text_area("Note", run["note"], max_chars=4000)
        archived = st.checkbox("Archived: hidden from lists", value=bool(run["archived"]))
        if st.form_submit_button("Save"):
            warm_up().join()
            annotate(run_id, workspace=default_workspace(), labels=labels, note=note, archived=archived)
            read_runs.clear()
            st.rerun()


def unique_names(names: list[str]) -> list[str]:
    """Names of runs, with a number behind each that has stood before: two runs may start in the same second."""
    return [name if name not in names[:place] else f"{name} ({place + 1})" for place, name in enumerate(names)]


if __name__ == "__main__":
    page()
