"""The page of one run: the verdict with its checks, plots, tables, the tear sheet, and how to run it again."""

import html
from pathlib import Path

import pandas as pd
import streamlit as st

from poc.data.catalog import default_workspace
from poc.errors import ConfigError
from poc.reporting import charts
from poc.reporting.files import SIGNAL_FILE, TRIALS_FILE
from poc.tracking.stored_run import StoredRun, load_folder
from poc.ui.common import literal, runs, settings, store, stored_run, verdict_badge
from poc.ui.job_panel import show_jobs
from poc.ui.log_in import visitor

LISTED = 500
STATES = {
    "pass": "✓\N{NO-BREAK SPACE}pass",
    "concern": "!\N{NO-BREAK SPACE}concern",
    "fail": "✗\N{NO-BREAK SPACE}fail",
    "not_run": "?\N{NO-BREAK SPACE}not\N{NO-BREAK SPACE}run",
    "not_applicable": "\N{MINUS SIGN}\N{NO-BREAK SPACE}not\N{NO-BREAK SPACE}applicable",
}

_FRAME = "border: 0; width: 100%; height: 1180px"


def page() -> None:
    """The whole page."""
    st.title("Results")
    run = _chosen_run()
    if run is None:
        return
    _show_header(run)
    if run.seal_from:
        _show_seal(run)
    tabs = st.tabs(list(PARTS), on_change="rerun", key="result-part")  # only what is open is made
    for tab, show in zip(tabs, PARTS.values(), strict=True):
        if tab.open:
            with tab:
                show(run)


def _chosen_run() -> StoredRun | None:
    """The run that the address names, else the one that is chosen from the newest."""
    if folder := st.query_params.get("folder"):
        return _load_folder(folder, default_workspace())
    found = runs().query("not archived").head(LISTED)
    names = dict(zip(found["run_id"], found["name"], strict=True))
    asked = st.query_params.get("run")
    if asked and asked not in names:
        names = {asked: asked} | names
    if not names:
        st.info("There is no result yet. Run a signal first; its result then appears here.")
        st.page_link("run_suite.py", label="Run a signal", icon=":material/play_arrow:")
        return None
    place = list(names).index(asked) if asked else 0
    run_id = st.selectbox("Run", list(names), index=place, format_func=names.__getitem__, key=f"run-{asked}")
    return stored_run(run_id)


@st.cache_resource(max_entries=20, show_spinner="Reading the results ...")
def _load_folder(name: str, workspace: Path) -> StoredRun:
    folder = (workspace / "artifacts" / name).resolve()
    if folder.parent != (workspace / "artifacts").resolve():
        raise ConfigError(f"{name!r} is not a folder of results in this workspace.")
    return load_folder(folder)


