"""One size, in a process of its own: times each job warm and prints them as JSON. `run.py` starts it."""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from joblib import Parallel, delayed
from market import make_market

from poc.data.catalog import DataCatalog
from poc.engine.config import BacktestConfig
from poc.engine.placing import place_signal
from poc.engine.wrapper import check_signal, run_backtest
from poc.suite import runner
from poc.suite.config import STANDARD_SUITE


def best(job: Callable[[], Any], *, runs: int = 3) -> float:
    """Seconds of the fastest of some runs, after one that is not counted."""
    job()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        job()
        times.append(time.perf_counter() - begin)
    return min(times)


def once(job: Callable[[], Any]) -> float:
    """Seconds of the first and only run."""
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def measure(size: str, root: Path) -> dict[str, float]:
    """Seconds by job, the number of rows and the peak memory in GB."""
    snapshot_id, signal_file = make_market(size, root)
    signal = pl.read_parquet(signal_file)
    rank = pl.col("signal").rank("average").over("date_sig")
    seconds = {"polars rank": best(lambda: signal.select(rank))}

    catalog = DataCatalog(snapshot_id, root=root / "snapshots")
    seconds["parquet to arrays"] = once(lambda: catalog.panel)
    panel, base = catalog.panel, STANDARD_SUITE.base_variant()
    checked = check_signal(signal, base, catalog)
    own = place_signal(checked.clean, panel, base)

    def sources() -> list[runner._Source]:
        baselines = [runner._place_baseline(name, own, base, catalog) for name in STANDARD_SUITE.baselines]
        return [runner._Source(name="signal", kind="signal", placed=own, ledger=checked.ledger), *baselines]

    def backtests(threads: int) -> None:
        workers = Parallel(n_jobs=threads, prefer="threads")
        groups = runner._groups(STANDARD_SUITE.variants())
        workers(delayed(runner._run_group)(source, group, catalog) for source in placed for group in groups)

    placed = sources()
    seconds["contract check"] = best(lambda: check_signal(signal, base, catalog), runs=1)
    seconds["signal on the panel"] = best(lambda: place_signal(checked.clean, panel, base), runs=1)
    seconds["baseline signals"] = best(sources, runs=1)
    seconds["24 backtests, 1 thread"] = best(lambda: backtests(1))
    seconds["24 backtests, 2 threads"] = best(lambda: backtests(2))
    seconds["one run_backtest"] = best(lambda: run_backtest(checked.clean, replace(base, slices=("overall",)), catalog))
    seconds["one run_backtest, all slices"] = best(lambda: run_backtest(checked.clean, BacktestConfig(), catalog))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return seconds | {"rows": panel.offsets[-1].item(), "peak GB": peak}


def whole_run(size: str, root: Path) -> dict[str, float]:
    """Seconds of `poc run` in this fresh process, from the first import to the files on disk and the logged run."""
    from poc.evaluate import RunRequest, evaluate

    snapshot_id, signal_file = make_market(size, root)
    request = RunRequest(snapshot_id=snapshot_id, author="benchmark")
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        (workspace / "snapshots").symlink_to(root / "snapshots")
        seconds = once(
            lambda: evaluate(signal_file, request, workspace=workspace, now=datetime(2020, 1, 1, tzinfo=UTC))
        )
    return {"poc run": seconds, "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


if __name__ == "__main__":
    what, size, root = sys.argv[1:]
    print(json.dumps({"jobs": measure, "run": whole_run}[what](size, Path(root))))
