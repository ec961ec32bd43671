"""The command line. Thin: a command reads its options, calls the package, and prints what came back.

Exit codes: 0 done, 2 bad input (a sentence, never a traceback), 1 anything else.
With `--json` a command prints one JSON document on stdout and nothing else; messages and progress go to stderr.
"""

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from poc.cli_options import (
    Author,
    CarryDays,
    FileFormat,
    Jobs,
    Json,
    NewFile,
    NewId,
    Region,
    RunId,
    RunName,
    SignalFile,
    SnapshotId,
    TrustPickle,
    Workspace,
    progress_bar,
)
from poc.cli_output import exit_if_not_logged, say, show, show_evaluation, show_table
from poc.cli_probe import probe
from poc.errors import PocError, TrackingError

app = typer.Typer(
    help="From a signal file to a backtest, a tear sheet and a verdict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
snapshots = typer.Typer(help="Make and look at snapshots: the data that signals are tested on.", no_args_is_help=True)
app.add_typer(snapshots, name="snapshot")
app.command()(probe)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, with the arguments of the process where none are given, and exit."""
    # Else Python looks for garbage once more at its end, among all that was imported: after a run, for a second.
    atexit.register(gc.freeze)
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    try:
        app(list(arguments))
    except PocError as error:
        _fail(error, str(error), code=1 if isinstance(error, TrackingError) else 2, as_json=as_json)
    except Exception as error:
        if "--debug" in arguments:
            raise
        message = f"{type(error).__name__}: {error}\nThis is not expected; `poc --debug ...` shows where it happened."
        _fail(error, message, code=1, as_json=as_json)


def _fail(error: Exception, message: str, *, code: int, as_json: bool) -> None:
    say(f"Error: {message}")
    if as_json:
        show({"error": {"type": type(error).__name__, "message": str(error)}}, "", as_json=True)
    raise SystemExit(code)


def _print_version(*, value: bool) -> None:
    if value:
        show({}, f"poc {version('backtest-poc')}", as_json=False)
        raise typer.Exit


@app.callback()
def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """From a signal file to a backtest, a tear sheet and a verdict."""


@snapshots.command("create")
def create_snapshot(
    source: Annotated[Path, typer.Argument(help="Folder with ret.parquet, risk.parquet, trading_date.parquet ...")],
    *,
    snapshot_id: NewId = None,
    region: Region = "US",
    trust_pickle: TrustPickle = False,
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """Check a raw source and make a snapshot of it."""
    from poc.data.create_snapshot import create_snapshot_from_existing

    root = workspace / "snapshots"
    path = create_snapshot_from_existing(source, snapshot_id, root, region, trust_pickle=trust_pickle)
    _show_snapshot(path, as_json=as_json)


@snapshots.command("light")
def create_light_snapshot(
    source: Annotated[Path, typer.Argument(help="Folder of a raw source or of another snapshot.")],
    *,
    n_securities: Annotated[int, typer.Option("--securities", help="How many, by median adv.")] = 100,
    start: Annotated[str, typer.Option("--start", help="First day.")] = "2020-01-01",
    end: Annotated[str | None, typer.Option("--end", help="Last day [that of the source].")] = None,
    snapshot_id: NewId = None,
    region: Region = "US",
    trust_pickle: TrustPickle = False,
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """Make a small snapshot of the most traded securities."""
    from poc.data.create_snapshot import create_lightweight_snapshot

    place = (snapshot_id, workspace / "snapshots", region)
    path = create_lightweight_snapshot(source, n_securities, start, end, *place, trust_pickle=trust_pickle)
    _show_snapshot(path, as_json=as_json)


@snapshots.command("list")
def list_snapshots(*, workspace: Workspace, as_json: Json = False) -> None:
    """List the snapshots of the workspace."""
    from poc.data.catalog import DataCatalog

    show_table(DataCatalog.list(workspace / "snapshots"), "There is no snapshot yet.", as_json=as_json)


@snapshots.command("show")
def show_snapshot(snapshot_id: SnapshotId, *, workspace: Workspace, as_json: Json = False) -> None:
    """Show what a snapshot holds."""
    _show_snapshot(workspace / "snapshots" / snapshot_id, as_json=as_json)


@snapshots.command("verify")
def verify_snapshot(snapshot_id: SnapshotId, *, workspace: Workspace, as_json: Json = False) -> None:
    """Read a snapshot again and compare it with the hashes of its manifest."""
    from poc.data.catalog import DataCatalog

    catalog = DataCatalog(snapshot_id, root=workspace / "snapshots")
    catalog.verify()
    found = {"snapshot_id": snapshot_id, "fingerprint": catalog.fingerprint, "status": "ok"}
    show(found, f"{snapshot_id} is what it was when it was made.", as_json=as_json)


def _show_snapshot(path: Path, *, as_json: bool) -> None:
    from poc.data.catalog import DataCatalog
    from poc.reporting.console import snapshot_text

    manifest = DataCatalog(path.name, root=path.parent).manifest
    show({"path": str(path)} | manifest.to_dict(), snapshot_text(manifest, path), as_json=as_json)


@app.command()
def validate(
    file: SignalFile,
    *,
    snapshot_id: Annotated[str | None, typer.Option("--snapshot", help="Check against this snapshot, too.")] = None,
    carry_days: CarryDays = None,
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """Check a signal file and name every breach of the contract."""
    from poc.contract.files import read_signal_file
    from poc.contract.schema import validate_signal_df
    from poc.data.catalog import DataCatalog
    from poc.reporting.console import validation_text
    from poc.reporting.files import plain

    catalog = DataCatalog(snapshot_id, root=workspace / "snapshots") if snapshot_id else None
    checked = validate_signal_df(
        read_signal_file(file),
        calendar=catalog.calendar if catalog else None,
        security_ids=catalog.security_ids if catalog else None,
        carry_days=carry_days,
    )
    fields = ("valid", "errors", "warnings", "not_checked", "ledger")
    content = {field: plain(getattr(checked, field)) for field in fields}
    show(content, validation_text(checked), as_json=as_json)
    if not checked.valid:
        raise typer.Exit(2)


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Old signal file (.pkl).")],
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Parquet file to write [beside FILE].")] = None,
    trust_pickle: TrustPickle = False,
    as_json: Json = False,
) -> None:
    """Convert an old pickled signal to parquet, once."""
    from poc.contract.files import convert_pickle

    target = out or file.with_suffix(".parquet")
    convert_pickle(file, target, trust_pickle=trust_pickle)
    show({"path": str(target)}, f"Written: {target}", as_json=as_json)


@app.command()
def run(
    file: SignalFile,
    *,
    snapshot_id: Annotated[str, typer.Option("--snapshot", help="Name of a snapshot of the workspace.")],
    name: Annotated[str | None, typer.Option("--name", help="Of the signal [its signal_name, else FILE's].")] = None,
    author: Author,
    family: Annotated[str | None, typer.Option("--family", help="Signals of one idea share a family.")] = None,
    preset: Annotated[str, typer.Option("--preset", help="quick, standard or full.")] = "standard",
    lags: Annotated[str | None, typer.Option("--lags", help="Own lags, such as 0,1,5 [the preset's].")] = None,
    residualize: Annotated[str | None, typer.Option("--residualize", help="Own list, such as off,all.")] = None,
    tc_models: Annotated[str | None, typer.Option("--tc-models", help="Own list, such as naive,power_law.")] = None,
    placebos: Annotated[int | None, typer.Option("--placebos", help="How many, 0 for none [the preset's].")] = None,
    jobs: Jobs = -1,
    start: Annotated[str | None, typer.Option("--start", help="First date of returns, inclusive.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Last date of returns, inclusive.")] = None,
    universe: Annotated[str | None, typer.Option("--universe", help="flagged or all [flagged where known].")] = None,
    carry_days: CarryDays = None,
    no_baselines: Annotated[bool, typer.Option("--no-baselines", help="Run the signal alone.")] = False,
    holdings: Annotated[bool, typer.Option("--holdings", help="Write the book of every day, not the last.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="New folder for the results [in artifacts/].")] = None,
    trials: Annotated[Path | None, typer.Option("--trials", help="Stored earlier tries [from the history].")] = None,
    seal_from: Annotated[str | None, typer.Option("--seal-from", help="Evaluate only what is before this day.")] = None,
    unseals: Annotated[str | None, typer.Option("--unseals", hidden=True)] = None,
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """Run the suite on a signal file, write the results, log the run, and say the verdict."""
    from poc.evaluate import RunRequest, evaluate

    request = RunRequest(
        snapshot_id=snapshot_id,
        author=author,
        name=name,
        family=family,
        preset=preset,
        lags=lags,
        residualize=residualize,
        tc_models=tc_models,
        placebos=placebos,
        start=start,
        end=end,
        universe=universe,
        carry_days=carry_days,
        include_baselines=not no_baselines,
        all_holdings=holdings,
        out=out,
        trials=trials,
        seal_from=seal_from,
        unseals=unseals,
    )
    with progress_bar(as_json=as_json) as progress:
        done = evaluate(
            file, request, workspace=workspace, now=datetime.now().astimezone(), jobs=jobs, progress=progress
        )
    show_evaluation(done, as_json=as_json)
    exit_if_not_logged(done)


@app.command()
def rerun(run_id: RunId, *, workspace: Workspace, as_json: Json = False) -> None:
    """Compute a logged run again: the same signal, snapshot, settings and earlier tries give the same bytes."""
    from poc.tracking.run_folder import rerun_arguments

    words = rerun_arguments(run_id, workspace=workspace)
    app([*words, "--workspace", str(workspace), *(["--json"] if as_json else [])])


@app.command()
def unseal(run_id: RunId, *, workspace: Workspace, as_json: Json = False) -> None:
    """Evaluate what a sealed run left out: once, and on the record."""
    from poc.tracking.run_folder import unseal_arguments

    words = unseal_arguments(run_id, workspace=workspace)
    app([*words, "--workspace", str(workspace), *(["--json"] if as_json else [])])


@app.command("log")
def log_results(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of results.")],
    *,
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """Log results that are on disk, where the tracking store could not be reached before."""
    from poc.tracking.run_folder import log_directory

    run_id = log_directory(folder, workspace=workspace)
    show({"run_id": run_id}, f"Logged: run {run_id}", as_json=as_json)


@app.command()
def report(
    run: RunName, *, file_format: FileFormat = "html", out: NewFile = None, workspace: Workspace, as_json: Json = False
) -> None:
    """Write the tear sheet of a run to a file, as it was stored."""
    from poc.reporting.browser import export
    from poc.tracking.stored_run import stored_tearsheet

    target = out or Path(f"{Path(run).name}.{file_format}")
    export(stored_tearsheet(run, workspace=workspace), target, file_format=file_format)
    show({"path": str(target)}, f"Written: {target}", as_json=as_json)


@app.command()
def history(
    *,
    signal: Annotated[str | None, typer.Option("--signal", help="Only this signal.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="Only this author.")] = None,
    family: Annotated[str | None, typer.Option("--family", help="Only this family.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many, the newest.")] = None,
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """List earlier runs, newest first."""
    from poc.tracking.mlflow_logger import history as find_runs

    runs = find_runs(workspace, signal=signal, author=author, family=family, limit=limit)
    runs = runs.drop(columns=["ended", "curve"])
    show_table(runs, "There is no run yet.", as_json=as_json)


@app.command()
def demo(
    *,
    every: Annotated[bool, typer.Option("--all", help="Run all planted signals and compare the verdicts.")] = False,
    author: Author,
    jobs: Jobs = -1,
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """Run the whole job on a synthetic market, whose truth is known because it was made."""
    from poc.data.demo import SNAPSHOT_ID, create_demo_snapshot
    from poc.data.demo_signals import demo_signals
    from poc.evaluate import RunRequest, evaluate_frame
    from poc.reporting.console import table_text

    say("The market of this demo is synthetic: a program made it up, and planted what the signals know about it.")
    with progress_bar(as_json=as_json) as progress:
        progress("making the market", 0, 1)
        create_demo_snapshot(workspace / "snapshots")
        signals = demo_signals()
        done = []
        for name in signals if every else ("real_alpha",):
            frame = signals[name].frame
            request = RunRequest(snapshot_id=SNAPSHOT_ID, author=author, name=name)
            now = datetime.now().astimezone()
            done.append(evaluate_frame(frame, request, workspace=workspace, now=now, jobs=jobs, progress=progress))
    if every:
        rows = [
            {
                "signal": name,
                "expected": planted.expected,
                "verdict": one.verdict.color,
                "agrees": one.verdict.color == planted.expected,
                "planted": planted.truth,
                "results": str(one.out_dir),
            }
            for (name, planted), one in zip(signals.items(), done, strict=True)
        ]
        show(rows, table_text(rows), as_json=as_json)
    else:
        show_evaluation(done[0], as_json=as_json)
    say("To look at it in the browser, and to run and compare more: poc ui (in a checkout: make ui)")
    exit_if_not_logged(*done)


@app.command()
def ui(
    *,
    address: Annotated[str | None, typer.Option("--address", help="Network address [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port [8501].")] = None,
    allow_remote: Annotated[bool, typer.Option("--allow-remote", help="Let other machines reach the app.")] = False,
    workspace: Workspace,
) -> None:
    """Serve the app in the browser, to this machine only."""
    from poc.cli_serve import serve
    from poc.settings import Settings, app_command, log_in_provider, who_is_let_in

    settings = Settings.load(workspace, address=address, port=port)
    command = app_command(settings, workspace, allow_remote=allow_remote)
    if not settings.is_local:
        say(f"WARNING: other machines can reach this app. {who_is_let_in(settings, log_in_provider(workspace))}")
        say("WARNING: its traffic is not encrypted. Put a server with TLS in front of it.")
    say(f"The app is at http://{settings.address}:{settings.port} and ends with Ctrl-C. Its jobs go on.")
    raise typer.Exit(serve(command, os.environ | {"POC_WORKSPACE": str(workspace.absolute())}))
