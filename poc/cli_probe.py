"""The command `poc probe`: it runs the user's own code, which no other command does."""

from typing import Annotated

import typer

from poc.cli_options import Json, Workspace
from poc.cli_output import show


def probe(
    function: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="Own code: a DataCatalog in, rows out.")],
    *,
    snapshot_id: Annotated[str, typer.Option("--snapshot", help="Name of a snapshot of the workspace.")],
    workspace: Workspace,
    as_json: Json = False,
) -> None:
    """Run your own code that makes a signal on data that ends earlier, and show rows that change: look-ahead."""
    from poc.data.catalog import DataCatalog
    from poc.reporting.console import table_text
    from poc.reporting.files import plain
    from poc.suite.look_ahead import load_function, probe_function

    changes = probe_function(load_function(function), DataCatalog(snapshot_id, root=workspace / "snapshots"))
    rows = [plain(change) for change in changes]
    text = table_text(rows, if_empty="No earlier row changes.")
    show({"look_ahead": bool(rows), "changes": rows}, text, as_json=as_json)
    if rows:
        raise typer.Exit(2)
