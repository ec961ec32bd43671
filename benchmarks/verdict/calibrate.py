"""What a characteristic must pay, in each kind of market, for its signal to have a given true net Sharpe ratio.

A signal's true Sharpe ratio is that of its kind's population. On a few markets that pay for nothing, with seeds of
their own, the engine shows the mean exposure e of the signal's book to what is paid, its cost c and its standard
deviation s, which hardly depend on the premium p. The mean gross return is e p, so (e p - c) / s = Sharpe is solved for
p.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from benchmarks.verdict.kinds import Kind
from benchmarks.verdict.market import PREMIA, Floats, ZooMarket, open_snapshot, simulate
from benchmarks.verdict.signals import alphas, traps
from poc.baselines.library import BASELINE_REGISTRY
from poc.data.catalog import DataCatalog
from poc.engine.config import BacktestConfig
from poc.engine.result import BacktestResult
from poc.engine.wrapper import run_backtest

TRUE_SHARPE = {
    "alpha_0.3": 0.3,
    "alpha_0.7": 0.7,
    "alpha_1.5": 1.5,
    "alpha_2.5": 2.5,
    "small_caps": 1.5,
    "one_sector": 1.5,
    "lucky_year": 1.5,
    "lucky_name": 1.5,
    "fast": 2.0,
    "yield": 1.5,
    "value": 1.0,
    "momentum": 1.0,
    "reversal": 1.0,
}
"""Net Sharpe ratio that each premium is solved for."""
GROSS_SHARPE = {"costly": 2.0}
"""The same before cost, for the signal that its cost eats up."""
SIGNAL_OF = {
    **{f"alpha_{sharpe}": f"true {sharpe}" for sharpe in ("0.3", "0.7", "1.5", "2.5")},
    "small_caps": "small caps only",
    "one_sector": "one sector",
    "lucky_year": "lucky year",
    "lucky_name": "lucky name",
    "fast": "fast-dead",
    "costly": "cost-eaten",
    "yield": "factor bet",
}
"""The signal, by its label, whose Sharpe ratio a premium decides; for the others it is that of a baseline."""
BASELINE_OF = {"value": "value", "momentum": "momentum_12_1", "reversal": "reversal_5d"}
N_MARKETS, N_YEARS = 2, 3
_PARTS = ("exposure", "cost", "std")
CONFIG = BacktestConfig(slices=("overall",))


@dataclass(frozen=True, kw_only=True)
class Book:
    """What a premium is solved from, all a year: exposure to what is paid, cost, standard deviation."""

    exposure: float
    cost: float
    std: float


def calibrate(kind: Kind, *, n_markets: int = N_MARKETS) -> dict[str, float]:
    """The premium of each characteristic in a kind of market. The seeds are those of no market that is judged."""
    like = replace(kind, n_years=N_YEARS)
    markets = [measure(like, seed) for seed in range(n_markets)]
    return {name: solve(name, [books[name] for books in markets], kind.n_years) for name in PREMIA}


def solve(name: str, books: list[Book], n_years: int) -> float:
    """The premium at which the mean return is the Sharpe ratio times the standard deviation."""
    exposure, cost, std = (float(np.mean([getattr(book, part) for book in books])) for part in _PARTS)
    if name == "lucky_year":  # one of these years was seen
        exposure *= N_YEARS / n_years
    return (GROSS_SHARPE[name] * std if name in GROSS_SHARPE else TRUE_SHARPE[name] * std + cost) / exposure


def measure(kind: Kind, seed: int) -> dict[str, Book]:
    """The book of each premium's signal in a market that pays for nothing."""
    market = simulate(kind, seed, dict.fromkeys(PREMIA, 0.0))
    with tempfile.TemporaryDirectory() as root:
        catalog = open_snapshot(market, Path(root))
        return {name: _book(run_backtest(frame, CONFIG, catalog), market.paid[name], market)
                for name, frame in _frames(market, catalog)}  # fmt: skip


def _book(result: BacktestResult, paid: Floats, market: ZooMarket) -> Book:
    overall, days = result.overall(), result.books.days
    held = result.holdings(last_day_only=False)
    day = np.searchsorted(market.dates, held["date"].to_numpy().astype("datetime64[D]"))
    earned = held["weight"].to_numpy() * np.nan_to_num(paid)[day - 1, held["security_id"].to_numpy() - 1001]
    return Book(
        exposure=float(earned.sum()) / len(days) * 252,
        cost=float(overall["ret_ann"] - overall["ret_net_ann"]),
        std=float(overall["ret_net_std"]),
    )


def _frames(market: ZooMarket, catalog: DataCatalog) -> Iterator[tuple[str, pl.DataFrame | pd.DataFrame]]:
    wanted = {label: name for name, label in SIGNAL_OF.items()}
    for signal in (*alphas(market), *traps(market)):
        if signal.label in wanted:
            yield wanted[signal.label], signal.frame
    for name, baseline in BASELINE_OF.items():
        yield name, BASELINE_REGISTRY[baseline].generate(catalog)
