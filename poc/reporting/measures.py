"""What sections share: variants as a table, measures of the evidence as blocks, the baselines of the base variant."""

from collections.abc import Iterator, Mapping

import pandas as pd

from poc.engine.result import BacktestResult
from poc.reporting.blocks import Block, Note, Table, facts_table, frame_table
from poc.reporting.terms import TERMS
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult


def base_baselines(suite: SuiteResult) -> dict[str, BacktestResult]:
    """Each baseline's result with the axes of the base variant; a baseline without one is left out."""
    key = suite.base_config().key
    return {name: results[key] for name, results in suite.baseline_results.items() if key in results}


def variants_table(variants: pd.DataFrame, columns: tuple[str, ...], *, id: str, caption: str) -> Table:  # noqa: A002  # the HTML attribute
    """Rows of `suite_summary` with their status, and with the reason where one has failed."""
    status = ("status", "reason") if (variants["status"] == "failed").any() else ("status",)
    return frame_table(variants, (*columns, *status), id=id, caption=caption, wide=True)


def measures_blocks(suite: SuiteResult, keys: tuple[str, ...], *, id: str, caption: str) -> Iterator[Block]:  # noqa: A002  # the HTML attribute
    """A table of what was measured in the evidence itself, and a list of what was not with the reasons."""
    yield from measured({key: getattr(suite.evidence, key) for key in keys}, id=id, caption=caption)


def measured(measures: Mapping[str, Measure], *, id: str, caption: str) -> Iterator[Block]:  # noqa: A002  # the HTML attribute
    """A table of what was measured, and a list of what was not with the reasons."""
    done = [(key, measure.value) for key, measure in measures.items() if measure.status == "ok"]
    if done:
        yield facts_table(done, id=id, caption=caption)
    missing = tuple(
        f"{TERMS[key].label} is {why_not(measure)}" for key, measure in measures.items() if measure.status != "ok"
    )
    if missing:
        yield Note(id=f"{id}-not-run", title="Not measured", sentences=missing, wide=False)


def why_not(measure: Measure) -> str:
    """Why a measure has no number."""
    status = measure.status.replace("_", " ")
    return f"{status}: {measure.reason.rstrip('.')}." if measure.reason else f"{status}."
