"""The options that several commands share, and the progress bar."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poc.errors import ConfigError

if TYPE_CHECKING:
    from poc.evaluate import Progress


def _workspace() -> Path:
    from poc.data.catalog import default_workspace

    return default_workspace()


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigError("The login name is not known here; give --author.") from None


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else.")]
Workspace = Annotated[
    Path,
    typer.Option(
        "--workspace",
        default_factory=_workspace,
        show_default="POC_WORKSPACE, else the current folder",
        help="Folder below which everything is written.",
    ),
]
SnapshotId = Annotated[str, typer.Argument(metavar="ID", help="Name of a snapshot of the workspace.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of a logged run.")]
NewId = Annotated[str | None, typer.Option("--id", help="Name of the new snapshot [DATE-REGION-vN].")]
Region = Annotated[str, typer.Option("--region", help="Region of the market.")]
TrustPickle = Annotated[bool, typer.Option("--trust-pickle", help="Read pickles. A pickle can run any code.")]
SignalFile = Annotated[Path, typer.Argument(metavar="FILE", help="Signal file: parquet, CSV or Feather.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Run id, or a folder of results.")]
FileFormat = Annotated[str, typer.Option("--format", help="html, pdf or png; the last two need Chromium.")]
NewFile = Annotated[Path | None, typer.Option("--out", help="New file [RUN.html, RUN.pdf or RUN.png, here].")]
Author = Annotated[
    str,
    typer.Option("--author", default_factory=_login_name, show_default="the login name", help="Whose run it is."),
]
CarryDays = Annotated[int | None, typer.Option("--carry-days", help="Trading days a row stays live [from the file].")]
Jobs = Annotated[int, typer.Option("--jobs", help="Processes; -1 is one a core.")]


@contextmanager
def progress_bar(*, as_json: bool) -> "Iterator[Progress]":
    """A progress bar on stderr; for a program that reads JSON only where somebody watches."""
    if as_json and not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("")
        yield lambda what, done, total: bars.update(bar, description=what, completed=done, total=total)
