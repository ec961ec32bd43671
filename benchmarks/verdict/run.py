"""Measure how often the verdict is right and wrong, and write docs/error-rates.md. `make error-rates` runs it.

What was measured is kept below `--root`, a file a market, and not measured again: an interrupted run goes on where it
stopped. Remove the folder to measure anew, as after a change of the rules.
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
FIRST_SEED = {"report": 200_000, "tune": 100_000}
SEEDS_A_KIND = 1000
"""Seeds of the markets that the report is made from, and of those that rules are tuned on. Calibration has its own."""


def main() -> None:
    """Calibrate, judge every market that has not been judged yet, and write the report."""
    options = _options()
    kinds = [QUICK] if options.quick else [KINDS[name] for name in options.kinds]
    share = 0.01 if options.quick else options.share
    measured: dict[str, list[Row]] = {}
    if "zoo" in options.studies:
        measured["zoo"] = zoo_rows(kinds, options.root, markets=options.markets, share=share, n_jobs=options.jobs)
    if "placebos" in options.studies:
        measured["placebos"] = study_rows("placebos", placebo_row, PLACEBO.n_markets, share, options)
    if "series" in options.studies:
        measured["series"] = [
            row
            for years in YEARS
            for row in study_rows(f"series-{years}y", partial(series_row, years), N_SERIES, share, options)
        ]
    if len(measured) == len(STUDIES):
        is_report = options.markets == "report" and not options.quick
        page = ROOT / "docs" / "error-rates.md" if is_report else options.root / "error-rates.md"
        today, seed = datetime.now(UTC).date(), FIRST_SEED[options.markets]
        page.write_text(report(kinds=kinds, today=today, first_seed=seed, **measured), encoding="utf-8")
        print(f"written: {page}")


def zoo_rows(kinds: list[Kind], root: Path, *, markets: str, share: float, n_jobs: int) -> list[Row]:
    """The rows of every signal of the zoo, from what is kept where it is there."""
    workers = Parallel(n_jobs=n_jobs, return_as="generator", inner_max_num_threads=1)
    jobs = [delayed(kept)(root / "premia" / f"{_slug(kind.name)}.json", calibrate, kind) for kind in kinds]
    premia: list[dict[str, float]] = list(workers(jobs))
    folder = root / markets
    chosen = [
        (number / kind.n_markets, seed, world, kind, paid)
        for kind, paid in zip(kinds, premia, strict=True)
        for number, seed, world in _markets(kind, FIRST_SEED[markets], share)
    ]
    jobs = [
        delayed(kept)(folder / f"{_slug(kind.name)}-{world}-{seed}.json", judge_market, kind, world, seed, paid)
        for _, seed, world, kind, paid in sorted(chosen, key=itemgetter(0, 1))  # so that all kinds advance together
    ]
    rows: list[Row] = []
    for number, market in enumerate(workers(jobs), start=1):
        rows += market
        print(f"\r{number} of {len(jobs)} markets", end="", flush=True)
    print()
    return rows


def _markets(kind: Kind, first_seed: int, share: float) -> list[tuple[int, int, str]]:
    """Numbers of markets, each with the seed and the name of every world; no two have the same seed."""
    first_seed += SEEDS_A_KIND * [*KINDS, QUICK.name].index(kind.name)
    numbers = range(max(1, round(share * kind.n_markets)))
    worlds = list(enumerate(WORLDS))
    return [(n, first_seed + len(worlds) * n + k, world) for n in numbers for k, world in worlds]


def study_rows(
    name: str, measure: Callable[[int], Row], n_cases: int, share: float, options: argparse.Namespace
) -> list[Row]:
    """A row a seed, in files of `BATCH` rows."""
    starts = range(0, max(1, round(share * n_cases)), BATCH)
    jobs = [delayed(kept)(options.root / name / f"{start}.json", _batch, measure, start) for start in starts]
    batches = Parallel(n_jobs=options.jobs, inner_max_num_threads=1)(jobs)
    return [row for batch in batches for row in batch]


def _batch(measure: Callable[[int], Row], start: int) -> list[Row]:
    return [measure(seed) for seed in range(start, start + BATCH)]


def kept(path: Path, measure: Callable[..., Any], *arguments: Any) -> Any:
    """What `measure` gives, from its file where that is there."""
    if not path.exists():
        result = measure(*arguments)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        half.write_text(json.dumps(result), encoding="utf-8")
        half.rename(path)
    return json.loads(path.read_text(encoding="utf-8"))


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(".bench/verdict"), help="folder for what was measured")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=STUDIES, help="the page needs all of them")
    parser.add_argument("--share", type=float, default=1.0, help="share of the markets of a full report")
    parser.add_argument("--markets", choices=list(FIRST_SEED), default="report")
    parser.add_argument("--quick", action="store_true", help="one tiny market: shows that everything runs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    main()
