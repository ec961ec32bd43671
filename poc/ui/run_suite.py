"""The page that starts a run: choose a signal, see what the contract says, choose the settings, click Run."""

from datetime import date, timedelta
from pathlib import PurePath
from typing import Any

import streamlit as st

from poc.data.catalog import DataCatalog, default_workspace
from poc.data.demo import SNAPSHOT_ID
from poc.data.demo_signals import PLANTED
from poc.errors import ContractError
from poc.evaluate import RunRequest, safe_name
from poc.reporting.files import TRIALS_FILE
from poc.suite.config import SUITES, SuiteConfig
from poc.ui.checks import check_upload
from poc.ui.common import literal, offer_demo, ready_snapshots, runs, settings, store
from poc.ui.job_panel import show_jobs
from poc.ui.log_in import asks_for_log_in, visitor
from poc.ui.signals import SUFFIXES

SOURCES = {
    "upload": "Upload a file",
    "demo": "Demo signals",
    "baseline": "Baselines",
    "run": "Signals run before",
}


def page() -> None:
    """The whole page."""
    st.title("Run suite")
    snapshots = ready_snapshots()
    if not snapshots:
        st.info("There is no snapshot yet: the data that a signal is tested on. Make the demo snapshot to begin.")
        offer_demo()
        show_jobs("demo")
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("1. Signal")
        snapshot_id = st.selectbox("Snapshot", snapshots, help="The data that the signal is tested on.")
        source, uploads, name = _choose_signal(snapshot_id)
    with right:
        st.subheader("2. Settings")
        given = _choose_settings(snapshot_id, name)
        uploads |= _choose_trials()
    if st.button("Run", type="primary", icon=":material/play_arrow:", disabled=source is None, width="stretch"):
        _submit(source or {}, given, uploads)
    st.subheader("Jobs")
    if not store().jobs(limit=1):
        st.caption(
            "Nothing was started from here yet; runs of the command line are on Results and History. "
            "A job goes on when you close this page, and when the app is restarted."
        )
    show_jobs("run", "demo")


def _choose_signal(snapshot_id: str) -> tuple[dict[str, Any] | None, dict[str, bytes], str]:
    """The source of the signal (None: not ready), its uploaded file by its new name, and the name that it suggests."""
    kind = st.segmented_control(
        "From", list(SOURCES), format_func=SOURCES.__getitem__, default="upload", required=True, wrap=True
    )
    if kind == "upload":
        return _choose_file(snapshot_id)
    if kind == "run":
        return _choose_run()
    if kind == "demo" and snapshot_id != SNAPSHOT_ID:
        st.info(f"The demo signals are planted in the snapshot {SNAPSHOT_ID!r}. Choose it, or create it on Snapshots.")
        return None, {}, ""
    descriptions = _registry(kind)
    name = st.selectbox(SOURCES[kind], list(descriptions))
    st.caption(literal(descriptions[name]))
    return {"kind": kind, "name": name, "snapshot_id": snapshot_id}, {}, name


def _registry(kind: str) -> dict[str, str]:
    """What can be chosen, with a line about each."""
    if kind == "demo":
        return {name: truth for name, (truth, _) in PLANTED.items()}
    from poc.baselines.library import BASELINE_REGISTRY

    return {name: baseline.description for name, baseline in BASELINE_REGISTRY.items()}


def _choose_run() -> tuple[dict[str, Any] | None, dict[str, bytes], str]:
    found = runs().query("not archived").drop_duplicates("signal").head(1000)
    if found.empty:
        st.info("No run is logged yet. Upload a file, or take a demo signal.")
        return None, {}, ""
    labels = {str(row.run_id): f"{row.signal} ({row.name})" for row in found.itertuples(index=False)}
    run_id = st.selectbox("Signal", list(labels), format_func=labels.__getitem__)
    signal = str(found.set_index("run_id").loc[run_id, "signal"])
    return {"kind": "run", "name": run_id}, {}, signal


def _choose_file(snapshot_id: str) -> tuple[dict[str, Any] | None, dict[str, bytes], str]:
    limit = settings().upload_mb
    file = st.file_uploader(
        f"Signal file: parquet, CSV or Feather, up to {limit} MB",
        type=[suffix[1:] for suffix in SUFFIXES],
        max_upload_size=limit,
        help="Columns security_id, date_sig, date_avail, signal; optionally avail_hour. One row a security and day.",
    )
    if file is None:
        st.info(
            "Upload a table with the columns security_id, date_sig, date_avail (when it could first be known) and "
            "signal (higher is better). To try the app without one, choose a demo signal above."
        )
        return None, {}, ""
    suffix, content = PurePath(file.name).suffix.lower(), file.getvalue()
    try:
        checked = _check(content, suffix, snapshot_id)
    except ContractError as error:
        st.error(literal(str(error)))
        return None, {}, ""
    _show_check(checked)
    source = {"kind": "upload", "name": suffix} if checked["valid"] else None
    return source, {f"signal{suffix}": content}, PurePath(file.name).stem


@st.cache_data(max_entries=8, show_spinner="Checking the file against the contract ...")
def _check(content: bytes, suffix: str, snapshot_id: str) -> Any:
    return check_upload(content, suffix, snapshot_id=snapshot_id, workspace=default_workspace())


