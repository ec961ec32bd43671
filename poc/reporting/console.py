"""What the command line says about a check, a snapshot or a suite: text in, nothing printed."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from poc.contract.schema import ValidationResult
from poc.data.manifest import Manifest
from poc.reporting.verdict import Verdict
from poc.suite.result import SuiteResult


def verdict_text(suite_result: SuiteResult, verdict: Verdict) -> str:
    """The verdict with its reasons, and what failed or was left out."""
    lines = [f"{verdict.color.upper()}: {suite_result.signal_name} on {suite_result.snapshot.snapshot_id}"]
    lines += [f"  - {reason}" for reason in verdict.reasons]
    summary, skipped = suite_result.suite_summary, suite_result.skipped_baselines
    failed = summary[(summary["status"] != "ok") & ~summary["name"].isin(list(skipped))]
    lines += [f"  Failed: {row['name']} {row['key']}: {row['reason']}" for row in failed.to_dict("records")]
    lines += [f"  Baseline not run: {name}: {reason}" for name, reason in skipped.items()]
    return "\n".join(lines)


def validation_text(checked: ValidationResult) -> str:
    """Every finding, what was not checked, the row ledger, and whether the file can be used."""
    lines = [f"Error: {finding.message}" for finding in checked.errors]
    lines += [f"Warning: {finding.message}" for finding in checked.warnings]
    lines += [f"Not checked: {check}" for check in checked.not_checked]
    ledger = checked.ledger
    dropped = "".join(f", {rows:,} dropped ({reason})" for reason, rows in ledger.dropped.items() if rows)
    lines.append(f"Rows: {ledger.rows_in:,} in the file, {ledger.rows_used:,} used{dropped}.")
    lines.append("The file can be used." if checked.valid else f"The file is refused; errors: {len(checked.errors)}.")
    return "\n".join(lines)


def snapshot_text(manifest: Manifest, path: Path) -> str:
    """What a snapshot holds, and what limits it."""
    market = "synthetic market" if manifest.synthetic else "market"
    lines = [f"{manifest.snapshot_id} ({manifest.region} {market}) in {path}"]
    lines += [
        f"  {name:<14}{table.rows:>12,} rows  {table.first_date} to {table.last_date}  {', '.join(table.columns)}"
        for name, table in manifest.tables.items()
    ]
    return "\n".join(lines + [f"  Limit: {limit}" for limit in manifest.limits])


def table_text(rows: Sequence[dict[str, object]] | pd.DataFrame, *, if_empty: str = "") -> str:
    """A table with its columns to the left, numbers with two decimals, `-` where there is none, and yes or NO."""
    table = pd.DataFrame(rows)
    if table.empty:
        return if_empty
    cells = pd.DataFrame({str(column): [_cell(value) for value in table[column]] for column in table})
    lines = [tuple(map(str, cells)), *cells.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if value is None or value != value or value == "":
        return "-"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
