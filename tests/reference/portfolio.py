"""Which names are eligible on a formation day, how they rank, and the book that follows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import rankdata

from poc.engine.config import BacktestConfig
from tests.reference.market import ATTRIBUTE_AGE, EXPOSURE_AGE, SAME_DAY, Market

Book = dict[Any, float]
ROUNDING = 1e-10


@dataclass(frozen=True)
class Formation:
    """One formation day: the signal of its eligible names and what was known of them on the information day."""

    signal: dict[Any, float] = field(default_factory=dict)
    candidates: int = 0  # names that would be eligible if all of them had a live signal
    exposures: dict[str, dict[Any, float]] = field(default_factory=dict)  # style -> name -> value; {} where unknown
    sizes: dict[Any, float] = field(default_factory=dict)  # mcap or adv, for value or volume weights
    info: int = -1  # the information day
    sort_group: dict[Any, Any] | None = None  # name -> group of a double sort; a name without one is not there


def form(live: dict[Any, float], info: int, *, market: Market, config: BacktestConfig) -> Formation:
    """The formation of a day whose information day is `info`."""
    if info < 0:
        return Formation()
    candidates = _candidates(info, market=market, config=config)
    names = sorted(candidates & live.keys())
    seen = {s: market.seen(s, info, EXPOSURE_AGE) for s in market.styles}
    exposures = {s: _completed(values, names) for s, values in seen.items()}
    signal = {name: live[name] for name in names}
    if config.residualize != "off" and names:
        enough = [s for s in market.styles if sum(name not in seen[s] for name in names) <= len(names) / 2]
        industry = market.seen("industry_id", info, ATTRIBUTE_AGE)
        kept = {s: exposures[s] for s in enough}
        signal = residuals(signal, industry, styles=kept, kind=config.residualize)
    return Formation(
        signal=signal,
        candidates=len(candidates),
        exposures=exposures,
        sizes=market.seen("adv" if config.weight == "volume" else "mcap", info, ATTRIBUTE_AGE),
        info=info,
    )


def _candidates(info: int, *, market: Market, config: BacktestConfig) -> set[Any]:
    names = market.rows(info) - market.seen("delist_ret", info, SAME_DAY).keys()
    if config.universe == "flagged" or (config.universe is None and market.universe is not None):
        flags = market.seen("universe_flag", info, SAME_DAY)
        names = {n for n in names if flags.get(n) == 1}
    if config.min_adv is not None:
        adv = market.seen("adv", info, ATTRIBUTE_AGE)
        names = {n for n in names if n in adv and adv[n] >= config.min_adv}
    if config.min_price is not None:
        close = market.seen("close", info, ATTRIBUTE_AGE)
        names = {n for n in names if n in close and close[n] >= config.min_price}
    if config.caps is not None:
        cap = market.seen("cap", info, ATTRIBUTE_AGE)
        names = {n for n in names if cap.get(n) in config.caps}
    return names


def _completed(values: dict[Any, float], names: list[Any]) -> dict[Any, float]:
    """The exposure of every name, the mean of those that have one for the others; empty where none has one."""
    present = [values[n] for n in names if n in values]
    if not present:
        return {}
    mean = float(np.mean(present))
    return {n: values.get(n, mean) for n in names}


def residuals(
    signal: dict[Any, float], industry: dict[Any, float], *, styles: dict[str, dict[Any, float]], kind: str
) -> dict[Any, float]:
    """What least squares on explicit dummies and styles leaves of the signal, rounded."""
    y = np.array(list(signal.values()))
    if y.min() == y.max():
        return dict.fromkeys(signal, 0.0)
    label = [industry.get(n, "unknown") for n in signal]
    if kind == "factor":
        columns = [[1.0] * len(y)]
    else:
        columns = [[float(one == other) for other in label] for one in dict.fromkeys(label)]
    if kind != "industry":
        columns += [[style[n] for n in signal] for style in styles.values()]
    x = np.array(columns).T
    length = np.sqrt((x**2).sum(axis=0))
    x = x / np.where(length > 0, length, 1)
    fitted = x @ np.linalg.lstsq(x, y, rcond=1e-10)[0]
    unit = ROUNDING * y.std()
    return dict(zip(signal, (np.rint((y - fitted) / unit) * unit).tolist(), strict=True))


def target_book(formation: Formation, names: list[Any], *, config: BacktestConfig, mincos: int) -> Book:
    """The book of one formation day among `names` (eligible ones); empty where the day is flat."""
    signal = {n: formation.signal[n] for n in names}
    if not signal:
        return {}

    if formation.sort_group is None:
        short, long = _both_sides(signal, formation, config=config, least=mincos)
    else:
        short, long = _sides_within_groups(signal, formation, formation.sort_group, config=config)
    if len(long) < mincos or (len(short) < mincos and config.method == "long_short"):
        return {}
    book = _weights(long, formation, config=config)
    if config.method == "long_short":
        book |= {n: -w for n, w in _weights(short, formation, config=config).items()}
    return book


def _both_sides(
    signal: dict[Any, float], formation: Formation, *, config: BacktestConfig, least: int
) -> tuple[list[Any], list[Any]]:
    """The names of each side that count, ties at the ends used where fewer than `least` do."""

    def counted(side: list[Any]) -> list[Any]:
        return side if config.weight == "equal" else [n for n in side if formation.sizes.get(n, 0) > 0]

    short, long = _sides(signal, formation, config=config)
    if config.input_type == "value":
        short, long = (
            _or_ties(side, end, signal, enough=lambda s: len(counted(s)) >= least)
            for side, end in ((short, min(signal.values())), (long, max(signal.values())))
        )
    return counted(short), counted(long)


def _sides_within_groups(
    signal: dict[Any, float], formation: Formation, group_of: dict[Any, Any], *, config: BacktestConfig
) -> tuple[list[Any], list[Any]]:
    """The union of the sides of each group that has what the book needs of it: both sides, or a long one."""
    short: list[Any] = []
    long: list[Any] = []
    for group in {group_of[n] for n in signal if n in group_of}:
        of_group = {n: s for n, s in signal.items() if group_of.get(n) == group}
        low, high = _both_sides(of_group, formation, config=config, least=1)
        if high and (low or config.method == "long_only"):
            short, long = short + low, long + high
    return short, long


def _sides(signal: dict[Any, float], formation: Formation, *, config: BacktestConfig) -> tuple[list[Any], list[Any]]:
    if config.input_type == "value":
        percentile = dict(zip(signal, ranked_groups(list(signal.values()), 100), strict=True))
        low, high = config.fractile
        return [n for n in signal if percentile[n] <= low], [n for n in signal if percentile[n] > high]
    if config.input_type == "fractile":
        lowest, highest = min(formation.signal.values()), max(formation.signal.values())  # of the day, not the group
        if lowest == highest:
            return [], []
        return [n for n in signal if signal[n] == lowest], [n for n in signal if signal[n] == highest]
    return [n for n in signal if signal[n] < 0], [n for n in signal if signal[n] > 0]


def _or_ties(side: list[Any], end: float, signal: dict[Any, float], *, enough: Any) -> list[Any]:
    """The side, or the names tied at its end of the ranking where the side is too small and they are not too many."""
    if enough(side):
        return side
    ties = [n for n in signal if signal[n] == end]
    return ties if enough(ties) and 10 * len(ties) <= 4 * len(signal) else side


def ranked_groups(values: list[float], groups: int) -> list[int]:
    """ceil(groups * rank / n), from 1; average ranks are halves, so that whole numbers do it exactly."""
    twice_rank = [round(2 * r) for r in rankdata(values)]
    return [-(-groups * r // (2 * len(values))) for r in twice_rank]


def fractile_groups(signal: dict[Any, float], count: int) -> dict[int, list[Any]]:
    """Group (1 lowest) -> its names; groups that ties leave empty are left out."""
    groups: dict[int, list[Any]] = {}
    for name, group in zip(signal, ranked_groups(list(signal.values()), count), strict=True):
        groups.setdefault(group, []).append(name)
    return groups


def _weights(side: list[Any], formation: Formation, *, config: BacktestConfig) -> Book:
    """Positive weights of one side."""
    if not side:
        return {}
    if config.input_type == "weight":
        size = {n: abs(formation.signal[n]) for n in side}
        total = sum(size.values()) if config.rescale_weights else 1.0
        return {n: s / total for n, s in size.items()}
    if config.weight == "equal":
        return {n: 1 / len(side) for n in side}
    values = [formation.sizes[n] for n in side]
    low, high = np.quantile(values, [1 - config.upper_pct, config.upper_pct])
    clipped = np.clip(values, low, high)
    return dict(zip(side, (clipped / clipped.sum()).tolist(), strict=True))
