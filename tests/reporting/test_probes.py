from dataclasses import replace

from poc.reporting.blocks import Note, Plot, Table
from poc.reporting.probes import trust
from poc.suite.leaks import Leaks
from poc.suite.placebo import Placebo
from poc.suite.result import SuiteResult


def test_the_signal_is_shown_among_its_placebos(suite_result: SuiteResult) -> None:
    plot, table = trust(suite_result).blocks[:2]
    assert isinstance(plot, Plot)
    best = max(value for value in suite_result.evidence.placebo.sharpes_net if value is not None)
    assert plot.alt == (
        f"Net Sharpe of the signal 1.42; 200 placebos reach {best:.2f} at best. Empirical p-value 0.0100."
    )
    assert isinstance(table, Table)
    texts = {row[0].text: row[1].text for row in table.rows}
    assert texts["Placebos"] == "200"
    assert texts["p against placebos"] == "0.0100"
    assert texts["Values kept"] == "93.0%"


def test_placebos_that_were_left_out_are_said_so(suite_result: SuiteResult) -> None:
    evidence = replace(suite_result.evidence, placebo=Placebo.not_run("the suite leaves placebos out"))
    note = trust(replace(suite_result, evidence=evidence)).blocks[0]
    assert isinstance(note, Note)
    assert note.sentences == ("Placebos: not run: the suite leaves placebos out.",)


def test_placebos_of_which_none_was_invested_have_no_plot(suite_result: SuiteResult) -> None:
    placebo = replace(suite_result.evidence.placebo, sharpes_net=(None, None))
    blocks = trust(replace(suite_result, evidence=replace(suite_result.evidence, placebo=placebo))).blocks
    assert not any(isinstance(block, Plot) and block.id == "plot-placebos" for block in blocks)
    table = next(block for block in blocks if isinstance(block, Table) and block.id == "placebos")
    assert {row[0].text: row[1].text for row in table.rows}["Best placebo, net Sharpe"] == "n/a"


def test_the_probes_and_what_waiting_costs_are_in_tables(suite_result: SuiteResult) -> None:
    tables = {block.id: block for block in trust(suite_result).blocks if isinstance(block, Table)}
    probes = {row[0].text: row[1].text for row in tables["leaks"].rows}
    assert probes == {
        "IC before entry": "0.0100",
        "p of survivorship probe": "0.6000",
        "Rate of leaving": "1.02",
        "Known the same day": "0.0%",
    }
    base, later = suite_result.variant(), suite_result.variant(lag=1)
    assert base is not None
    assert later is not None
    cliff = [row[1].sort for row in tables["cliff"].rows]
    sharpe, kept = base.overall()["sharpe_net"], later.overall()["sharpe_net"]
    assert cliff == [sharpe, kept, 1 - kept / sharpe]


def test_probes_that_did_not_run_are_sentences(suite_result: SuiteResult) -> None:
    evidence = replace(suite_result.evidence, leaks=Leaks.not_run("the base variant failed"))
    blocks = trust(replace(suite_result, evidence=evidence, signal_results={})).blocks
    notes = {block.id: block.sentences for block in blocks if isinstance(block, Note)}
    assert notes["leaks-not-run"][0] == "IC before entry is not run: the base variant failed."
    assert not any(isinstance(block, Table) and block.id == "cliff" for block in blocks)
