"""Time the standard suite and its parts at three sizes, beside yardsticks and peers, and write RESULTS.md.

`make bench` runs it. Every ratio is of numbers measured in this one run. Peers are installed into an environment of
their own below `--root`; `--no-peers` leaves them out, and RESULTS.md then says so.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from market import SIZES

HERE = Path(__file__).parent
PEERS = ("alphalens-reloaded==0.5.1", "vectorbt==1.2.0", "pyarrow==25.0.1")
JOBS = (
    "polars rank",
    "arrays from the tables",
    "arrays mapped",
    "contract check",
    "contract check, pandas frame",
    "signal on the panel",
    "baseline signals",
    "24 backtests, 1 thread",
    "24 backtests, 2 threads",
    "one run_backtest, raw frame",
    "one run_backtest, checked signal",
    "one run_backtest, all slices",
)
LIBRARIES = ("numpy", "numba", "polars", "pandas", "joblib", "mlflow")
SUITE_LIMITS = {"M": 10.0, "L": 4.0}
Results = dict[str, dict[str, float]]
Target = tuple[str, float, float]
"""What, its limit, and what was measured. A limit below zero is the least that it must be, without the sign."""


def call(python: str | Path, script: str, *arguments: str | Path, **variables: str) -> dict[str, float]:
    """Run a script of this folder in a process of its own and read the JSON that it prints last.

    Python may keep its bytecode, as it does unless told otherwise: libraries are not compiled again in every process.
    """
    command = [str(python), str(HERE / script), *map(str, arguments)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""} | variables
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
    result: dict[str, float] = json.loads(output.splitlines()[-1])
    return result


def run_once(size: str, root: Path, **variables: str) -> dict[str, float]:
    """`poc run`: seconds of the whole process, from its start to its end, and its peak memory."""
    begin = time.perf_counter()
    found = call(sys.executable, "job.py", "run", size, root, **variables)
    return found | {"seconds": time.perf_counter() - begin}


def peers_python(root: Path) -> Path:
    """The interpreter of the peers' environment, which is made the first time."""
    folder = root / "peers"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *PEERS], check=True)
        (folder / "ready").touch()
    return folder / "bin" / "python"


def compile_seconds(root: Path) -> float:
    """What the first run after installation takes longer than later ones, because kernels are compiled; each the
    fastest of three.
    """
    first, later = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as cache:
            for seconds in (first, later):
                seconds.append(run_once("S", root, NUMBA_CACHE_DIR=cache)["seconds"])
    return min(first) - min(later)


def run_suite(size: str, root: Path) -> dict[str, float]:
    """`poc run`: the fastest of three fresh processes (one at L)."""
    return min((run_once(size, root) for _ in range(1 if size == "L" else 3)), key=lambda run: run["seconds"])


