"""A tracking store with very many runs: the one that is there, multiplied inside MLflow's SQLite file."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

TABLES = {
    "runs": "name, source_type, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id",
    "tags": "key, value",
    "params": "key, value",
    "latest_metrics": "key, value, timestamp, step, is_nan",
    "metrics": "key, value, timestamp, step, is_nan",
}
VERDICTS = ("green", "yellow", "red", "incomplete")


def multiply_runs(database: Path, *, count: int, seed: int = 1) -> None:
    """Copy the rows of the only run until there are `count` runs, of 500 signals and 20 authors, two minutes apart."""
    rng = random.Random(seed)  # noqa: S311 - numbers that look real
    with closing(sqlite3.connect(database)) as store, store:
        (origin,) = store.execute("SELECT run_uuid FROM runs").fetchone()
        copies = {place: f"{place:032x}" for place in range(1, count)}
        for table, columns in TABLES.items():
            store.executemany(
                f"INSERT INTO {table} (run_uuid, {columns}) SELECT ?1, {columns} FROM {table} WHERE run_uuid = ?2",  # noqa: S608 - names from above
                [(copy, origin) for copy in copies.values()],
            )
        store.executemany(
            "UPDATE runs SET name = ?1, start_time = start_time - ?2, end_time = end_time - ?2 WHERE run_uuid = ?3",
            [(f"signal_{place % 500}_{place}", 120_000 * place, copy) for place, copy in copies.items()],
        )
        changed = [
            row
            for place, copy in copies.items()
            for row in (
                (f"signal_{place % 500}", "signal_name", copy),
                (f"author_{place % 20}", "author", copy),
                (rng.choice(VERDICTS), "verdict", copy),
            )
        ]
        store.executemany("UPDATE tags SET value = ? WHERE key = ? AND run_uuid = ?", changed)
        sharpes = [(rng.gauss(0.5, 1.0), copy) for copy in copies.values()]
        store.executemany("UPDATE latest_metrics SET value = ? WHERE key = 'sharpe_net' AND run_uuid = ?", sharpes)
