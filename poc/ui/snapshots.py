"""The page of the snapshots: which there are, what each holds, whether it is unchanged, and how to make one."""

from pathlib import Path

import pandas as pd
import streamlit as st

from poc.data.catalog import DataCatalog, default_workspace
from poc.data.demo import SNAPSHOT_ID
from poc.data.manifest import Manifest
from poc.reporting.charts import coverage_chart
from poc.ui.common import literal, offer_demo, store
from poc.ui.job_panel import show_jobs
from poc.ui.log_in import visitor

WHOLE = st.column_config.NumberColumn(format="localized")
LIST_COLUMNS = {
    "snapshot_id": st.column_config.TextColumn("snapshot"),
    "created_at": st.column_config.DatetimeColumn("created (UTC)", format="YYYY-MM-DD HH:mm"),
    "first_date": st.column_config.DateColumn("first day"),
    "last_date": st.column_config.DateColumn("last day"),
    **dict.fromkeys(("securities", "days", "rows"), WHOLE),
    "size": st.column_config.NumberColumn(format="bytes"),
}


def page() -> None:
    """The whole page."""
    st.title("Snapshots")
    found = DataCatalog.list(default_workspace() / "snapshots")
    if found.empty:
        st.info("There is no snapshot yet: the data that signals are tested on.")
    else:
        st.dataframe(found, hide_index=True, column_config=LIST_COLUMNS)
        _show_one([str(name) for name in found.loc[found["status"] == "ok", "snapshot_id"]])
    st.subheader("Make a snapshot")
    if SNAPSHOT_ID not in set(found["snapshot_id"]):
        offer_demo()
    st.write("From your own tables, on the command line (the folder's layout is described in docs/data.md):")
    st.code("poc snapshot create path/to/folder --id my-market", language="bash")
    show_jobs("demo", "verify")


def _show_one(names: list[str]) -> None:
    if not names:
        st.warning("No snapshot can be used; the column status says what is wrong with each.")
        return
    name = st.selectbox("Snapshot", names)
    catalog = DataCatalog(name, root=default_workspace() / "snapshots")
    _show_manifest(catalog.manifest)
    st.markdown("**Securities a day**")
    chart = coverage_chart(_coverage(name, catalog.path, catalog.fingerprint))
    st.plotly_chart(chart, alt=f"Securities a day of {name}", config={"displayModeBar": False})
    if st.button("Verify: read all of it again and compare the hashes", icon=":material/verified:"):
        store().submit("verify", {"snapshot_id": name}, label=f"Verify {name}", author=visitor())
        st.rerun()


@st.cache_data(max_entries=20, show_spinner="Counting securities ...")
def _coverage(snapshot_id: str, folder: Path, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001 - the fingerprint is part of the key
    return DataCatalog(snapshot_id, root=folder.parent).coverage()


def _show_manifest(manifest: Manifest) -> None:
    market = "A synthetic market" if manifest.synthetic else "A market"
    st.write(literal(f"{market} of region {manifest.region}, made {manifest.created_at:%Y-%m-%d %H:%M %Z}."))
    tables = [
        {"table": name, "rows": table.rows, "securities": table.securities, "first": table.first_date,
         "last": table.last_date, "columns": ", ".join(table.columns)}
        for name, table in manifest.tables.items()
    ]  # fmt: skip
    st.dataframe(tables, hide_index=True, column_config={"rows": WHOLE, "securities": WHOLE})
    for limit in manifest.limits:
        st.warning(literal(limit))
    with st.expander("Manifest"):
        st.json(manifest.to_dict())


if __name__ == "__main__":
    page()
