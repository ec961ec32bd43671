"""The interface of the former engine, so that its notebooks run with one import changed. The engine behind it is ours.

docs/migration.md says what becomes of each argument and where the numbers differ, and why.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pandas as pd
import polars as pl

from poc.contract.schema import Ledger, validate_signal_df
from poc.data.panel import Panel, make_panel
from poc.engine.config import BacktestConfig
from poc.engine.formation import eligible_signal, form_books
from poc.engine.holding import hold
from poc.engine.legacy_arguments import BUCKETS, FACTOR_MODELS, FORMER_NAMES, check_arguments
from poc.engine.legacy_dates import gen_date_calender, gen_date_trading
from poc.engine.legacy_frames import Tables, on_trading_days, read_factors, read_frame, read_signal, read_tables
from poc.engine.legacy_look_up import groups_on_date_sig, look_up_on_date_sig, place_rows, regimes, sort_groups, windows
from poc.engine.legacy_tables import betas, daily_stats, fractile_table, result_table
from poc.engine.placing import PlacedSignal, place_signal
from poc.engine.result import BacktestResult
from poc.engine.slices import BUILT_IN
from poc.engine.wrapper import evaluate_books
from poc.errors import ConfigError, ContractError

__all__ = ["Backtest", "gen_date_calender", "gen_date_trading"]

LOGGER = logging.getLogger(__name__)
DAYS_PER_YEAR, OPEN_CUTOFF, CLOSE_CUTOFF = 252, 8.0, 15.0
FORMER_SLICES = ("overall", "year", "cap", "capyr")


@dataclass(frozen=True, eq=False)
class Backtest:
    """A backtest of the former engine; `gen_result` runs it. The order of the arguments is the former one.

    Args:
        infile: `security_id, date_sig, date_avail, date_ret, date_openret` and the signal.
        retfile: `security_id, date, ret` and, where there are any, `resret, openret, resopenret, vol, close, adv`.
        otherfile: `security_id, date`, the exposures and the groups.
        datefile: `date`, the trading days, and, where there are any, `insample, insample2`.
        sigvar: column of `infile` with the signal.
        factor_list: columns of `otherfile`, the exposures to report.
        method: `long_short` or `long_only`.
        long_index: `date` and the daily return of an index that a long-only book is measured against.
        byvar_list: groups to report.
        from_open: trade at the open and earn from `date_openret`, else at the close and from `date_ret`.
        input_type: `value`, `fractile`, `position` or `weight`.
        weight_adj: for weights: rescale each side to a sum of one.
        mincos: fewest names on a side, of the whole and of each group.
        insample: `all`, or the days on which `insample` (`i1`) or `insample2` (`i2`) of `datefile` is 1.
        output: `simple`, or `full` with residual returns and the share of days up.
        fractile: percentiles; short at or below the first, long above the second.
        frac_stretch: take all names with the extreme value where ties leave a side too small; always so.
        weight: `equal`, `value` or `volume`.
        upper_pct: quantile, as a fraction, at which value and volume weights are clipped.
        tc_model: `naive` or `power_law`.
        tc_level: basis points in `big`, `median` and `small` names.
        tc_value: beta and alpha of the power law.
        gmv: millions of dollars a side, for the power law.
        byvix: report days of high and low volatility: a frame `date` and level or label, or True with the column `vix`
            in `datefile`.
        earnings_window: report names within so many trading days of the days in `window_file`, and the others.
        window_file: `security_id, date` of announcements.
        sort_method: `double` ranks the signal within groups of `double_var`.
        double_file: `security_id, date` and `double_var`; None: `otherfile`.
        double_var: the number to group by.
        double_frac: a number of groups, or the percentiles between them.
        resid: rank the residual of the signal.
        resid_style: what is taken out: `industry`, `factor` (the exposures) or `all`.
        resid_varlist: exposures to take out; None: `factor_list`.
        beta: report the slope of each group's return on that of the market, or of `benchmark`.
        benchmark: `date` and a daily return; None: the equal-weighted eligible names.
        ff_result: regress the daily return on factors: a frame of factor returns, or True with them in `datefile`.
        ff_model: `capm`, `ff3` or `ff5_mom`.
        verbose: log what is done.

    Raises:
        ConfigError: an argument is not allowed or cannot be honoured; the message names it.
    """

    infile: pd.DataFrame
    retfile: pd.DataFrame
    otherfile: pd.DataFrame
    datefile: pd.DataFrame
    sigvar: str
    factor_list: Sequence[str]
    method: str = "long_short"
    long_index: pd.DataFrame | None = None
    byvar_list: Sequence[str] = ("overall", "year", "cap")
    from_open: bool = False
    input_type: str = "value"
    weight_adj: bool = True
    mincos: int = 10
    insample: str = "all"
    output: str = "simple"
    fractile: Sequence[int] = (10, 90)
    frac_stretch: bool = True
    weight: str = "equal"
    upper_pct: float = 0.95
    tc_model: str = "naive"
    tc_level: Mapping[str, float] = field(default_factory=lambda: dict(zip(BUCKETS, (2, 5, 10), strict=True)))
    tc_value: Sequence[float] = (0.35, 0.4)
    gmv: float = 10
    byvix: bool | pd.DataFrame = False
    earnings_window: int | None = None
    window_file: pd.DataFrame | None = None
    sort_method: str = "single"
    double_file: pd.DataFrame | None = None
    double_var: str | None = None
    double_frac: int | Sequence[int] | None = None
    resid: bool = False
    resid_style: str = "industry"
    resid_varlist: Sequence[str] | None = None
    beta: bool = False
    benchmark: pd.DataFrame | None = None
    ff_result: bool | pd.DataFrame = False
    ff_model: str = "ff3"
    verbose: bool = False

    def __post_init__(self) -> None:
        check_arguments(vars(self))
        try:
            self._config()
        except ConfigError as error:
            name, rest = str(error).split("=", 1)
            raise ConfigError(f"{FORMER_NAMES.get(name, name)}={rest}") from None

    def gen_result(self) -> tuple[pd.DataFrame, ...]:
        """Run the backtest.

        Returns:
            `(result, daily_stats, fractile)` and, with `ff_result`, the factor regression. Rates are fractions, annual
            but in `daily_stats`.

        Raises:
            ContractError: `infile` cannot be used.
            BacktestError: another frame cannot be used, or no day is invested.
        """
        _warn_of_look_up()
        result, groups = self._run()
        factors = list(self.factor_list)
        table = result_table(result, factors, output=self.output)
        if self.beta:
            table["beta"] = betas(result, self.benchmark, groups.get("vix"))
        tables = (
            table,
            daily_stats(result, factors),
            fractile_table(result, factors),
        )
        return tables if result.factor_regression is None else (*tables, result.factor_regression)

    def _run(self) -> tuple[BacktestResult, dict[str, pl.DataFrame]]:
        """The result of our engine, and the groups that were handed to it."""
        config = self._config()
        columns = [name for name in self.byvar_list if name not in FORMER_SLICES]
        if self.double_var is not None and self.double_file is None:
            columns.append(self.double_var)
        needed = dict.fromkeys([*self.factor_list, *(self.resid_varlist or []), *columns])
        factors = (self.datefile if self.ff_result else None) if isinstance(self.ff_result, bool) else self.ff_result
        tables = read_tables(
            self.retfile,
            self.otherfile,
            self.datefile,
            columns=list(needed),
            factors=read_factors(factors, self.long_index),
        )
        panel = make_panel(
            on_trading_days(self._with_sample(tables)),
            days_per_year=DAYS_PER_YEAR,
            open_cutoff=OPEN_CUTOFF,
            close_cutoff=CLOSE_CUTOFF,
        )
        rows = read_signal(self.infile, self.sigvar, panel.dates, from_open=self.from_open)
        placed, ledger = _place(rows, panel, config)
        rows = place_rows(rows, panel, from_open=self.from_open)
        groups = self._groups(rows, tables, panel)

        def as_known(styles: Sequence[str]) -> Panel:
            return look_up_on_date_sig(panel, rows, tables["risk"], styles)

        if self.resid:
            regressors = as_known(self.factor_list if self.resid_varlist is None else self.resid_varlist)
            # Residuals first, from other exposures; then they are ranked as a signal.
            placed = replace(placed, values=eligible_signal(placed, regressors, config))
            config = replace(config, residualize="off")
        panel = as_known(self.factor_list)
        formation = form_books(placed, panel, config, groups=groups)
        LOGGER.log(
            logging.INFO if self.verbose else logging.DEBUG,
            "%s: %d rows of infile are traded, %d names a day at most.",
            self.sigvar, rows.height, formation.n_eligible.max(initial=0),
        )  # fmt: skip
        [held] = hold(formation, [config], panel)
        return evaluate_books(formation, held, config, panel, ledger), groups

    def _slices(self) -> tuple[str, ...]:
        """Names of the slices; a column of `otherfile` that bears the name of a built-in one gets another."""
        taken = set(BUILT_IN) - set(FORMER_SLICES)
        columns = tuple(f"{name}-otherfile" if name in taken else name for name in self.byvar_list)
        vix = () if self.byvix is False else ("vix",)
        return (*columns, *vix, *(() if self.earnings_window is None else ("earnings",)))

    def _groups(self, rows: pl.DataFrame, tables: Tables, panel: Panel) -> dict[str, pl.DataFrame]:
        """The frames that the slices name."""
        groups = {
            name: groups_on_date_sig(rows, tables["risk"], column)
            for name, column in zip(self._slices(), self.byvar_list, strict=False)
            if column not in FORMER_SLICES
        }
        if self.byvix is not False:
            frame = self.datefile.filter(["date", "vix"]) if self.byvix is True else self.byvix
            groups["vix"] = regimes(frame, panel.dates)
        if self.earnings_window is not None and self.window_file is not None:
            groups["earnings"] = windows(rows, self.window_file, self.earnings_window, panel.dates)
        if self.double_var is not None and self.double_frac is not None:
            source = tables["risk"]
            if self.double_file is not None:
                source = read_frame("double_file", self.double_file, ["security_id", "date", self.double_var], [])
            groups["double"] = sort_groups(rows, source, self.double_var, self.double_frac)
        return groups

    def _config(self) -> BacktestConfig:
        """The same variant in the words of `run_backtest`; it refuses what is not allowed there."""
        values: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("method", "from_open", "input_type", "mincos", "weight", "upper_pct", "tc_model")
        }
        values |= {
            "universe": "all",
            "carry_days": 1,
            "slice_mincos": self.mincos,
            "fractile": tuple(self.fractile),
            "residualize": self.resid_style if self.resid else "off",
            "rescale_weights": self.weight_adj,
            "slices": self._slices(),
            "double_sort": None if self.double_var is None else ("double", None),
            "benchmark": None if self.long_index is None else "long_index",
            "factor_model": None if self.ff_result is False else FACTOR_MODELS[self.ff_model],
            "sample": "all" if self.insample == "all" else "in",
            "tc_bps": tuple(self.tc_level[bucket] for bucket in BUCKETS),
            "tc_power": tuple(self.tc_value),
            "gmv": self.gmv * 1e6,
        }
        return BacktestConfig(**values)

    def _with_sample(self, tables: Tables) -> Tables:
        """The tables with the chosen sample as `insample`."""
        calendar = tables["trading_date"]
        column = {"all": None, "i1": "insample", "i2": "insample2"}[self.insample]
        if column is None:
            return tables
        if column not in calendar.columns:
            raise ConfigError(f"insample={self.insample!r} needs the column {column} of datefile, which is not there.")
        return tables | {"trading_date": calendar.select("date", insample=column)}


def _place(rows: pl.DataFrame, panel: Panel, config: BacktestConfig) -> tuple[PlacedSignal, Ledger]:
    """Rows that say their own formation day, as a signal that is known just before it."""
    signal = rows.select("security_id", date_sig="date_form", date_avail="date_form", avail_hour=0.0, signal="signal")
    checked = validate_signal_df(
        signal, calendar=panel.dates, security_ids=panel.securities, carry_days=1, together=False
    )
    if not checked.valid:
        raise ContractError("\n".join(finding.message for finding in checked.errors))
    return place_signal(checked.rows, panel, config), checked.ledger


@cache
def _warn_of_look_up() -> None:
    warnings.warn(
        "Exposures and groups are looked up as of date_sig, 5 and 20 calendar days back, as the former engine did. All "
        "else follows our own definitions; docs/migration.md lists what differs and why.",
        UserWarning,
        stacklevel=3,
    )
