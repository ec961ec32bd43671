"""A tracking store with very many runs: one logged run, multiplied inside MLflow's SQLite file."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from poc.tracking.mlflow_logger import log_record
from poc.tracking.record import RunRecord

TABLES = {
    "runs": "name, source_type, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id",
    "tags": "key, value",
    "params": "key, value",
    "latest_metrics": "key, value, timestamp, step, is_nan",
    "metrics": "key, value, timestamp, step, is_nan",
}


def multiply_runs(record: RunRecord, workspace: Path, *, count: int, seed: int = 1) -> None:
    """Log a run, and copy its rows until there are `count` runs of 500 signals, two minutes apart."""
    log_record(record, [], workspace=workspace)
    rng = random.Random(seed)  # noqa: S311 - numbers that look real
    with closing(sqlite3.connect(workspace / "mlflow.db")) as store, store:
        (origin,) = store.execute("SELECT run_uuid FROM runs").fetchone()
        copies = [(f"{place:032x}",) for place in range(1, count)]
        for table, columns in TABLES.items():
            store.executemany(
                f"INSERT INTO {table} (run_uuid, {columns}) SELECT ?1, {columns} FROM {table} WHERE run_uuid = ?2",  # noqa: S608 - names from above
                [(copy, origin) for (copy,) in copies],
            )
        moved = [(f"signal_{place % 500}_{place}", 120_000 * place, copy) for place, (copy,) in enumerate(copies)]
        store.executemany(
            "UPDATE runs SET name = ?1, start_time = start_time - ?2, end_time = end_time - ?2 WHERE run_uuid = ?3",
            moved,
        )
        for key, values in (
            ("signal_name", [f"signal_{place % 500}" for place in range(1, count)]),
            ("author", [f"author_{place % 20}" for place in range(1, count)]),
            ("verdict", [rng.choice(("green", "yellow", "red", "incomplete")) for _ in copies]),
        ):
            store.executemany(
                "UPDATE tags SET value = ? WHERE key = ? AND run_uuid = ?",
                [(value, key, copy) for value, (copy,) in zip(values, copies, strict=True)],
            )
        sharpes = [(rng.gauss(0.5, 1.0), copy) for (copy,) in copies]
        store.executemany("UPDATE latest_metrics SET value = ? WHERE key = 'sharpe_net' AND run_uuid = ?", sharpes)
