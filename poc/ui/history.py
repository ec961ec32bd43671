"""The page of all runs: find, sort, and choose two or more to compare."""

import pandas as pd
import streamlit as st

from poc.data.catalog import default_workspace
from poc.ui.common import runs
from poc.ui.compare import show_comparison

FILTERS = {"signal": "Signal", "author": "Author", "family": "Family", "snapshot": "Snapshot", "verdict": "Verdict"}
COLUMNS = ("name", "signal", "verdict", "sharpe_net", "sharpe", "author", "family", "snapshot", "started")
FILTER_WIDTH = 165  # pixels: six side by side on a desk, two on a phone
LARGE = 1000  # rows from which the table is read while one scrolls


def page() -> None:
    """The whole page."""
    st.title("History")
    found = runs(default_workspace()).query("status == 'FINISHED'")
    if found.empty:
        st.info("No run is logged yet. Every run that you start is logged by itself and then appears here.")
        st.page_link("run_suite.py", label="Run a signal", icon=":material/play_arrow:")
        return
    shown = _filter(found)
    st.caption(
        f"{len(shown):,} of {len(found):,} runs. Click a column to sort; tick one row to open it, more to compare."
    )
    chosen = st.dataframe(
        shown[list(COLUMNS)].assign(started=shown["started"].dt.tz_convert(None)),
        hide_index=True,
        lazy=len(shown) > LARGE,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "sharpe": st.column_config.NumberColumn("Sharpe", format="%.2f"),
            "sharpe_net": st.column_config.NumberColumn("Sharpe, net", format="%.2f"),
            "started": st.column_config.DatetimeColumn("started (UTC)", format="YYYY-MM-DD HH:mm"),
        },
        key="history-table",
    )["selection"]["rows"]
    picked = shown.iloc[chosen]
    names = dict(zip(picked["run_id"], unique_names(picked["name"].tolist()), strict=True))
    if len(names) == 1:
        st.page_link(
            "results.py", label="Open the run", icon=":material/insights:", query_params={"run": next(iter(names))}
        )
    elif names:
        show_comparison(names)


def _filter(found: pd.DataFrame) -> pd.DataFrame:
    row = st.container(horizontal=True)
    words = row.text_input("Search", placeholder="part of a name", key="history-search", width=FILTER_WIDTH)
    if words:
        found = found[found["name"].str.contains(words, case=False, regex=False)]
    for name, label in FILTERS.items():
        known = sorted(found[name].unique())
        chosen = row.multiselect(label, known, key=f"history-{name}", placeholder="all", width=FILTER_WIDTH)
        if chosen:
            found = found[found[name].isin(chosen)]
    return found


def unique_names(names: list[str]) -> list[str]:
    """Names of runs, with a number behind each that has stood before: two runs may start in the same second."""
    return [name if name not in names[:place] else f"{name} ({place + 1})" for place, name in enumerate(names)]


if __name__ == "__main__":
    page()
