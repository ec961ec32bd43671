"""What the command line says."""

from dataclasses import replace
from typing import Any

import pandas as pd

from poc.data.catalog import DataCatalog
from poc.reporting.console import snapshot_text, table_text, verdict_text
from poc.reporting.verdict import Verdict
from poc.suite.result import SuiteResult


def test_a_verdict_is_said_with_its_reasons_and_what_is_missing(suite_result: SuiteResult, verdict: Verdict) -> None:
    assert verdict_text(suite_result, verdict).splitlines() == [
        "YELLOW: quality on 2018-01-02-US-v1",
        "  - Lag 1 keeps 45% of the net Sharpe; green needs half.",
        "  Baseline not run: liquidity: The snapshot has no adv column.",
    ]


def test_a_failed_variant_is_named_but_a_baseline_not_run_only_once(
    broken_suite: SuiteResult, verdict: Verdict
) -> None:
    text = verdict_text(broken_suite, verdict)
    assert "  Failed: quality lag0.off.naive.equal: No day has 10 names on each side." in text.splitlines()
    failed = broken_suite.suite_summary.assign(name="value", kind="baseline")
    skipped = replace(broken_suite, suite_summary=failed, skipped_baselines={"value": "no column"})
    assert verdict_text(skipped, verdict).splitlines()[2:] == ["  Baseline not run: value: no column"]


def test_a_snapshot_is_said_with_its_limits(demo: Any) -> None:

    catalog = DataCatalog("demo", root=demo.workspace / "snapshots")
    limited = replace(catalog.manifest, limits=("Survivors only.",))
    lines = snapshot_text(limited, catalog.path).splitlines()
    assert lines[0] == f"demo (US synthetic market) in {catalog.path}"
    assert lines[1].split()[:3] == ["ret", f"{catalog.manifest.tables['ret'].rows:,}", "rows"]
    assert lines[-1] == "  Limit: Survivors only."


def test_a_table_is_aligned_to_the_left() -> None:
    rows = pd.DataFrame(
        {
            "name": ["a", "longer"],
            "sharpe": [1.234, float("nan")],
            "agrees": [True, False],
            "started": [pd.Timestamp("2026-01-02 03:04:05"), pd.NaT],
            "family": ["", None],
        }
    )
    assert table_text(rows).splitlines() == [
        "name    sharpe  agrees  started           family",
        "a       1.23    yes     2026-01-02 03:04  -",
        "longer  -       NO      -                 -",
    ]
    assert table_text([], if_empty="none") == "none"
