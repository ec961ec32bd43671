import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from plotly.offline import get_plotlyjs
from syrupy.assertion import SnapshotAssertion

from poc.reporting import methodology
from poc.reporting.tearsheet import render_tearsheet
from poc.reporting.terms import TERMS
from poc.reporting.verdict_types import Verdict
from poc.suite.capacity import Capacity
from poc.suite.measure import Measure
from poc.suite.result import NOT_REPORTED, SuiteResult
from poc.suite.stability import Stability

HOSTILE = "<script>alert(1)</script>\"'</title></style>"


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str | None]
    children: list["_Element | str"] = field(default_factory=list)

    def all(self, *tags: str) -> list["_Element"]:
        """Every element below with one of the tags, in the order of the page."""
        found = []
        for child in self.children:
            if isinstance(child, _Element):
                found += ([child] if child.tag in tags else []) + child.all(*tags)
        return found

    @property
    def text(self) -> str:
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join("".join(parts).split())

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name) or ""


class _Page(HTMLParser):
    """The page as a tree; raises where a tag is not closed in order."""

    EMPTY = ("meta", "link", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open = [_Element("root", {})]
        self.feed(text)
        assert [element.tag for element in self.open] == ["root"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = _Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in self.EMPTY:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def _render(suite: SuiteResult, verdict: Verdict, **given: str) -> str:
    given = {"author": "ada", "rerun_command": "poc run quality.parquet --snapshot 2018-01-02-US-v1"} | given
    return render_tearsheet(suite, verdict, **given)


def _parse(page: str) -> _Element:
    return _Page(page).open[0]


def _structure(page: str) -> list[tuple[str, list[Any]]]:
    """Sections with their tables (columns, rows), plots (traces) and notes, without a single number of a result."""
    return [
        (section.all("h2")[0].text, [_block(block) for block in section.all("table", "figure", "h3")])
        for section in _parse(page).all("section")
    ]


def _block(block: _Element) -> dict[str, Any]:
    if block.tag == "table":
        columns = [head.text for head in block.all("thead")[0].all("th")]
        rows = [row.all("th")[0].text for row in block.all("tbody")[0].all("tr")]
        return {"table": block.all("caption")[0].text, "columns": columns, "rows": rows}
    if block.tag == "figure":
        title = re.sub(r"Monotonicity \S+", "Monotonicity", block.all("figcaption")[0].text)
        return {"plot": title, "traces": [trace["name"] for trace in _figure(block)["data"]]}
    return {"note": block.text}


def _figure(plot: _Element) -> dict[str, Any]:
    figure: dict[str, Any] = json.loads(_unpacked(plot.all("script")[0]))
    return figure


def _unpacked(script: _Element) -> str:
    return gzip.decompress(base64.b64decode(script.text)).decode()


@pytest.fixture(scope="module")
def page(suite_result: SuiteResult, verdict: Verdict) -> str:
    return _render(suite_result, verdict)


def test_structure(page: str, snapshot: SnapshotAssertion) -> None:
    assert _structure(page) == snapshot


def test_structure_without_base_variant_and_baselines(
    broken_suite: SuiteResult, verdict: Verdict, snapshot: SnapshotAssertion
) -> None:
    page = _render(broken_suite, verdict)
    assert _structure(page) == snapshot
    text = _parse(page).text
    assert "The base variant lag0.off.naive.equal has no result. No day has 10 names on each side." in text
    assert "No baseline was run" in text


def test_the_verdict_comes_first_with_its_reasons_and_every_check(page: str, verdict: Verdict) -> None:
    first = _parse(page).all("section")[0]
    assert first["id"] == "verdict"
    assert first.all("h2")[0].text == "Verdict YELLOW"
    assert verdict.reasons[0] in first.all("ul")[0].text
    rows = [[cell.text for cell in row.all("th", "td")] for row in first.all("tbody")[0].all("tr")]
    assert rows[0] == ["net sharpe", "✓pass", "1.42", "1", "Net Sharpe is 1.42; green needs more than 1."]
    assert [row[1] for row in rows] == ["✓pass", "▲concern", "✕fail", "–not applicable", "?not run"]


@pytest.mark.parametrize("color", ["green", "yellow", "red", "incomplete"])
def test_each_color_is_said_in_words(suite_result: SuiteResult, verdict: Verdict, color: Any) -> None:
    first = _parse(_render(suite_result, replace(verdict, color=color))).all("section")[0]
    assert first.all("h2")[0].text.startswith(f"Verdict {color.upper()}")
    assert len([lamp for lamp in first.all("i") if "lit" in lamp["class"]]) == (color != "incomplete")


def test_the_header_says_what_was_run_on_what(page: str, suite_result: SuiteResult) -> None:
    header = _parse(page).all("header")[0].text
    for text in ("quality", "2018-01-02-US-v1 (US)", "586 securities", "2015-01-02 to 2017-12-29", "flagged", "ada"):
        assert text in header
    assert suite_result.signal_hash[:12] in header
    assert suite_result.signal_hash in page


def test_a_made_up_market_is_said_so(page: str, suite_result: SuiteResult, verdict: Verdict) -> None:
    synthetic = replace(suite_result, snapshot=replace(suite_result.snapshot, synthetic=True))
    assert "SYNTHETIC" in _parse(_render(synthetic, verdict)).text
    assert "SYNTHETIC" not in _parse(page).text


def test_the_best_variant_is_named_as_the_best_of_several(page: str, suite_result: SuiteResult) -> None:
    variants = suite_result.suite_summary.query("kind == 'signal'")
    best = variants.sort_values("sharpe_net").iloc[-1]
    sentence = f"Lag {best['lag']}, {best['residualize']}, naive: net Sharpe {best['sharpe_net']:.2f}."
    assert f"{sentence} It is the best of 4 and not judged" in _parse(page).text


def test_a_failed_variant_is_a_row_with_its_reason(broken_suite: SuiteResult, verdict: Verdict) -> None:
    tables = {table.all("caption")[0].text: table for table in _parse(_render(broken_suite, verdict)).all("table")}
    failed = tables["Every variant of the signal"].all("tbody")[0].all("tr")[0]
    assert [cell.text for cell in failed.all("td")][-2:] == ["failed", "No day has 10 names on each side."]
    grid = tables["Net Sharpe by lag and residualization, naive cost"].all("tbody")[0].all("tr")[0]
    assert grid.all("td")[0].text == "n/a"


def test_no_variant_at_all_still_gives_a_page(broken_suite: SuiteResult, verdict: Verdict) -> None:
    summary = broken_suite.suite_summary.assign(sharpe_net=float("nan"), status="failed", reason="No book.")
    page = _render(replace(broken_suite, suite_summary=summary, signal_results={}), verdict)
    assert "No variant has a net Sharpe ratio." in _parse(page).text


def test_what_was_not_computed_is_a_sentence(suite_result: SuiteResult, verdict: Verdict) -> None:
    base = suite_result.variant()
    assert base is not None
    daily = base.daily_series.drop(columns=["size", "value", "momentum"])
    summary = base.summary_table.assign(resret_ann=float("nan"), sharpe_resret=float("nan"))
    summary.loc[summary["slice"] == "cap", "num_days"] = 0
    bare = replace(
        base,
        daily_series=daily,
        summary_table=summary,
        ic_series=base.ic_series.iloc[:0],
        fractile_analysis=base.fractile_analysis.assign(ret_ann=float("nan")),
    )
    results = suite_result.signal_results | {base.config.key: bare}
    root = _parse(_render(replace(suite_result, signal_results=results, warnings=()), verdict))
    for sentence in (
        "The snapshot has no style exposures.",
        "The information coefficient is not defined on any day.",
        "No day has enough names for fractiles.",
        "No size bucket has an invested day.",
    ):
        assert sentence in root.text
    returns = next(table for table in root.all("table") if "Return of the base" in table.all("caption")[0].text)
    assert [row.all("th")[0].text for row in returns.all("tbody")[0].all("tr")] == ["net", "gross"]


@pytest.mark.parametrize("name", ["suite_result", "broken_suite"])
def test_no_frame_is_empty(name: str, verdict: Verdict, request: pytest.FixtureRequest) -> None:
    root = _parse(_render(request.getfixturevalue(name), verdict))
    for section in root.all("section"):
        assert section.all("table", "figure", "p", "li", "code", "dl"), section["id"]
    for table in root.all("table"):
        assert table.all("tbody")[0].all("tr"), table.all("caption")[0].text
    for plot in root.all("figure"):
        traces = _figure(plot)["data"]
        assert traces
        assert all(trace["y"]["bdata"] for trace in traces), plot.all("figcaption")[0].text


def test_what_the_suite_leaves_out_is_a_sentence(suite_result: SuiteResult, verdict: Verdict) -> None:
    evidence = replace(suite_result.evidence, capacity=NOT_REPORTED, stability=NOT_REPORTED, coverage=NOT_REPORTED)
    root = _parse(_render(replace(suite_result, evidence=evidence), verdict))
    left_out = "not run: the suite leaves it out (report_evidence=False)."
    for subject in (
        "Capacity is",
        "Sectors, regimes, other parameters, liquid names and assumed delistings are",
        "Coverage by group and over time is",
    ):
        assert f"{subject} {left_out}" in root.text
    assert "Assumed delisting return" not in [table.all("caption")[0].text for table in root.all("table")]


def test_a_part_without_numbers_is_a_sentence(suite_result: SuiteResult, verdict: Verdict) -> None:
    evidence = suite_result.evidence
    assert isinstance(evidence.capacity, Capacity)
    assert isinstance(evidence.stability, Stability)
    lost = Measure.not_applicable("the net return is not positive at any size")
    stability = replace(
        evidence.stability,
        n_endings=0,
        times=evidence.stability.times.query("slice == 'half'"),
        neighbourhood=evidence.stability.neighbourhood.iloc[:0],
        sectors=evidence.stability.sectors.iloc[:0],
    )
    for capacity, sentence in (
        (replace(evidence.capacity, gmv_half=lost, gmv_zero=lost), "The size that the signal bears is not applicable"),
        (replace(evidence.capacity, curve=evidence.capacity.curve.iloc[:0]), "that the power law needs."),
    ):
        parts = replace(evidence, capacity=capacity, stability=stability)
        text = _parse(_render(replace(suite_result, evidence=parts), verdict)).text
        assert sentence in text
        for expected in (
            "none had to be assumed",
            "market returns before it that a regime needs",
            "no other tails or weights",
            "No sector is a portfolio",
        ):
            assert expected in text


def test_every_plot_says_in_words_what_it_shows(page: str) -> None:
    plots = [block for block in _parse(page).all("div") if block["role"] == "img"]
    assert len(plots) == 13
    assert all(len(plot["aria-label"]) > 40 for plot in plots)
    assert "deepest drawdown of \N{MINUS SIGN}" in plots[0]["aria-label"]


def test_every_column_is_explained_on_hover(page: str) -> None:
    heads = [button for head in _parse(page).all("thead") for button in head.all("button")]
    assert len(heads) > 60
    assert {head.text for head in heads if not head["title"]} == {"Measure", "Value", "What"}


def test_ids_are_unique_and_links_lead_to_the_page_itself_or_the_methodology(page: str) -> None:
    elements = _parse(page).all("section", "div", "h2", "a", "figure", "figcaption", "pre")
    ids = [element["id"] for element in elements if element["id"]]
    assert len(ids) == len(set(ids))
    links = [element["href"] for element in elements if element.tag == "a"]
    inside = [link for link in links if link.startswith("#")]
    assert inside
    assert all(link[1:] in ids for link in inside)
    assert set(links) - set(inside) == set(methodology.links().values())


def test_a_term_is_explained_wherever_it_stands(page: str) -> None:
    buttons = {button.text: button for button in _parse(page).all("button")}
    for label in ("Net Sharpe", "Skew", "Largest month", "Coverage"):
        term = next(term for term in TERMS.values() if term.label == label)
        assert buttons[label]["title"] == term.meaning
        assert buttons[label]["data-link"].startswith(f"{methodology.METHODOLOGY}#")


def test_three_reasons_are_shown_and_the_others_fold(suite_result: SuiteResult, verdict: Verdict) -> None:
    reasons = tuple(f"Reason {number}." for number in range(1, 6))
    first = _parse(_render(suite_result, replace(verdict, reasons=reasons))).all("section")[0]
    shown, folded = first.all("ul")
    assert [item.text for item in shown.all("li")] == list(reasons[:3])
    assert [item.text for item in folded.all("li")] == list(reasons[3:])
    assert first.all("details")[0].all("summary")[0].text == "2 more reasons"
    four = _parse(_render(suite_result, replace(verdict, reasons=reasons[:4])))
    assert four.all("summary")[0].text == "1 more reason"


def test_nothing_is_fetched(page: str) -> None:
    root = _parse(page)
    assert not root.all("link", "img", "iframe", "object", "embed", "base")
    assert not [script["src"] for script in root.all("script") if "src" in script.attributes]
    style = root.all("style")[0].text
    assert "url(" not in style
    assert "@import" not in style
    policy = next(meta["content"] for meta in root.all("meta") if meta["http-equiv"])
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_only_our_own_scripts_may_run(page: str) -> None:
    root = _parse(page)
    policy = next(meta["content"] for meta in root.all("meta") if meta["http-equiv"])
    scripts = ["".join(map(str, script.children)) for script in root.all("script") if not script["type"]]
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(hashes) == 1
    libraries = [_unpacked(script) for script in root.all("script") if script["id"] == "plot-library"]
    assert libraries == [get_plotlyjs()]
    hashes.insert(0, "sha256-" + base64.b64encode(hashlib.sha256(libraries[0].encode()).digest()).decode())
    assert policy.endswith("script-src " + "".join(f"'{value}' " for value in hashes))


def test_hostile_text_stays_text(suite_result: SuiteResult, verdict: Verdict) -> None:
    base_key = suite_result.base_config().key
    hostile = replace(
        suite_result,
        signal_name=HOSTILE,
        warnings=(HOSTILE,),
        skipped_baselines={HOSTILE: HOSTILE},
        baseline_results={HOSTILE: {base_key: suite_result.signal_results[base_key]}},
        snapshot=replace(suite_result.snapshot, snapshot_id=HOSTILE, limits=(HOSTILE,)),
        suite_summary=suite_result.suite_summary.assign(name=HOSTILE, status="failed", reason=HOSTILE),
    )
    checks = tuple(replace(check, name=HOSTILE, sentence=HOSTILE) for check in verdict.checks)
    page = _render(hostile, replace(verdict, reasons=(HOSTILE,), checks=checks), author=HOSTILE, rerun_command=HOSTILE)
    root = _parse(page)
    assert root.all("h1")[0].text == HOSTILE
    assert root.all("code")[0].text == HOSTILE
    assert HOSTILE not in page
    assert len(root.all("script")) == len(root.all("figure")) + 2
    names = [trace["name"] for trace in _figure(root.all("figure")[0])["data"]]
    assert f"{HOSTILE}, net" in names


def test_the_same_result_gives_the_same_bytes(page: str, suite_result: SuiteResult, verdict: Verdict) -> None:
    assert _render(suite_result, verdict) == page


def test_the_page_is_small(long_suite: SuiteResult, verdict: Verdict) -> None:
    """Twenty-five years with six baselines fit into a mail, and leave room for the evidence of other sections."""
    assert len(_render(long_suite, verdict)) < 2_700_000


def test_the_plotted_numbers_are_those_of_the_result(page: str, suite_result: SuiteResult) -> None:
    base = suite_result.variant()
    assert base is not None
    figure = _figure(_parse(page).all("figure")[0])
    net = next(trace for trace in figure["data"] if trace["name"] == "net")
    assert net["y"]["dtype"] == "f4"
    plotted = pd.Series(memoryview(base64.b64decode(net["y"]["bdata"])).cast("f"), dtype=float)
    pd.testing.assert_series_equal(plotted, base.daily_series["cumret_net"], check_names=False, rtol=1e-6)
