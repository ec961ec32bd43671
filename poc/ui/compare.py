"""The part of the history page that lays chosen runs side by side."""

from typing import Any

import streamlit as st

from poc.reporting.charts import comparison_chart
from poc.tracking.compare import Comparison, compare_runs
from poc.ui.common import literal, stored_run


def show_comparison(names: dict[str, str]) -> None:
    """Compare the runs whose ids are given, with what they are called, the first with each of the others."""
    st.subheader("Comparison")
    with st.spinner("Reading and comparing the runs ..."):
        comparison = compare_runs({name: stored_run(run_id) for run_id, name in names.items()})
    for note in comparison.notes:
        st.warning(literal(note))
    st.markdown("**What differs in their making**")
    if comparison.settings.empty:
        st.write("Nothing: the same signal, data, settings and engine. The results should be the same, too.")
    else:
        st.dataframe(comparison.settings, hide_index=True)
    if len(comparison.net):
        st.markdown("**Net return on the common days, and the difference**")
        st.plotly_chart(
            comparison_chart(comparison.net), alt="Net returns of the runs", config={"displayModeBar": False}
        )
        _show_tests(comparison)
    st.markdown("**Metrics of the judged variants**")
    st.dataframe(comparison.metrics, hide_index=True, column_config=_two_digits(list(comparison.metrics.columns[2:])))


def _show_tests(comparison: Comparison) -> None:
    st.markdown("**Is the difference of the net Sharpe ratios more than chance?**")
    digits = _two_digits(["difference", "low", "high"])
    p_value = st.column_config.NumberColumn("p-value", format="%.4f")
    st.dataframe(comparison.tests, hide_index=True, column_config={**digits, "p_value": p_value})
    st.caption(
        "Each run less the first one chosen; 95% interval and two-sided p-value of a paired block bootstrap on the "
        "common days. A small p-value says that the difference is not chance; after many comparisons some are small."
    )


def _two_digits(columns: list[str]) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format="%.3f") for name in columns}
