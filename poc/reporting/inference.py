"""What the base variant shows with its uncertainty, and the tries that it is deflated for."""

from collections.abc import Iterator

from poc.engine.result import BacktestResult
from poc.reporting.blocks import Block, Cell, Note, Section, Table, cell, head
from poc.reporting.measures import why_not
from poc.reporting.terms import TERMS, number, written
from poc.suite.measure import Measure
from poc.suite.result import SuiteResult

_NOTHING = Cell(text="")


def evidence(suite: SuiteResult, base: BacktestResult) -> Section:
    """How sure the numbers of the base variant are."""
    blocks = tuple(inference_blocks(suite, base))
    return Section(id="evidence", title="Evidence", question="How sure is it?", blocks=blocks)


def inference_blocks(suite: SuiteResult, base: BacktestResult) -> Iterator[Block]:
    """Point estimates with intervals and p-values beside them, what was not measured, and the earlier tries."""
    evidence = suite.evidence
    inference, trials = evidence.inference, evidence.trials
    low, high = inference.sharpe_net_low, inference.sharpe_net_high
    interval = _NOTHING
    if low.value is not None and high.value is not None:
        interval = Cell(text=f"{written(low.value, number)} to {written(high.value, number)}", sort=low.value)
    given = {"sharpe_net": base.overall()["sharpe_net"], "ic_t": base.diagnostics["ic"]["t"]}
    measures = {
        "sharpe_net_low": low,
        "net_return_t": evidence.net_return_t,
        "net_return_p": inference.net_return_p,
        "ic_p": inference.ic_p,
        "probabilistic_sharpe": inference.probabilistic_sharpe,
        "deflated_sharpe": trials.deflated_sharpe,
        "min_track_record": inference.min_track_record,
    }
    rows = [
        _row("sharpe_net", given["sharpe_net"], interval=interval),
        _row("net_return_t", evidence.net_return_t.value, p_value=inference.net_return_p),
        _row("ic_t", given["ic_t"], p_value=inference.ic_p),
        _row("probabilistic_sharpe", inference.probabilistic_sharpe.value),
        _row("deflated_sharpe", trials.deflated_sharpe.value),
        _row("lucky_sharpe", trials.lucky_sharpe.value),
        _row("min_track_record", inference.min_track_record.value),
        _row("n_trials", trials.n_trials),
        _row("author_runs", None if trials.earlier.why_unknown else trials.earlier.author_runs),
        _row("unsealed", None if trials.earlier.why_unknown else trials.earlier.unsealed),
    ]
    columns = tuple(head(key) for key in ("measure", "value", "interval", "p_value"))
    yield Table(id="inference", caption="The base variant, net", head=columns, rows=tuple(rows))
    missing = tuple(f"{TERMS[key].label} is {why_not(one)}" for key, one in measures.items() if one.status != "ok")
    if missing:
        yield Note(id="inference-not-run", title="Not measured", sentences=missing, wide=False)
    if trials.earlier.trials:
        yield _earlier(suite)


def _row(
    key: str, value: float | None, *, interval: Cell = _NOTHING, p_value: Measure | None = None
) -> tuple[Cell, ...]:
    term = TERMS[key]
    p_cell = _NOTHING if p_value is None else cell(p_value.value, TERMS["p_value"])
    return Cell(text=term.label, meaning=term.meaning), cell(value, term), interval, p_cell


def _earlier(suite: SuiteResult) -> Table:
    annual = suite.snapshot.days_per_year**0.5
    rows = tuple(
        (
            Cell(text=trial.run_id[:8], meaning=trial.run_id),
            Cell(text=trial.signal_hash[:12], meaning=trial.signal_hash),
            cell(None if trial.sharpe is None else trial.sharpe * annual, TERMS["sharpe_net"]),
            Cell(text=trial.why),
        )
        for trial in suite.evidence.trials.earlier.trials
    )
    columns = tuple(head(key) for key in ("run_id", "signal_hash", "sharpe_net", "why"))
    return Table(id="trials", caption="Earlier tries at this idea", head=columns, rows=rows)
