"""One job in a process of its own, its result printed as JSON; `run.py` starts it.

`make`: make the market. `jobs`: time each part warm. `placebos`: those of the standard suite. `run`: `poc run` as a
fresh process does it.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from market import make_market


def run_some(job: Callable[[], Any], *, most: int = 5, budget: float = 10.0) -> list[float]:
    """Seconds of at most so many runs, with no new one after `budget` seconds."""
    times: list[float] = []
    while not times or (len(times) < most and sum(times) < budget):
        begin = time.perf_counter()
        job()
        times.append(time.perf_counter() - begin)
    return times


def best(job: Callable[[], Any], *, most: int = 5) -> float:
    """Seconds of the fastest run of some."""
    return min(run_some(job, most=most))


def take_turns(jobs: dict[str, Callable[[], Any]], *, budget: float) -> dict[str, list[list[float]]]:
    """Seconds of each job in at most seven rounds, with no new round after so many seconds.

    The jobs take turns, so that a slow spell of the machine meets them all, in one order and then in the other, so that
    none always finds what the same one has left; the short ones run three times a turn, to find their own.
    """
    turns: dict[str, list[list[float]]] = {name: [] for name in jobs}
    begin = time.perf_counter()
    order = list(jobs)
    for _ in range(7):
        for name in order:
            turns[name].append(run_some(jobs[name], most=3, budget=8))
        order.reverse()
        if time.perf_counter() - begin > budget:
            break
    return turns


def fastest(turns: dict[str, list[list[float]]]) -> dict[str, float]:
    """Seconds of the fastest run of each job."""
    return {name: min(map(min, rounds)) for name, rounds in turns.items()}


def ratio(turns: dict[str, list[list[float]]], job: str, to: str) -> float:
    """How many times as long one job takes as another in the same round: the median of the rounds, of median runs.

    The fastest runs would be of different moments: the job that is shorter, or runs more often, meets a quiet one more
    easily.
    """
    return median(median(own) / median(other) for own, other in zip(turns[job], turns[to], strict=True))


def equal_sorts(threads: int) -> None:
    """Eight times the same sorts, by numpy: what the cores themselves give, at best, for a second thread."""
    values = np.random.default_rng(0).standard_normal(2**20)

    def sort() -> None:
        for _ in range(10):
            np.sort(values)

    Parallel(n_jobs=threads, prefer="threads")(delayed(sort)() for _ in range(8))


def peak() -> float:
    """GB of memory that this process has held at once, mapped files included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def make(size: str, root: Path) -> dict[str, float]:
    """Seconds to make the market and its snapshot (none, if they are there)."""
    return {"make": best(lambda: make_market(size, root), most=1)}


