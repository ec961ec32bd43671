"""The runs of the embedded store, read with one query: MLflow's client takes minutes for a hundred thousand of them.

The query knows four tables of MLflow (`experiments, runs, tags, latest_metrics`), whose version the lock fixes; a test
holds what it reads to what the client reads.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

WAIT = 30
"""Seconds to wait for a process that is writing."""


def embedded_runs(
    database: Path, *, experiment: str, tags: Mapping[str, str], metrics: Sequence[str], ended_since: int
) -> Iterator[dict[str, object]]:
    """Runs that are not deleted, newest first.

    Args:
        database: MLflow's SQLite file.
        experiment: name of the experiment.
        tags: column of the result, and the tag that it comes from.
        metrics: names of metrics, each a column.
        ended_since: only runs that ended at or after this moment, milliseconds since 1970; 0: all.

    Yields:
        `run_id, name, status, started, ended` (milliseconds, None: not yet), then the tags and metrics; None: the run
        has none.

    Raises:
        sqlite3.Error: the file is no store.
    """
    of_run = "WHERE key = ? AND run_uuid = r.run_uuid"
    chosen = [f"(SELECT value FROM tags {of_run}) AS {column}" for column in tags]  # noqa: S608 - names from our code
    chosen += [f"(SELECT value FROM latest_metrics {of_run} AND NOT is_nan) AS {name}" for name in metrics]  # noqa: S608 - the same
    query = f"""
        SELECT r.run_uuid AS run_id, r.name, r.status, r.start_time AS started, r.end_time AS ended, {", ".join(chosen)}
        FROM runs r JOIN experiments e USING (experiment_id)
        WHERE e.name = ? AND r.lifecycle_stage = 'active' AND (r.end_time >= ? OR ? = 0)
        ORDER BY r.start_time DESC, r.run_uuid
    """  # noqa: S608 - the same
    values = (*tags.values(), *metrics, experiment, ended_since, ended_since)
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT)) as connection:
        connection.row_factory = sqlite3.Row
        for row in connection.execute(query, values):
            yield dict(row)
