"""The jobs of the workspace as a part of a page that renews itself while there is something to see."""

import streamlit as st

from poc.ui.common import literal, store, verdict_badge
from poc.ui.jobs import Job

SHOWN = 8
_COLORS = {"done": "green", "failed": "red", "cancelled": "gray", "queued": "blue", "running": "blue"}


def show_jobs(*kinds: str) -> None:
    """The newest jobs of these kinds with status, progress, log and Cancel."""
    active = any(job.is_active for job in _jobs(kinds))
    st.fragment(_panel, run_every=1 if active else None)(kinds, was_active=active)


def _jobs(kinds: tuple[str, ...]) -> list[Job]:
    return [job for job in store().jobs() if job.kind in kinds][:SHOWN]


def _panel(kinds: tuple[str, ...], *, was_active: bool) -> None:
    jobs = _jobs(kinds)
    if was_active and not any(job.is_active for job in jobs):
        st.rerun()
    for job in jobs:
        with st.container(border=True, key=f"job-{job.id}"):
            _show_job(job)


def _show_job(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{literal(job.label)}**", width="stretch")
        if job.status == "done" and "verdict" in job.result:
            verdict_badge(job.result["verdict"])
        else:
            st.badge(job.status, color=_COLORS.get(job.status, "blue"))  # type: ignore[arg-type]  # a color of the list
        if job.is_active:
            waits = job.status == "cancelling"
            st.button("Cancel", key=f"cancel-{job.id}", on_click=store().cancel, args=(job.id,), disabled=waits)
    if job.status == "queued":
        st.caption("It waits until a job before it has ended.")
    elif job.is_active:
        text = f"{literal(job.step)} ({job.done} of {job.total})" if job.step else "starting"
        st.progress(job.done / job.total if job.total else 0.0, text=text)
    elif job.status == "failed":
        st.error(literal(job.reason))
    elif job.status == "done" and job.kind in ("run", "unseal"):
        _link_to_result(job)
    st.caption(f"{literal(job.author)}, {job.created[:16].replace('T', ' ')} UTC")
    with st.expander("Progress and log", key=f"log-{job.id}"):
        st.dataframe(store().steps(job.id), hide_index=True)
        st.code(store().log(job.id) or "It has written nothing.", language=None)


def _link_to_result(job: Job) -> None:
    if job.result["tracking_error"]:
        st.warning(literal(f"The run is not logged: {job.result['tracking_error']} The results are whole."))
    which = {"run": job.result["run_id"]} if job.result["run_id"] else {"folder": job.result["folder"]}
    st.page_link("results.py", label="Open the result", icon=":material/insights:", query_params=which)