def _show_header(run: StoredRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(literal(run.signal_name), width="content", anchor=False)
        verdict_badge(run.verdict.color)
        if run.snapshot["synthetic"]:
            st.badge("SYNTHETIC MARKET", color="violet")
    where = f"snapshot {run.snapshot['snapshot_id']}, {run.snapshot['first_date']} to {run.snapshot['last_date']}"
    st.caption(literal(f"{where}; suite {run.settings['suite']}; signal hash {run.signal_hash[:12]}"))
    st.page_link("history.py", label="Compare with other runs", icon=":material/compare_arrows:")


def _show_seal(run: StoredRun) -> None:
    """What is sealed, and the way to look at it once."""
    later = runs().query("unseals == @run.run_id")
    if len(later):
        st.info(f"The days from {run.seal_from} on were sealed, and have been looked at since.")
        which = {"run": str(later["run_id"].iloc[-1])}
        st.page_link("results.py", label="Open the run that did", icon=":material/insights:", query_params=which)
        return
    st.info(f"The days from {run.seal_from} on are sealed: this run has seen none of them.", icon=":material/lock:")
    request = {"run_id": run.run_id}
    under_way = any(job.is_active and job.request == request for job in store().jobs())
    with st.popover("Unseal", icon=":material/lock_open:", disabled=under_way):
        st.write(
            "The same signal and settings are then evaluated on the days that were sealed. This can be done once, and "
            "the history keeps that it was: do it when nothing about the signal will be changed any more."
        )
        if st.button("Look at the sealed days now", type="primary"):
            label = f"Unseal {run.signal_name} from {run.seal_from} on"
            store().submit("unseal", request, label=label, author=visitor())
            st.rerun()
    show_jobs("unseal")


def _show_verdict(run: StoredRun) -> None:
    st.markdown("\n".join(f"- {literal(reason)}" for reason in run.verdict.reasons))
    st.markdown(f"**All {len(run.verdict.checks)} checks**")
    rows = [
        f"| {STATES[check.state]} | {literal(check.sentence)} :gray[{literal(check.name)}] |"
        for check in run.verdict.checks
    ]
    st.markdown("\n".join(["| state | what it says |", "|---|---|", *rows]))
    for warning in run.warnings:
        st.warning(literal(warning))


def _show_plots(run: StoredRun) -> None:
    variants = run.variants()
    if not variants:
        st.info("No variant could be run, so there is nothing to plot. The table of variants says why.")
        return
    keys = list(variants)
    first, second = st.columns([3, 2], vertical_alignment="bottom")
    judged = keys.index(run.judged_key) if run.judged_key in keys else 0
    key = first.selectbox("Variant", keys, index=judged, help="The judged variant is chosen first.")
    with second.container(horizontal=True):
        log_scale = st.toggle("Log scale")
        overlay = st.toggle("Baselines", value=True)
    variant, baselines = variants[key], run.baselines(key) if overlay else {}
    _plot("Cumulative return and drawdown", charts.cumulative_chart(variant, baselines=baselines, log_scale=log_scale))
    st.caption("Drag across a plot to zoom into dates, double-click to zoom out, click a name to hide its line.")
    _plot("Turnover and number of names", charts.book_chart(variant))
    if charts.style_columns(variant.daily_series):
        _plot("Style exposures of the book", charts.exposure_chart(variant))
    if run.tables is not None:
        st.caption("Of the judged variant:")
        for name in ("year", "cap"):
            _plot(f"By {name}", charts.slice_chart(run.tables, name))
        if len(run.tables.fractile_analysis):
            _plot("Fractiles of the signal", charts.fractile_chart(run.tables))


def _plot(title: str, figure: object) -> None:
    st.markdown(f"**{title}**")
    st.plotly_chart(figure, alt=title, config={"displayModeBar": False}, key=title)


def _show_tables(run: StoredRun) -> None:
    _table("Variants and baselines", run.suite_summary, "suite_summary.csv")
    if run.tables is not None:
        _table("Summary of the judged variant", run.tables.summary_table, "summary_table.csv")
        _table("Fractiles", run.tables.fractile_analysis, "fractile_analysis.csv")
    if len(run.correlations):
        _table("Correlation with the baselines", run.correlations, "correlations.csv")
    st.markdown("**Daily series of every variant**")
    _download(run.folder / "daily_series.parquet", "application/vnd.apache.parquet")


def _table(title: str, table: pd.DataFrame, file_name: str) -> None:
    st.markdown(f"**{title}**")
    numbers = {str(name): st.column_config.NumberColumn(format="%.3f") for name in table.select_dtypes("float")}
    st.dataframe(table, hide_index=True, column_config=numbers)
    st.download_button(
        f"Download {file_name}", table.to_csv(index=False), file_name, "text/csv", key=file_name, on_click="ignore"
    )


def _download(path: Path, mime: str) -> None:
    st.download_button(f"Download {path.name}", path.read_bytes(), path.name, mime, key=path.name, on_click="ignore")


def _show_tearsheet(run: StoredRun) -> None:
    _download(run.tearsheet, "text/html")
    # A sandboxed frame keeps the page apart from the app: it can neither read nor call it.
    page = html.escape(run.tearsheet.read_text(encoding="utf-8"))
    frame = (
        f'<iframe sandbox="allow-scripts allow-popups" title="Tear sheet" srcdoc="{page}" style="{_FRAME}"></iframe>'
    )
    st.iframe(frame, height=1200, alt=f"Tear sheet of {run.signal_name}")


def _show_rerun(run: StoredRun) -> None:
    st.write("With these files of the run in the current folder, the command below computes the same again:")
    with st.container(horizontal=True):
        _download(run.folder / SIGNAL_FILE, "application/vnd.apache.parquet")
        if (run.folder / TRIALS_FILE).is_file():  # results of before there was one are shown, too
            _download(run.folder / TRIALS_FILE, "application/json")
    st.code(run.rerun_command or "The command is in run.json, in the folder of the results.", language="bash")
    st.write("The same signal and snapshot have the same hashes:")
    hashes = {"signal": run.signal_hash, "snapshot": run.snapshot["fingerprint"], "engine": run.engine_version}
    st.dataframe([{"of": name, "hash or version": value} for name, value in hashes.items()], hide_index=True)
    if run.run_id:
        st.write(f"Run in the tracking store: `{literal(run.run_id)}`")
        if settings().mlflow_url and run.experiment_id:
            address = f"{settings().mlflow_url.rstrip('/')}/#/experiments/{run.experiment_id}/runs/{run.run_id}"
            st.link_button("Open in MLflow", address)


PARTS = {
    "Verdict": _show_verdict,
    "Plots": _show_plots,
    "Tables": _show_tables,
    "Tear sheet": _show_tearsheet,
    "Run it again": _show_rerun,
}

if __name__ == "__main__":
    page()
