from dataclasses import replace

import pandas as pd
import pytest

from poc.engine.result import BacktestResult
from poc.reporting.blocks import Note, Table
from poc.reporting.prediction import fractiles, information
from poc.suite.leaks import Leaks
from poc.suite.result import SuiteResult


@pytest.fixture
def base(suite_result: SuiteResult) -> BacktestResult:
    variant = suite_result.variant()
    assert variant is not None
    return variant


def test_every_horizon_is_a_row(suite_result: SuiteResult, base: BacktestResult) -> None:
    tables = {block.id: block for block in information(suite_result, base).blocks if isinstance(block, Table)}
    rows = tables["horizons"].rows
    assert [row[0].text for row in rows][4:7] == ["\N{MINUS SIGN}1", "0", "1"]
    assert [row[1].sort for row in rows] == [horizon.mean for horizon in suite_result.evidence.leaks.horizons]


def test_what_was_not_computed_is_a_sentence(suite_result: SuiteResult, base: BacktestResult) -> None:
    evidence = replace(suite_result.evidence, leaks=Leaks.not_run("the base variant failed"))
    nothing = replace(base, ic_series=base.ic_series.iloc[:0], fractile_analysis=pd.DataFrame())
    blocks = (*information(replace(suite_result, evidence=evidence), nothing).blocks, *fractiles(nothing).blocks)
    assert {block.id: block.sentences for block in blocks if isinstance(block, Note)} == {
        "no-ic": ("The information coefficient is not defined on any day.",),
        "no-horizons": ("The information coefficient by horizon was not computed.",),
        "no-fractiles": ("No day has enough names for fractiles.",),
    }
