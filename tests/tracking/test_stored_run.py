"""A run that is read back has the numbers that were written."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from poc.errors import TrackingError
from poc.reporting.charts import cumulative_chart, fractile_chart, slice_chart, style_columns
from poc.tracking.stored_run import load_folder, load_run


def test_a_logged_run_is_read_back_whole(demo: Any) -> None:
    evaluation = demo.evaluation
    suite = evaluation.suite_result
    run = load_run(evaluation.run_id, workspace=demo.workspace)
    assert (run.signal_name, run.signal_hash) == (suite.signal_name, suite.signal_hash)
    assert run.verdict == evaluation.verdict
    assert run.judged_key == suite.base_config().key
    assert list(run.variants()) == list(suite.signal_results)
    assert run.settings["lags"] == "0, 1"
    assert run.settings["preset" if "preset" in run.settings else "suite"] == "quick"
    assert run.rerun_command.startswith("poc run signal.parquet --snapshot demo")
    assert run.experiment_id
    base, judged = suite.variant(), run.judged()
    assert judged is not None
    assert run.tables is not None
    pd.testing.assert_frame_equal(judged.daily_series, base.daily_series, check_dtype=False)
    pd.testing.assert_frame_equal(run.tables.summary_table, base.summary_table, check_dtype=False, check_exact=True)
    assert run.tearsheet.read_text() == evaluation.paths["tearsheet"].read_text()


def test_the_plots_of_a_stored_run_are_those_of_the_result(demo: Any) -> None:
    base = demo.evaluation.suite_result.variant()
    run = load_folder(demo.evaluation.out_dir)
    judged = run.judged()
    assert judged is not None
    assert run.tables is not None
    assert style_columns(judged.daily_series) == style_columns(base.daily_series)
    assert cumulative_chart(judged).to_json() == cumulative_chart(base).to_json()
    assert slice_chart(run.tables, "cap").to_json() == slice_chart(base, "cap").to_json()
    assert fractile_chart(run.tables).to_json() == fractile_chart(base).to_json()


def test_a_run_whose_judged_variant_failed_has_no_tables(demo: Any, tmp_path: Path) -> None:
    for path in demo.evaluation.out_dir.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = json.loads((tmp_path / "result.json").read_text())
    (tmp_path / "result.json").write_text(json.dumps(content | {"judged": None}))
    run = load_folder(tmp_path)
    assert (run.judged_key, run.tables, run.judged()) == (None, None, None)


def test_what_cannot_be_read_is_said(demo: Any, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="cannot be read"):
        load_folder(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    (tmp_path / "daily_series.parquet").write_bytes((demo.evaluation.out_dir / "daily_series.parquet").read_bytes())
    with pytest.raises(TrackingError, match="Run the signal again"):
        load_folder(tmp_path)
    with pytest.raises(TrackingError, match="cannot be used"):
        load_run("0" * 32, workspace=demo.workspace)
