"""The tear sheet: one HTML file that holds everything it shows and opens without a network."""

import base64
import gzip
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from poc.engine.config import ENGINE_VERSION
from poc.engine.result import BacktestResult
from poc.reporting import capacity, inference, methodology, prediction, probes, provenance, sections, uniqueness
from poc.reporting.blocks import Cell, Fact, Section, Table, head
from poc.reporting.terms import TERMS, count, day, number, percent, significant, written
from poc.reporting.verdict_types import Verdict
from poc.suite.result import SuiteResult

COLOR_MEANINGS = {
    "green": "Every check that applies has passed.",
    "yellow": "Worth a closer look: no check rules it out, but not every check has passed.",
    "red": "At least one check rules it out.",
    "incomplete": "No judgement: a check did not run.",
}
STATE_MARKS = {"pass": "✓", "concern": "▲", "fail": "✕", "not_applicable": "–", "not_run": "?"}
COLOR_MARKS = {"green": "✓", "yellow": "▲", "red": "✕", "incomplete": "?"}


def render_tearsheet(suite_result: SuiteResult, verdict: Verdict, *, author: str, rerun_command: str) -> str:
    """The tear sheet of a suite as one HTML document, about 2.5 MB, most of it the plot library.

    The same arguments give the same bytes: nothing depends on the clock, the machine or the order of a set.
    """
    base = suite_result.variant()
    parts = _sections(suite_result, base, rerun_command)
    environment = Environment(
        loader=PackageLoader("poc.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    script = environment.get_template("tearsheet.js.jinja").render()
    library, library_hash = plot_library()
    return environment.get_template("tearsheet.html.jinja").render(
        suite=suite_result,
        verdict=verdict,
        verdict_meaning=COLOR_MEANINGS[verdict.color],
        checks=_checks(verdict),
        header=_header(suite_result, base, verdict, author),
        tiles=_tiles(suite_result, base),
        sections=parts,
        terms=TERMS,
        links={TERMS[key].meaning: link for key, link in methodology.links().items()},
        marks=STATE_MARKS | COLOR_MARKS,
        packed_figure=lambda figure: packed(figure.to_json()),
        packed_library=library,
        script=Markup(script),  # noqa: S704  # our own file, not input
        script_hashes=[library_hash, _csp_hash(script)],
    )


@cache
def plot_library() -> tuple[str, str]:
    """Plotly's script as it lies in the page, and its hash. The first call takes a third of a second."""
    library = get_plotlyjs()
    return packed(library), _csp_hash(library)


def packed(text: str) -> str:
    """Text as base64 of gzip, a third of the size, which the page unpacks."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _csp_hash(script: str) -> str:
    """The hash by which the page's content security policy allows a script, and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _sections(suite: SuiteResult, base: BacktestResult | None, rerun_command: str) -> list[Section]:
    return [
        *([inference.evidence(suite, base)] if base is not None else []),
        sections.headline(suite, base),
        sections.robustness(suite, base),
        *([capacity.capacity(suite, base)] if base is not None else []),
        uniqueness.uniqueness(suite, base),
        probes.trust(suite),
        *([prediction.information(suite, base), prediction.fractiles(base)] if base is not None else []),
        provenance.rows(suite, base),
        provenance.limits(suite, base),
        provenance.rerun(suite, rerun_command),
    ]


def _checks(verdict: Verdict) -> Table:
    """The checks in the order of the rules; those not run are rows like the others."""
    rows = tuple(
        (
            Cell(text=check.name.replace("_", " ")),
            Cell(text=check.state.replace("_", " "), state=check.state),
            Cell(text=written(check.value, significant), sort=check.value),
            Cell(text=written(check.threshold, significant), sort=check.threshold),
            Cell(text=check.sentence),
        )
        for check in verdict.checks
    )
    columns = tuple(head(key) for key in ("check", "state", "value", "threshold", "sentence"))
    return Table(
        id="checks", caption="The checks behind the verdict", head=columns, rows=rows, look="checks", wide=True
    )


def _header(suite: SuiteResult, base: BacktestResult | None, verdict: Verdict, author: str) -> list[Fact]:
    snapshot = suite.snapshot
    facts = [
        Fact(label="Snapshot", text=f"{snapshot.snapshot_id} ({snapshot.region})"),
        Fact(
            label="Data",
            text=f"{snapshot.first_date} to {snapshot.last_date}, {count(snapshot.n_securities)} securities",
        ),
    ]
    if base is not None:
        days = base.daily_series["date"]
        universe, carry = base.diagnostics["universe"], base.diagnostics["carry_days"]
        facts += [
            Fact(label="Backtest", text=f"{day(days.iloc[0])} to {day(days.iloc[-1])}, {count(len(days))} days"),
            Fact(label="Universe", text=str(universe)),
            Fact(label="Carry", text=f"{carry} day{'s' if carry > 1 else ''}", meaning=TERMS["carry_days"].meaning),
        ]
    return [
        *facts,
        Fact(label="Suite", text=suite.config.name),
        Fact(label="Author", text=author),
        Fact(label="Signal hash", text=suite.signal_hash[:12], meaning=suite.signal_hash),
        Fact(label="Data hash", text=snapshot.fingerprint[:12], meaning=snapshot.fingerprint),
        Fact(label="Engine, rules", text=f"{ENGINE_VERSION}, {verdict.rules_version}"),
    ]


def _tiles(suite: SuiteResult, base: BacktestResult | None) -> list[Fact]:
    """The numbers that are read first."""
    if base is None:
        return []
    overall, ic, t = base.overall(), base.diagnostics["ic"], suite.evidence.net_return_t.value
    low, high = suite.evidence.inference.sharpe_net_low.value, suite.evidence.inference.sharpe_net_high.value
    sure = "no interval" if low is None or high is None else f"95%: {written(low, number)} to {written(high, number)}"
    cost = overall["ret_ann"] - overall["ret_net_ann"]
    return [
        _tile("sharpe_net", overall["sharpe_net"], sure),
        _tile(
            "ret_net_ann",
            overall["ret_net_ann"],
            f"{written(overall['ret_ann'], percent)} gross, t = {written(t, number)}",
        ),
        _tile("max_drawdown", overall["max_drawdown"], f"volatility {written(overall['ret_std'], percent)}"),
        _tile("turnover", overall["turnover"], f"costs {written(cost, percent)} a year"),
        _tile("ic_mean", ic["mean"], f"t = {written(ic['t'], number)}"),
        _tile("n_long", overall["n_long"], f"{written(overall['n_short'], count)} short"),
    ]


def _tile(key: str, value: float, below: str) -> Fact:
    term = TERMS[key]
    return Fact(label=term.label, text=written(value, term.write), below=below, meaning=term.meaning)
