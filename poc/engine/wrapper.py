"""run_backtest: from a signal frame to a BacktestResult."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from joblib import cpu_count

from poc.contract.schema import Ledger, ValidationResult, validate_signal_df
from poc.data.catalog import DataCatalog
from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.factors import factor_regression
from poc.engine.formation import Formation, form_books
from poc.engine.holding import Held, hold
from poc.engine.placing import place_signal
from poc.engine.result import BacktestResult, HeldBooks
from poc.engine.slices import Groups
from poc.engine.tables import (
    daily_columns,
    daily_series,
    fractile_analysis,
    fractile_returns,
    ic_series,
    market_returns,
    slice_series,
    summary_table,
)
from poc.errors import BacktestError, ContractError
from poc.stats.newey_west import newey_west_t


def run_backtest(
    signal_df: pd.DataFrame | pl.DataFrame | ValidationResult,
    config: BacktestConfig,
    catalog: DataCatalog,
    *,
    groups: Groups | None = None,
) -> BacktestResult:
    """Check a signal, form its books and account for them.

    What the contract only warns of is not looked for: `validate_signal_df` and a suite tell.

    Args:
        signal_df: a contract frame: `security_id, date_sig, date_avail, signal` and the optional columns. Or, for many
            runs of one signal, what `check_signal` or `validate_signal_df` found: then it is not checked again.
        config: the variant to run.
        catalog: the snapshot to run it on.
        groups: frames that `config.slices` or `config.double_sort` names, pandas or Polars. `date` and a label: a
            regime, which cuts the series by the day of the return. `security_id`, `date` and a label: groups of names,
            ranked within the group, by what the frame says of the information day itself.

    Raises:
        ContractError: the signal or a frame breaks the contract; the message holds every breach.
        BacktestError: the snapshot lacks what the configuration needs, or the variant is never invested.
    """
    checked = check_signal(signal_df, config, catalog, together=False)
    threads = cpu_count()
    placed = place_signal(checked.rows, catalog.panel, config, keys=checked.keys, threads=threads)
    formation = form_books(placed, catalog.panel, config, groups=groups, threads=threads)
    [held] = hold(formation, [config], catalog.panel, threads=threads)
    return evaluate_books(formation, held, config, catalog.panel, checked.ledger)


def check_signal(
    signal_df: pd.DataFrame | pl.DataFrame | ValidationResult,
    config: BacktestConfig,
    catalog: DataCatalog,
    *,
    together: bool = True,
) -> ValidationResult:
    """The contract check against the snapshot, unless it was done.

    Args:
        together: as `validate_signal_df` takes it.

    Raises:
        ContractError: the signal breaks the contract; the message holds every breach.
    """
    checked = signal_df
    if not isinstance(checked, ValidationResult):
        checked = validate_signal_df(
            checked,
            calendar=catalog.calendar,
            security_ids=catalog.security_ids,
            carry_days=config.carry_days,
            mincos=config.mincos,
            together=together,
        )
    if not checked.valid:
        raise ContractError("\n".join(finding.message for finding in checked.errors))
    return checked


def evaluate_books(
    formation: Formation, held: Held, config: BacktestConfig, panel: Panel, ledger: Ledger
) -> BacktestResult:
    """Make the tables.

    Raises:
        BacktestError: no day is invested; the message says why.
    """
    if held.first[0] < 0:
        raise BacktestError(_why_never_invested(formation, config))
    names = [(portfolio.slice_name, portfolio.group) for portfolio in formation.portfolios]
    portfolios = [daily_columns(held, formation, config, panel, p) for p in range(len(names))]
    by_fractile = fractile_returns(formation, held)
    market = market_returns(by_fractile[0], formation, held)
    markets = [market[held.days(p)] for p in range(len(names))]
    series = daily_series(portfolios[0], markets[0], config, panel)
    ics = ic_series(formation, held, panel)
    fractiles = fractile_analysis(by_fractile, formation, held, config, panel)
    return BacktestResult(
        config=config,
        daily_series=series,
        summary_table=summary_table(portfolios, markets, formation, config, panel),
        fractile_analysis=fractiles.table,
        diagnostics={
            "ledger": _run_ledger(ledger, formation),
            "coverage": _coverage(formation, held),
            "carry_days": formation.placed.carry_days,
            "universe": formation.universe,
            "tail_share": _tail_share(formation, held),
            "flat_days": int((portfolios[0]["n_long"] + portfolios[0]["n_short"] == 0).sum()),
            "missing_return_share": float(portfolios[0]["missing_return_share"].mean()),
            "ic": _ic_statistics(ics["ic"].to_numpy()),
            "fractile_monotonicity": fractiles.monotonicity,
        },
        ic_series=ics,
        slice_series=slice_series(portfolios, names),
        books=HeldBooks(panel=panel, held=held.books, shift=held.shift, days=held.days()),
        factor_regression=factor_regression(series["date"], series["ret"].to_numpy(), config, panel),
    )


def _why_never_invested(formation: Formation, config: BacktestConfig) -> str:
    most = int(formation.n_eligible.max(initial=0))
    return (
        f"{config.key} is never invested: no day in the chosen dates has {config.mincos} names on each side. "
        f"At most {most} names a day are eligible with a signal. "
        "Check the universe, the dates, carry_days and the spread of the signal, or lower mincos."
    )


def _run_ledger(ledger: Ledger, formation: Formation) -> dict[str, Any]:
    """Every input row once: dropped by the contract, never live, or used."""
    late = {reason: count for reason, count in formation.placed.dropped.items() if count}
    dropped = dict(ledger.dropped)
    for reason, count in late.items():
        dropped[reason] = dropped.get(reason, 0) + count
    return {"rows_in": ledger.rows_in, "rows_used": ledger.rows_used - sum(late.values()), "dropped": dropped}


def _coverage(formation: Formation, held: Held) -> dict[str, float]:
    """Eligible names with a signal a day, on the formation days behind the series, and their share of all eligible."""
    days = held.days() - held.shift
    names, candidates = formation.n_eligible[days], formation.n_candidates[days]
    some = candidates > 0
    return {
        "mean": float(names.mean()),
        "min": int(names.min()),
        "share": float((names[some] / candidates[some]).mean()) if some.any() else float("nan"),
    }


def _tail_share(formation: Formation, held: Held) -> dict[str, float]:
    """Names on each side as a share of the names ranked, mean over the days with a target book."""
    days = formation.formed_on[held.days() - held.shift]
    days = days[formation.n_sides[days].sum(axis=1) > 0]
    if not len(days):
        return {"long": float("nan"), "short": float("nan")}
    short, long = (formation.n_sides[days] / formation.n_eligible[days, None]).mean(axis=0)
    return {"long": float(long), "short": float(short)}


def _ic_statistics(ic: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    days = len(ic)
    mean = float(ic.mean()) if days else float("nan")
    std = float(ic.std(ddof=1)) if days > 1 else float("nan")
    return {
        "mean": mean,
        "std": std,
        "t": newey_west_t(ic),
        "hit_rate": float((ic > 0).mean()) if days else float("nan"),
        "ir": mean / std if std > 0 else float("nan"),
        "days": days,
    }