def _show_check(checked: dict[str, Any]) -> None:
    ledger = checked["ledger"]
    rows = f"Rows: {ledger['rows_in']:,} in the file, {ledger['rows_used']:,} of them used."
    if checked["valid"]:
        st.success(f"The file keeps the contract. {rows}")
    else:
        st.error(f"The file cannot be used. {rows} Errors: {len(checked['errors'])}.")
    for finding in checked["errors"]:
        st.error(literal(finding["message"]))
    for finding in checked["warnings"]:
        st.warning(literal(finding["message"]))
    with st.expander("Row ledger: what became of each row"):
        dropped = [
            {"rows": f"dropped: {reason}", "count": count} for reason, count in ledger["dropped"].items() if count
        ]
        used = {"rows": "used", "count": ledger["rows_used"]}
        st.dataframe([used, *dropped, {"rows": "in the file", "count": ledger["rows_in"]}], hide_index=True)


def _choose_settings(snapshot_id: str, name: str) -> dict[str, Any]:
    """What is given for a `RunRequest`, dates as ISO text."""
    manifest = DataCatalog(snapshot_id, root=default_workspace() / "snapshots").manifest
    first, last = manifest.tables["trading_date"].first_date, manifest.tables["trading_date"].last_date
    top, bottom = st.columns(2), st.columns(2)
    given: dict[str, Any] = {"snapshot_id": snapshot_id}
    given["name"] = top[0].text_input("Name of the signal", name, key=f"name-{name}", max_chars=80)
    given["family"] = (
        top[1].text_input(
            "Family", help="Signals of one idea share a family: earlier tries count against a new one.", max_chars=80
        )
        or None
    )
    given["author"] = bottom[0].text_input("Author", visitor(), disabled=asks_for_log_in(), max_chars=80)
    given["preset"] = bottom[1].selectbox("Preset", list(SUITES), index=list(SUITES).index("standard"))
    given |= _choose_grid(SUITES[given["preset"]])
    with st.expander("Dates, holdout, universe, holding, placebos"):
        start, end = st.columns(2)
        given["start"] = _iso(start.date_input("First date of returns", None, min_value=first, max_value=last))
        given["end"] = _iso(end.date_input("Last date of returns", None, min_value=first, max_value=last))
        given["seal_from"] = _iso(
            st.date_input(
                "Seal from",
                None,
                min_value=first + timedelta(days=1),
                max_value=last,
                help="A holdout: only what is before this day is evaluated. What begins on it can be looked at once, "
                "from the page of the result. In place of a last date of returns.",
            )
        )
        universe, carry = st.columns(2)
        given["universe"] = universe.selectbox(
            "Universe", ["flagged", "all"], index=None, placeholder="flagged if known"
        )
        given["carry_days"] = carry.number_input(
            "Days a row stays live", 1, None, None, placeholder="from the file", help="carry_days, in trading days"
        )
        given["placebos"] = st.number_input(
            "Placebos",
            0,
            None,
            None,
            placeholder="as the preset says",
            help="Signals that know nothing, run beside it.",
        )
        given["include_baselines"] = st.checkbox("Run the baselines beside it", value=True)
        given["all_holdings"] = st.checkbox("Write the book of every day, not of the last alone")
    return given


def _choose_trials() -> dict[str, bytes]:
    """A stored list of earlier tries by its name in the folder of a job; nothing: they come from the history."""
    with st.expander("Earlier tries"):
        file = st.file_uploader(
            f"{TRIALS_FILE} of a run, in place of the run history",
            type=["json"],
            max_upload_size=1,
            help="The Sharpe ratio is deflated for the tries that came before. Give the list of an earlier run "
            "(Results, Run it again) to be judged by the same tries as it was.",
        )
    return {TRIALS_FILE: file.getvalue()} if file else {}


def _choose_grid(preset: SuiteConfig) -> dict[str, str]:
    """The axes of the grid that are not those of the preset."""
    known = {
        "lags": ("Lags, in trading days", range(22)),
        "residualize": ("Residualize: what is taken out of the signal", ["off", "industry", "factor", "all"]),
        "tc_models": ("Cost models", ["naive", "power_law"]),
    }
    own = {}
    with st.expander("Own grid"):
        st.caption("The verdict needs lags 0, 1, 2 with off and industry; with fewer it is incomplete.")
        for name, (label, values) in known.items():
            usual = list(getattr(preset, name))
            chosen = st.multiselect(label, values, usual, key=f"{name}-{preset.name}")
            if chosen != usual:
                own[name] = ",".join(map(str, chosen))
    return own


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _submit(source: dict[str, Any], given: dict[str, Any], uploads: dict[str, bytes]) -> None:
    safe_name(given["name"])
    request = RunRequest(**given)
    request.suite()
    label = f"{given['name']} on {given['snapshot_id']}, {given['preset']}"
    store().submit("run", {"source": source, "settings": given}, label=label, author=given["author"], uploads=uploads)
    st.toast("The run is on its way.")


if __name__ == "__main__":
    page()
