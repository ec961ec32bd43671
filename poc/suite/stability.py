"""Whether the result holds at other times, in other markets, with other choices and with worse endings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.engine.formation import candidates, return_name
from poc.engine.holdings import holdings_of
from poc.engine.placing import PlacedSignal
from poc.engine.result import BacktestResult
from poc.stats.concentration import largest_share
from poc.suite.capacity import net_statistics
from poc.suite.measure import Measure

FRACTILES = (5, 10, 20)
WEIGHTS = ("equal", "value")
VOLATILITY_DAYS = 63
REGIMES = ("low volatility", "middle", "high volatility")
DELISTING = (0.0, -0.3, -1.0)
LIQUID_SHARE_OF_SHARPE = 0.75

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Stability:
    """The base variant cut and changed (definitions in docs/methodology.md). Sharpe ratios are annual and net.

    Attributes:
        times: `slice` (`half`, `regime`), `group`, `num_days, ret_net_ann, sharpe_net`: the series cut in two, and by
            the volatility of the market before the day.
        largest_day_share: largest share of the total net return that one day earned.
        liquid_half_sharpe_net: of the same signal among the more liquid half of its names.
        liquid_half_expected: 0.75 x sqrt(half / all names) x the Sharpe ratio of all names.
        neighbourhood: `fractile` (percent a side), `weight`, `sharpe_net` (NaN where the variant failed).
        sectors: the rows of `summary_table` for the slice `sector`; empty where there are none.
        delisting: `delist_ret` (assumed where a name's rows end without one), `ret_net_ann, sharpe_net`.
        n_endings: positions held into such an ending.
    """

    times: pd.DataFrame
    largest_day_share: Measure
    liquid_half_sharpe_net: Measure
    liquid_half_expected: Measure
    neighbourhood: pd.DataFrame
    sectors: pd.DataFrame
    delisting: pd.DataFrame
    n_endings: int


def stability_variants(base: BacktestConfig, panel: Panel) -> tuple[BacktestConfig, ...]:
    """Variants outside the grid that `gather_stability` asks for."""
    variants = [config for config in _neighbours(base).values() if config != overall_only(base)]
    if len(panel.sector_ids) and "sector" not in base.slices:
        variants.append(_by_sector(base))
    return tuple(variants)


def overall_only(base: BacktestConfig) -> BacktestConfig:
    """The same without slices."""
    return replace(base, slices=("overall",))


def liquid_half(own: PlacedSignal, panel: Panel, base: BacktestConfig) -> PlacedSignal | None:
    """The signal on the names whose `adv` is at least the median of the day's eligible ones; None without an `adv`."""
    adv = np.where(candidates(panel, base) & ~np.isnan(own.values), panel.adv, np.nan)
    liquid = np.zeros(len(adv), bool)
    for begin, end in pairwise(panel.offsets.tolist()):
        day = adv[begin:end]
        known = day[~np.isnan(day)]
        if len(known):
            liquid[begin:end] = day >= np.median(known)
    return replace(own, values=np.where(liquid, own.values, np.nan)) if liquid.any() else None


def gather_stability(
    result: BacktestResult, variants: Mapping[str, BacktestResult], liquid: BacktestResult | None, panel: Panel
) -> Stability:
    """Cut the base variant's series, and compare it with variants.

    Args:
        result: of the base variant.
        variants: results of `stability_variants` by key, those that did not fail.
        liquid: the base variant on the `liquid_half`, None where it failed or there is none.
    """
    base, net = result.config, result.daily_series["ret_net"].to_numpy()
    found = {overall_only(base).key: result} | dict(variants)
    sectors = result if "sector" in base.slices else found.get(_by_sector(base).key, result)
    of_sector = sectors.summary_table["slice"] == "sector"
    neighbours = [
        {"fractile": fractile, "weight": weight, "sharpe_net": _sharpe(found.get(config.key))}
        for (fractile, weight), config in _neighbours(base).items()
    ]
    lost, n_endings = _endings(result, panel)
    return Stability(
        times=pd.DataFrame([*_halves(net, panel), *_regimes(result, panel)]),
        largest_day_share=_largest_day(result.daily_series),
        liquid_half_sharpe_net=_liquid_measure(liquid, panel, lambda half: half.overall()["sharpe_net"]),
        liquid_half_expected=_liquid_measure(liquid, panel, lambda half: _expected(result, half)),
        neighbourhood=pd.DataFrame(neighbours, columns=["fractile", "weight", "sharpe_net"]),
        sectors=sectors.summary_table[of_sector].reset_index(drop=True),
        delisting=pd.DataFrame(
            [{"delist_ret": assumed} | net_statistics(net + assumed * lost, panel) for assumed in DELISTING]
        ),
        n_endings=n_endings,
    )


def _neighbours(base: BacktestConfig) -> dict[tuple[int, str], BacktestConfig]:
    """By percent a side and weight; none where the signal is not a value to rank."""
    if base.input_type != "value":
        return {}
    return {
        (fractile, weight): replace(overall_only(base), fractile=(fractile, 100 - fractile), weight=weight)  # type: ignore[arg-type]  # checked by BacktestConfig
        for weight in WEIGHTS
        for fractile in FRACTILES
    }


def _by_sector(base: BacktestConfig) -> BacktestConfig:
    return replace(base, slices=("overall", "sector"))


def _sharpe(result: BacktestResult | None) -> float:
    return np.nan if result is None else float(result.overall()["sharpe_net"])


def _halves(net: Floats, panel: Panel) -> list[dict[str, Any]]:
    middle = len(net) // 2
    return [_part("half", "first half", net[:middle], panel), _part("half", "second half", net[middle:], panel)]


def _regimes(result: BacktestResult, panel: Panel) -> list[dict[str, Any]]:
    """The series in three parts of as many days, by the volatility of the market before the day."""
    volatility = _market_volatility(result.config, panel)[result.books.days]
    known = volatility[~np.isnan(volatility)]
    if len(known) == 0:
        return []
    third = np.where(
        np.isnan(volatility), -1, np.searchsorted(np.quantile(known, (1 / 3, 2 / 3)), volatility, side="left")
    )
    net = result.daily_series["ret_net"].to_numpy()
    return [_part("regime", name, net[third == place], panel) for place, name in enumerate(REGIMES)]


def _market_volatility(base: BacktestConfig, panel: Panel) -> Floats:
    """(T,) standard deviation of the past 63 returns of the market, each complete before the day; NaN before that.

    The market is the equal-weighted return of all names that may be traded, with a signal or without.
    """
    ret, may = panel.returns[return_name(panel, base)], candidates(panel, base)
    market = np.full(panel.n_days, np.nan)
    for day, (begin, end) in enumerate(pairwise(panel.offsets.tolist())):
        returns = ret[begin:end][may[begin:end]]
        returns = returns[~np.isnan(returns)]
        if len(returns):
            market[day] = returns.mean(dtype=np.float64)
    return pd.Series(market).rolling(VOLATILITY_DAYS).std().shift(1).to_numpy()


def _part(slice_name: str, group: str, net: Floats, panel: Panel) -> dict[str, Any]:
    numbers = net_statistics(net, panel) if len(net) else {"ret_net_ann": np.nan, "sharpe_net": np.nan}
    return {"slice": slice_name, "group": group, "num_days": len(net)} | numbers


def _largest_day(daily: pd.DataFrame) -> Measure:
    largest = largest_share(daily["ret_net"])
    if largest.index is None or not np.isfinite(largest.share):
        return Measure.not_applicable("the total net return is not positive")
    return Measure(value=largest.share, reason=str(daily["date"].iloc[largest.index].date()))


def _liquid_measure(liquid: BacktestResult | None, panel: Panel, number: Callable[[BacktestResult], float]) -> Measure:
    if np.isnan(panel.adv).all():
        return Measure.not_applicable("the snapshot has no adv")
    return Measure.not_run("the variant failed") if liquid is None else Measure.of(number(liquid))


def _expected(whole: BacktestResult, half: BacktestResult) -> float:
    names = [result.diagnostics["coverage"]["mean"] for result in (half, whole)]
    return float(LIQUID_SHARE_OF_SHARPE * np.sqrt(names[0] / names[1]) * _sharpe(whole))


def _endings(result: BacktestResult, panel: Panel) -> tuple[Floats, int]:
    """Weight held, each day of the series, of names on the day after their last row, and how many positions that is.

    Names whose last row is on the panel's last day have not ended; a name with a `delist_ret` has earned it.
    """
    books, held = result.books, holdings_of(result.books)
    last = np.full(len(panel.securities), -1, np.int32)
    for day, (begin, end) in enumerate(pairwise(panel.offsets.tolist())):
        last[panel.security[begin:end][panel.traded[begin:end]]] = day
    delisted = np.flatnonzero(~panel.traded)
    delisted = delisted[~np.isnan(panel.returns[return_name(panel, result.config)][delisted])]
    last[last == panel.n_days - 1] = -1
    last[panel.security[delisted]] = -1
    ending = books.days.astype(np.int32)[held.day] == (last + 1)[panel.security[held.row]]
    lost = np.bincount(held.day[ending], weights=held.weight[ending], minlength=len(books.days))
    return lost.astype(np.float64), int(ending.sum())
