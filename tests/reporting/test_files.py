"""The files that other programs read: documented, strict, the same for the same result."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from poc.errors import PocError
from poc.reporting.files import SCHEMA_VERSION, daily_series, plain, result_document, to_json, write_result_files
from poc.reporting.verdict import Verdict
from poc.suite.incremental import AgainstBaseline
from poc.suite.leaks import HorizonIC
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult
from poc.suite.trials import EarlierTrials, Trial
from poc.tracking.run_folder import RUN_SCHEMA_VERSION

SHOWN = ("capacity", "stability", "coverage")
PAGE = (Path(__file__).parents[2] / "docs" / "result-schema.md").read_text()


def _documented(file: str) -> tuple[int, list[str]]:
    """The schema version and the fields that the page gives for a file."""
    section = re.split(r"^## ", PAGE, flags=re.M)
    text = next(part for part in section if part.startswith(f"{file}\n"))
    version = re.search(r"Schema version (\d+)", text)
    assert version is not None
    return int(version[1]), re.findall(r"^\| `(.+?)` \|", text, re.M)


def _fields(value: Any, path: str = "") -> set[str]:
    """Every path to a value, `[]` standing for the elements of a list."""
    if isinstance(value, dict):
        return {field for name, item in value.items() for field in _fields(item, f"{path}.{name}" if path else name)}
    if isinstance(value, list):
        return {field for item in value for field in _fields(item, f"{path}[]")}
    return {path}


def _is_documented(field: str, entry: str) -> bool:
    """`<...>` at the end of an entry stands for a name and whatever is below it."""
    known, _, variable = entry.partition("<")
    return field.startswith(known) and field != known if variable else field == entry


def test_every_field_of_the_result_is_documented_and_every_documented_field_is_there(demo: Any) -> None:
    suite = replace(demo.evaluation.suite_result, skipped_baselines={"value": "no column"}, warnings=("one",))
    correlations = pd.DataFrame({"baseline": ["value"], "signal_corr": [0.1], "return_corr": [0.2]})
    limits = replace(suite.snapshot, limits=("one",))
    config = replace(suite.config, baselines=("value",))
    placebo = replace(suite.evidence.placebo, sharpes_net=(0.1, None))
    leaks = replace(suite.evidence.leaks, horizons=(HorizonIC(day=1, mean=0.1, t=2.0, days=9),))
    trial = Trial(run_id="1", signal_hash="2", sharpe=0.1, why="family")
    trials = replace(suite.evidence.trials, earlier=EarlierTrials(trials=(trial,)))
    against = (AgainstBaseline.not_run("value", "it failed"),)
    found = {"placebo": placebo, "leaks": leaks, "trials": trials, "sharpe_differences": against}
    evidence = replace(suite.evidence, **found)
    changes = {"correlations": correlations, "snapshot": limits, "config": config, "evidence": evidence}
    document = result_document(replace(suite, **changes), demo.evaluation.verdict)
    version, entries = _documented("result.json")
    entries.remove("judged")  # null or the object whose fields follow
    baselines = [entry for entry in entries if entry.startswith("evidence.baselines")]
    fields = _fields(document)
    assert version == SCHEMA_VERSION == document["schema_version"]
    assert [field for field in sorted(fields) if not any(_is_documented(field, entry) for entry in entries)] == []
    shown = tuple(f"evidence.{part}" for part in SHOWN)  # which the preset of the demo leaves out
    there = [entry for entry in entries if entry not in baselines and not entry.startswith(shown)]
    assert [entry for entry in there if not any(_is_documented(field, entry) for field in fields)] == []


def test_the_fields_of_a_baselines_evidence_are_documented(suite_result: SuiteResult, verdict: Verdict) -> None:
    _, entries = _documented("result.json")
    baselines = [entry for entry in entries if entry.startswith("evidence.baselines")]
    fields = {field for field in _fields(result_document(suite_result, verdict)) if "evidence.baselines" in field}
    assert fields
    assert [field for field in sorted(fields) if not any(_is_documented(field, entry) for entry in baselines)] == []
    assert [entry for entry in baselines if not any(_is_documented(field, entry) for field in fields)] == []


@pytest.mark.parametrize("part", SHOWN)
def test_the_fields_of_what_is_shown_and_not_judged_are_documented(
    suite_result: SuiteResult, verdict: Verdict, part: str
) -> None:
    entries = [entry for entry in _documented("result.json")[1] if entry.startswith(f"evidence.{part}")]
    fields = {f for f in _fields(result_document(suite_result, verdict)) if f.startswith(f"evidence.{part}")}
    assert [field for field in sorted(fields) if not any(_is_documented(field, entry) for entry in entries)] == []
    assert [entry for entry in entries if not any(_is_documented(field, entry) for field in fields)] == []
    named = re.search(rf"^\| `evidence.{part}.<measure>` \| (.+) \|$", PAGE, re.M)
    assert named is not None
    measured = {
        name for name, value in vars(getattr(suite_result.evidence, part)).items() if isinstance(value, Measure)
    }
    assert set(re.findall(r"`(\w+)`", named[1])) == measured


def test_every_field_of_the_run_file_is_documented(demo: Any) -> None:
    run = json.loads(demo.evaluation.paths["run"].read_text())
    version, entries = _documented("run.json")
    assert version == RUN_SCHEMA_VERSION == run["schema_version"]
    assert entries == list(run)


def test_the_result_has_no_clock_no_author_and_no_path(demo: Any) -> None:
    text = demo.evaluation.paths["result"].read_text()
    assert json.loads(text) == result_document(demo.evaluation.suite_result, demo.evaluation.verdict)
    assert [word for word in ('"ann"', "20260102", "030405", str(demo.workspace), "/artifacts") if word in text] == []


def test_the_daily_series_holds_every_variant(suite_result: SuiteResult) -> None:
    table = daily_series(suite_result)
    assert list(table.columns[:5]) == ["kind", "name", "key", "date", "ret"]
    groups = table.groupby(["kind", "name", "key"], sort=False).size()
    n_days = len(next(iter(suite_result.signal_results.values())).daily_series)
    assert groups.tolist() == [n_days] * 12  # 4 variants of the signal and of 2 baselines
    key = suite_result.base_config().key
    base = table.query("kind == 'signal' and key == @key")["ret"].to_numpy()
    assert np.array_equal(base, suite_result.signal_results[key].daily_series["ret"])


def test_a_suite_whose_judged_variant_failed_is_written(
    broken_suite: SuiteResult, verdict: Verdict, tmp_path: Path
) -> None:
    files = write_result_files(broken_suite, verdict, tmp_path)
    assert [path.name for path in files] == [
        "result.json", "suite_summary.csv", "trials.json", "daily_series.parquet", "holdings.parquet",
    ]  # fmt: skip
    result = json.loads(files[0].read_text())
    assert result["judged"] is None
    assert result["variants"][0]["sharpe_net"] is None
    assert result["variants"][0]["reason"] == "No day has 10 names on each side."
    assert list(pd.read_parquet(files[4])) == ["date", "security_id", "weight"]


def test_a_suite_summary_keeps_every_digit(suite_result: SuiteResult, verdict: Verdict, tmp_path: Path) -> None:
    files = write_result_files(suite_result, verdict, tmp_path)
    read = pd.read_csv(files[1], keep_default_na=False, na_values=[""])
    numbers = ["sharpe", "sharpe_net", "ret_ann", "turnover"]
    assert np.array_equal(read[numbers], suite_result.suite_summary[numbers])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64("nan"), None),
        (float("-inf"), None),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.datetime64("2011-01-31"), "2011-01-31"),
        (pd.Timestamp("2011-01-31"), "2011-01-31"),
        (date(2011, 1, 31), "2011-01-31"),
        (pd.NaT, None),
        (pd.NA, None),
        ((1, np.array([2.5, np.nan])), [1, [2.5, None]]),
        ({7: "seven"}, {"7": "seven"}),
        (pd.DataFrame({"a": [1.5, None], "b": ["x", None]}), [{"a": 1.5, "b": "x"}, {"a": None, "b": None}]),
    ],
    ids=repr,
)
def test_a_value_becomes_plain(value: Any, expected: Any) -> None:
    assert json.loads(to_json(plain(value))) == expected


def test_what_has_no_place_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="type PocError has no place in JSON"):
        plain([PocError("an object")])
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(float("nan"))