def import_seconds() -> float:
    """`import poc` in a fresh process, less an empty one; the faster of three."""

    def seconds(code: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - begin

    return min(seconds("import poc") for _ in range(3)) - min(seconds("pass") for _ in range(3))


def machine() -> str:
    """Processor, cores and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] \
        if info.exists() else [platform.processor()]  # fmt: skip
    return f"{names[0]}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"


def jobs_table(results: Results) -> list[str]:
    """A row a job: seconds and ratio to one Polars rank, for each size."""
    lines = ["| job | " + " | ".join(f"{size}, s | x rank" for size in results) + " |",
             "|---|" + "---:|---:|" * len(results)]  # fmt: skip
    for job in JOBS:
        cells = [f"{r[job]:.3f} | {r[job] / r['polars rank']:.2f}" for r in results.values()]
        lines.append(f"| {job} | " + " | ".join(cells) + " |")
    for label, form in (("rows", "{:,.0f}"), ("peak GB", "{:.1f}")):
        lines.append(f"| {label} | " + " | ".join(f"{form.format(r[label])} | " for r in results.values()) + " |")
    rate = [f"{24 * r['rows'] / r['24 backtests, 2 threads'] / 1e6:.0f} million | " for r in results.values()]
    lines.append("| rows a second, 24 backtests | " + " | ".join(rate) + " |")
    return lines


def suite_targets(results: Results, runs: Results) -> list[Target]:
    """Of the 24 backtests: speed, threads, growth with the rows, memory."""
    targets = []
    for size, r in results.items():
        if size in SUITE_LIMITS:
            targets.append((f"24 backtests at {size}, x one Polars rank", SUITE_LIMITS[size], r["24 backtests x rank"]))
        targets.append((f"1 thread against 2 at {size}, times", -1.7, r["1 thread x 2"]))
    if len(results) > 1:
        targets.append((f"exponent of seconds in rows, {' '.join(results)}", 1.05, scaling_exponent(results)))
    if "L" in results:
        targets.append(("peak memory of `poc run` at L, GB", 5, runs["L"]["peak GB"]))
        targets.append(("peak memory of all jobs at L in one process, GB", 5, results["L"]["peak GB"]))
    return targets


def single_targets(m: dict[str, float], peers: dict[str, float]) -> list[Target]:
    """Of one backtest at M."""
    targets = [("contract check and placing at M, s", 0.1, m["contract check"] + m["signal on the panel"])]
    for how in ("raw frame", "checked signal"):
        seconds = m[f"one run_backtest, {how}"]
        targets.append((f"one run_backtest ({how}) at M, s", 0.15, seconds))
        for peer, least in (("alphalens", 40), ("vectorbt", 15)):
            if peer in peers:
                targets.append((f"{peer} against one run_backtest ({how}) at M, times", -least, peers[peer] / seconds))
    return targets


def targets_table(targets: list[Target]) -> list[str]:
    """What we set ourselves, and what was measured."""
    lines = ["| target | | measured | |", "|---|---|---:|---|"]
    for what, limit, value in targets:
        met = value >= -limit if limit < 0 else value <= limit
        goal = f"at {'least' if limit < 0 else 'most'} {abs(limit):g}"
        lines.append(f"| {what} | {goal} | {value:.2f} | {'met' if met else 'not met'} |")
    return lines


def scaling_exponent(results: Results) -> float:
    """Least-squares slope of log seconds of the 24 backtests on log rows."""
    points = [(math.log(r["rows"]), math.log(r["24 backtests, 2 threads"])) for r in results.values()]
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def measure(sizes: list[str], root: Path, *, with_peers: bool) -> list[str]:
    """Everything, as the lines of RESULTS.md."""
    begin = time.perf_counter()
    for size in {"S", *sizes}:
        call(sys.executable, "job.py", "make", size, root)
    run_once("S", root)  # compiles what no earlier run has
    starts = {"compile": compile_seconds(root), "import": import_seconds()}
    results = {size: call(sys.executable, "job.py", "jobs", size, root) for size in sizes}
    runs = {size: run_suite(size, root) for size in sizes}
    peers = call(peers_python(root), "peers.py", root) if with_peers and "M" in sizes else {}
    targets = suite_targets(results, runs)
    if "M" in results:
        luck = call(sys.executable, "job.py", "placebos", "M", root)
        targets.append((f"{luck['count']:.0f} placebos at M, s", 60, luck["placebos"]))
        targets += [*single_targets(results["M"], peers), ("`poc run` at M, cold process, s", 12, runs["M"]["seconds"])]
    targets += [
        ("`import poc`, s", 0.5, starts["import"]),
        ("compiled in the first run ever, s", 10, starts["compile"]),
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        "# Benchmark results",
        "",
        "Written by `make bench`. Seconds are of the fastest of some runs; ratios are within this one run.",
        "The yardstick and the backtests take turns, so that a slow spell of the machine meets them all; among the",
        "targets their ratios are medians of the rounds, in the table of jobs those of the fastest runs of each.",
        f"It took {(time.perf_counter() - begin) / 60:.0f} minutes.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}; {machine()}; Python {platform.python_version()}, {versions}.",
        "",
        *(f"- {size}: {SIZES[size].n_securities:,} securities, {SIZES[size].n_days:,} days." for size in results),
        "",
        "## Targets",
        "",
        *targets_table(targets),
        "",
        "What a second thread is worth on this machine at the same moments, in sorts by numpy that share nothing: "
        + ", ".join(f"{size} {r['1 thread x 2, equal sorts']:.2f} times" for size, r in results.items())
        + ".",
        "",
        "## Jobs",
        "",
        "The 24 backtests are the standard suite: a signal and three baselines, lags 0, 1, 2 x off and industry,",
        "with slices overall, year and cap, deciles, turnover, costs, style exposures, attribution and daily rank IC.",
        "Arrays are mapped where the snapshot has them, as it has from its creation, and else made from its tables.",
        "",
        *jobs_table(results),
        "",
        "`poc run` (without placebos), the whole process from its start to its end: "
        + ", ".join(f"{size} {run['seconds']:.1f} s (peak {run['peak GB']:.1f} GB)" for size, run in runs.items())
        + ".",
        "",
        "## Peers",
        "",
        *(f"- {name}: {seconds:.1f} s for one variant at M, without slices." for name, seconds in peers.items()),
        *([] if peers else ["Not measured in this run."]),
    ]


def main() -> None:
    """Measure, and write RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder for the made-up markets and the peers")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="file to write")
    options = parser.parse_args()
    options.root.mkdir(parents=True, exist_ok=True)
    text = "\n".join(measure(options.sizes, options.root, with_peers=not options.no_peers)) + "\n"
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