def jobs(size: str, root: Path) -> dict[str, float]:
    """Seconds by job, the number of rows and the peak memory in GB."""
    import polars as pl

    from poc.contract.files import read_signal_file
    from poc.data.catalog import DataCatalog
    from poc.data.panel import read_panel
    from poc.engine.config import BacktestConfig
    from poc.engine.placing import place_signal
    from poc.engine.wrapper import check_signal, run_backtest
    from poc.evaluate import _quick_turns
    from poc.suite import grid
    from poc.suite.config import STANDARD_SUITE

    snapshot_id, signal_file = make_market(size, root)

    def open_catalog() -> DataCatalog:
        return DataCatalog(snapshot_id, root=root / "snapshots")

    catalog, signal = open_catalog(), read_signal_file(signal_file)
    base = STANDARD_SUITE.base_variant()
    one = replace(base, slices=("overall",))
    rank = pl.col("signal").rank("average").over("date_sig")
    seconds = {
        "arrays mapped": best(lambda: open_catalog().panel),
        "contract check": best(lambda: check_signal(signal, base, catalog)),
    }
    panel, checked = catalog.panel, check_signal(signal, base, catalog)
    own = place_signal(checked.rows, panel, base)

    def sources(threads: int) -> list[grid.Source]:
        names = (delayed(grid.place_baseline)(name, own, base, catalog) for name in STANDARD_SUITE.baselines)
        placed = Parallel(n_jobs=threads, prefer="threads")(names)
        return [grid.Source(name="signal", kind="signal", placed=own, ledger=checked.ledger), *placed]

    @_quick_turns()  # as in a run
    def backtests(threads: int) -> None:
        groups = grid.group_variants(STANDARD_SUITE.variants())
        # The longest first, so that threads end together; in a run shorter backtests fill the end.
        groups.sort(key=lambda group: group[0].residualize == "off")
        work = (delayed(grid.run_group)(source, group, catalog) for group in groups for source in placed)
        Parallel(n_jobs=threads, prefer="threads")(work)

    seconds["signal on the panel"] = best(lambda: place_signal(checked.rows, panel, base, threads=2))
    seconds["baseline signals"] = best(lambda: sources(2))
    placed = sources(2)
    turns = take_turns(
        {
            "polars rank": lambda: signal.select(rank),
            "24 backtests, 2 threads": lambda: backtests(2),
            "24 backtests, 1 thread": lambda: backtests(1),
            "equal sorts, 2 threads": lambda: equal_sorts(2),
            "equal sorts, 1 thread": lambda: equal_sorts(1),
            "one run_backtest, raw frame": lambda: run_backtest(signal, one, catalog),
            "one run_backtest, checked signal": lambda: run_backtest(checked, one, catalog),
            "one run_backtest, all slices": lambda: run_backtest(checked, BacktestConfig(), catalog),
        },
        budget=240,
    )
    seconds |= fastest(turns)
    in_pandas = signal.to_pandas()
    seconds["contract check, pandas frame"] = best(lambda: check_signal(in_pandas, base, catalog), most=3)
    found = {
        "rows": panel.offsets[-1].item(),
        "peak GB": peak(),
        "24 backtests x rank": ratio(turns, "24 backtests, 2 threads", "polars rank"),
        "1 thread x 2": ratio(turns, "24 backtests, 1 thread", "24 backtests, 2 threads"),
        "1 thread x 2, equal sorts": ratio(turns, "equal sorts, 1 thread", "equal sorts, 2 threads"),
    }
    seconds["arrays from the tables"] = best(lambda: read_panel(catalog.path, catalog.manifest), most=1)
    return seconds | found


def placebos(size: str, root: Path) -> dict[str, float]:
    """Seconds of the placebos of the standard suite, on every core."""
    from poc.contract.files import read_signal_file
    from poc.data.catalog import DataCatalog
    from poc.engine.placing import place_signal
    from poc.engine.wrapper import check_signal
    from poc.suite.config import STANDARD_SUITE
    from poc.suite.placebo import measure_placebos

    snapshot_id, signal_file = make_market(size, root)
    catalog, base = DataCatalog(snapshot_id, root=root / "snapshots"), STANDARD_SUITE.base_variant()
    own = place_signal(check_signal(read_signal_file(signal_file), base, catalog).rows, catalog.panel, base)

    def measure() -> None:
        measure_placebos(own, catalog.panel, base, count=STANDARD_SUITE.placebos, n_jobs=-1)

    return {"placebos": best(measure, most=1), "count": STANDARD_SUITE.placebos}


def run(size: str, root: Path) -> dict[str, float]:
    """Peak memory in GB of `poc run`, without placebos; its seconds are those of this process from start to end."""
    from poc.cli import main

    snapshot_id, signal_file = make_market(size, root)
    with tempfile.TemporaryDirectory() as workspace:
        (Path(workspace) / "snapshots").symlink_to((root / "snapshots").resolve())
        options = ["--snapshot", snapshot_id, "--author", "benchmark", "--placebos", "0", "--workspace", workspace]
        try:
            main(["run", str(signal_file), *options])
        except SystemExit as end:
            if end.code:
                raise
    return {"peak GB": peak()}


if __name__ == "__main__":
    what, size, root = sys.argv[1:]
    print(json.dumps({"make": make, "jobs": jobs, "placebos": placebos, "run": run}[what](size, Path(root))))
