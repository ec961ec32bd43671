"""Measure how often the verdict is right and wrong, and write docs/error-rates.md. `make error-rates` runs it.

What was measured is kept below `--root`, a file a market, and not measured again: an interrupted run goes on where it
stopped, and the page is made from everything that is kept. Remove the folder to measure anew, as after a change of the
rules.
"""

import argparse
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from benchmarks.verdict.calibrate import calibrate
from benchmarks.verdict.judge import Row, judge_market
from benchmarks.verdict.kinds import KINDS, PLACEBO, QUICK, Kind
from benchmarks.verdict.placebos import placebo_row
from benchmarks.verdict.report import report
from benchmarks.verdict.series import N_SERIES, YEARS, series_row
from benchmarks.verdict.signals import WORLDS

ROOT = Path(__file__).parents[2]
BATCH = 10
STUDIES = ("zoo", "placebos", "series")
FIRST_SEED = {"report": 200_000, "tune": 100_000, "quick": 100_000}
SEEDS_A_KIND = 1000
"""Seeds of the markets that the report is made from, and of those that rules are tuned on. Calibration has its own."""


def main() -> None:
    """Measure what has not been measured yet, and write the page from everything that is kept."""
    options = _options()
    markets, share = ("quick", 0.01) if options.quick else (options.markets, options.share)
    if "zoo" in options.studies:
        measure_zoo([QUICK] if options.quick else [KINDS[name] for name in options.kinds], markets, share, options)
    if "placebos" in options.studies:
        measure_cases("placebos", placebo_row, PLACEBO.n_markets, share, options)
    for years in YEARS if "series" in options.studies else ():
        measure_cases(f"series-{years}y", partial(series_row, years), N_SERIES, share, options)
    page = ROOT / "docs" / "error-rates.md" if markets == "report" else options.root / "error-rates.md"
    text = report(
        zoo=all_kept(options.root, markets),
        placebos=all_kept(options.root, "placebos"),
        series=all_kept(options.root, "series-*"),
        kinds=[*KINDS.values(), QUICK],
        today=datetime.now(UTC).date(),
        first_seed=FIRST_SEED[markets],
    )
    page.write_text(text, encoding="utf-8")
    print(f"written: {page}")


def measure_zoo(kinds: list[Kind], markets: str, share: float, options: argparse.Namespace) -> None:
    """Calibrate every kind and judge its markets, a file each."""
    workers = Parallel(n_jobs=options.jobs, return_as="generator", inner_max_num_threads=1)
    jobs = [delayed(kept)(options.root / "premia" / f"{_slug(kind.name)}.json", calibrate, kind) for kind in kinds]
    premia: list[dict[str, float]] = list(workers(jobs))
    chosen = [
        (number / kind.n_markets, seed, world, kind, paid)
        for kind, paid in zip(kinds, premia, strict=True)
        for number, seed, world in _markets(kind, FIRST_SEED[markets], share)
    ]
    folder = options.root / markets
    jobs = [
        delayed(kept)(folder / f"{_slug(kind.name)}-{world}-{seed}.json", judge_market, kind, world, seed, paid)
        for _, seed, world, kind, paid in sorted(chosen, key=itemgetter(0, 1))  # so that all kinds advance together
    ]
    for number, _ in enumerate(workers(jobs), start=1):
        print(f"\r{number} of {len(jobs)} markets", end="", flush=True)
    print()


def _markets(kind: Kind, first_seed: int, share: float) -> list[tuple[int, int, str]]:
    """Numbers of markets, each with the seed and the name of every world; no two have the same seed."""
    first_seed += SEEDS_A_KIND * [*KINDS, QUICK.name].index(kind.name)
    numbers = range(max(1, round(share * kind.n_markets)))
    worlds = list(enumerate(WORLDS))
    return [(n, first_seed + len(worlds) * n + k, world) for n in numbers for k, world in worlds]


def measure_cases(
    name: str, measure: Callable[[int], Row], n_cases: int, share: float, options: argparse.Namespace
) -> None:
    """A row a seed, in files of `BATCH` rows."""
    starts = range(0, max(1, round(share * n_cases)), BATCH)
    jobs = [delayed(kept)(options.root / name / f"{start}.json", _batch, measure, start) for start in starts]
    Parallel(n_jobs=options.jobs, inner_max_num_threads=1)(jobs)


def all_kept(root: Path, folder: str) -> list[Row]:
    """Every row that was measured, in the order of the files' names."""
    return [row for path in sorted(root.glob(f"{folder}/*.json")) for row in json.loads(path.read_text("utf-8"))]


def _batch(measure: Callable[[int], Row], start: int) -> list[Row]:
    return [measure(seed) for seed in range(start, start + BATCH)]


def kept(path: Path, measure: Callable[..., Any], *arguments: Any) -> Any:
    """What `measure` gives, from its file where that is there."""
    if not path.exists():
        result = measure(*arguments)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(result), encoding="utf-8")
        half.rename(path)
    return json.loads(path.read_text(encoding="utf-8"))


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(".bench/verdict"), help="folder for what was measured")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--studies", nargs="*", choices=STUDIES, default=STUDIES, help="what to measure")
    parser.add_argument("--share", type=float, default=1.0, help="share of the markets of a full report")
    parser.add_argument("--markets", choices=("report", "tune"), default="report")
    parser.add_argument("--quick", action="store_true", help="one tiny market: shows that everything runs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    main()
