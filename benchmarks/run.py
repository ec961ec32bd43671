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
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from market import SIZES

HERE = Path(__file__).parent
PEERS = ("alphalens-reloaded==0.5.1", "vectorbt==1.2.0", "pyarrow==25.0.1")
JOBS = (
    "polars rank",
    "parquet to arrays",
    "contract check",
    "signal on the panel",
    "baseline signals",
    "24 backtests, 1 thread",
    "24 backtests, 2 threads",
    "one run_backtest",
    "one run_backtest, all slices",
)
LIBRARIES = ("numpy", "numba", "polars", "pandas", "joblib", "mlflow")


def call(python: str | Path, script: str, *arguments: str | Path) -> dict[str, float]:
    """Run a script of this folder in a process of its own and read the JSON that it prints last."""
    command = [str(python), str(HERE / script), *map(str, arguments)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    result: dict[str, float] = json.loads(output.splitlines()[-1])
    return result


def peers_python(root: Path) -> Path:
    """The interpreter of the peers' environment, which is made the first time."""
    folder = root / "peers"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *PEERS], check=True)
        (folder / "ready").touch()
    return folder / "bin" / "python"


def machine() -> str:
    """Processor, cores and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] \
        if info.exists() else [platform.processor()]  # fmt: skip
    return f"{names[0]}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"


def jobs_table(results: dict[str, dict[str, float]]) -> list[str]:
    """A row a job: seconds and ratio to one Polars rank, for each size."""
    lines = ["| job | " + " | ".join(f"{size}, s | x rank" for size in results) + " |",
             "|---|" + "---:|---:|" * len(results)]  # fmt: skip
    for job in JOBS:
        cells = [f"{r[job]:.2f} | {r[job] / r['polars rank']:.1f}" for r in results.values()]
        lines.append(f"| {job} | " + " | ".join(cells) + " |")
    for label, form in (("rows", "{:,.0f}"), ("peak GB", "{:.1f}")):
        lines.append(f"| {label} | " + " | ".join(f"{form.format(r[label])} | " for r in results.values()) + " |")
    rate = [f"{24 * r['rows'] / r['24 backtests, 2 threads'] / 1e6:.0f} million | " for r in results.values()]
    lines.append("| rows a second, 24 backtests | " + " | ".join(rate) + " |")
    return lines


def targets_table(results: dict[str, dict[str, float]], runs: dict[str, dict[str, float]],
                  peers: dict[str, float]) -> list[str]:  # fmt: skip
    """What we set ourselves, and what was measured."""
    rows = []
    for size, limit in (("M", 10.0), ("L", 4.0)):
        if size in results:
            r = results[size]
            ratio = r["24 backtests, 2 threads"] / r["polars rank"]
            rows.append((f"24 backtests at {size}, x one Polars rank", f"at most {limit:g}", ratio, ratio <= limit))
    if "L" in results:
        peak = results["L"]["peak GB"]
        rows.append(("peak memory at L, GB", "at most 5", peak, peak <= 5))
    if len(results) > 1:
        exponent = scaling_exponent(results)
        rows.append(("exponent of seconds in rows", "at most 1.05", exponent, exponent <= 1.05))
    if "M" in results:
        r = results["M"]
        gain = r["24 backtests, 1 thread"] / r["24 backtests, 2 threads"]
        rows.append(("2 threads against 1 at M", "at least 1.7 x", gain, gain >= 1.7))
        rows.append(("one run_backtest at M, s", "under 0.15", r["one run_backtest"], r["one run_backtest"] < 0.15))
        rows.append(
            ("poc run at M from a cold process, s", "under 12", runs["M"]["poc run"], runs["M"]["poc run"] < 12)
        )
        for peer, least in (("alphalens", 40.0), ("vectorbt", 15.0)):
            if peer in peers:
                ratio = peers[peer] / r["one run_backtest"]
                rows.append((f"{peer} against one run_backtest at M", f"at least {least:g} x", ratio, ratio >= least))
    lines = ["| target | | measured | |", "|---|---|---:|---|"]
    return lines + [
        f"| {what} | {goal} | {value:.2f} | {'met' if met else 'not met'} |" for what, goal, value, met in rows
    ]


def scaling_exponent(results: dict[str, dict[str, float]]) -> float:
    """Least-squares slope of log seconds of the 24 backtests on log rows."""
    points = [(math.log(r["rows"]), math.log(r["24 backtests, 2 threads"])) for r in results.values()]
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def main() -> None:
    """Measure, and write RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder for the made-up markets and the peers")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    options.root.mkdir(parents=True, exist_ok=True)
    results = {size: call(sys.executable, "job.py", "jobs", size, options.root) for size in options.sizes}
    runs = {size: call(sys.executable, "job.py", "run", size, options.root) for size in options.sizes}
    peers: dict[str, float] = {}
    if not options.no_peers and "M" in options.sizes:
        peers = call(peers_python(options.root), "peers.py", options.root)
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines = [
        "# Benchmark results",
        "",
        "Written by `make bench`. Seconds are of the fastest of some warm runs; ratios are within this one run.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}; {machine()}; Python {platform.python_version()}, {versions}.",
        "",
        *(f"- {size}: {SIZES[size].n_securities:,} securities, {SIZES[size].n_days:,} days." for size in results),
        "",
        "## Targets",
        "",
        *targets_table(results, runs, peers),
        "",
        "## Jobs",
        "",
        "The 24 backtests are the standard suite: a signal and three baselines, lags 0, 1, 2 x off and industry,",
        "with slices overall, year and cap, deciles, turnover, costs, style exposures, attribution and daily rank IC.",
        "",
        *jobs_table(results),
        "",
        "`poc run` from a cold process to files on disk and the logged run: "
        + ", ".join(f"{size} {run['poc run']:.1f} s (peak {run['peak GB']:.1f} GB)" for size, run in runs.items())
        + ".",
        "",
        "## Peers",
        "",
        *(
            f"- {name}: {seconds:.1f} s for one variant at M, without slices."
            for name, seconds in peers.items()
        ),
        *([] if peers else ["Not measured in this run."]),
    ]  # fmt: skip
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
