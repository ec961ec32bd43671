"""The zoo: signals on a synthetic market, each of a class whose truth is known because it was planted."""

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import polars as pl
from scipy.special import ndtri
from scipy.stats import rankdata

from benchmarks.verdict.market import SLOW, Bools, Floats, ZooMarket
from poc.baselines.library import BASELINE_REGISTRY
from poc.data.demo_market import slow_noise
from poc.data.panel import Panel

COVERAGE = 0.9
VIEW = 0.8
"""Correlation of a signal with the hidden characteristic that it is a noisy view of."""
CLONED = {"reversal_5d": 3.0, "momentum_12_1": 60.0, "value": 250.0}
"""Baselines that are cloned, and the half-life of the noise on top, about that of the baseline itself."""
BEFORE_CLOSE = 15.0
FAMILY_SIZE = 100


@dataclass(frozen=True, kw_only=True)
class ZooSignal:
    """A contract frame and what was planted in it.

    Attributes:
        zoo_class: as in `targets.CLASSES`.
        label: unique within a market.
        planted: the number that was planted: a rank correlation of a clone, an IC of a leak; NaN for others.
    """

    zoo_class: str
    label: str
    planted: float
    frame: pl.DataFrame


WORLDS = {
    "quiet": (),
    "alphas": ("alpha_0.3", "alpha_0.7", "alpha_1.5", "alpha_2.5"),
    "traps": ("small_caps", "one_sector", "lucky_year", "lucky_name", "fast", "costly", "yield"),
}
"""What markets pay for, beside the baselines. Each signal is judged where little is paid that it knows nothing of."""


def zoo(world: str, market: ZooMarket, panel: Panel) -> Iterator[ZooSignal]:
    """Every signal of a market, one at a time."""
    if world == "quiet":
        yield from nulls(market)
        yield from clones(market, panel)
        yield from leaks_alone(market)
    elif world == "alphas":
        yield from alphas(market)
        yield from leaks_on_top(market)
    else:
        yield from traps(market)


def family(market: ZooMarket, number: int) -> list[ZooSignal]:
    """A hundred signals that know nothing, tried by one author for one idea."""
    maker = _Maker(market)
    noise = partial(maker.noise, half_life=20)
    return [maker.signal("best of 100", f"family {number}, try {k}", noise) for k in range(FAMILY_SIZE)]


class _Maker:
    """Makes signals on one market; each has random numbers of its own, so that none depends on the others."""

    def __init__(self, market: ZooMarket) -> None:
        self.market, self.shape = market, market.ret.shape

    def rng(self, label: str) -> np.random.Generator:
        return np.random.default_rng([self.market.seed, zlib.crc32(label.encode())])

    def signal(
        self,
        zoo_class: str,
        label: str,
        values: Callable[[np.random.Generator], Floats],
        *,
        planted: float = math.nan,
        same_day: bool = False,
        among: Bools | None = None,
    ) -> ZooSignal:
        """A signal on nine names in ten of those in `among`, and on the lucky one; known on the next trading day before
        its open, or the same day in time for the close.
        """
        rng = self.rng(label)
        covered = np.asarray(rng.random(self.shape[1]) < COVERAGE)
        if among is not None:
            covered &= among
        covered[self.market.lucky_name] = True
        frame = _frame(self.market, values(rng), covered, same_day=same_day)
        return ZooSignal(zoo_class=zoo_class, label=label, planted=planted, frame=frame)

    def view(self, name: str, half_life: float = SLOW) -> Callable[[np.random.Generator], Floats]:
        """A noisy view of a hidden characteristic."""
        return lambda rng: mixed(self.market.hidden[name], self.noise(rng, half_life), VIEW)

    def noise(self, rng: np.random.Generator, half_life: float) -> Floats:
        return slow_noise(rng, self.shape, half_life) if half_life else rng.standard_normal(self.shape)


def mixed(truth: Floats, noise: Floats, correlation: float) -> Floats:
    """Both of standard deviation 1; the result too."""
    return correlation * truth + math.sqrt(1 - correlation**2) * noise


def pearson_of(spearman: float) -> float:
    """The correlation of two normal variables whose rank correlation is `spearman`: 2 sin(pi / 6 x)."""
    return 2 * math.sin(math.pi / 6 * spearman)


def normal_ranks(values: Floats) -> Floats:
    """Each day's ranks (last axis, NaN left out) as quantiles of a normal distribution."""
    counts = np.isfinite(values).sum(axis=-1, keepdims=True)
    scores: Floats = ndtri((rankdata(values, axis=-1, nan_policy="omit") - 0.5) / np.maximum(counts, 1))
    return scores


def rating(values: Floats) -> Floats:
    """1 to 5, cut at fixed quantiles of a normal distribution."""
    return 1.0 + np.digitize(values, ndtri(np.array([0.1, 0.3, 0.7, 0.9]))).astype(np.float64)


def nulls(market: ZooMarket) -> Iterator[ZooSignal]:
    """The signals that know nothing, three of each sort."""
    maker = _Maker(market)
    sorts = {f"null {life}d": partial(maker.noise, half_life=life) for life in (0, 5, 20, 60, 120, 250)}
    sorts |= {name: partial(make, maker) for name, make in NULLS.items()}
    for (name, values), number in product(sorts.items(), range(3)):
        yield maker.signal("null", f"{name}, {number}", values)


def _fixed(maker: _Maker, rng: np.random.Generator) -> Floats:
    return np.broadcast_to(rng.standard_normal(maker.shape[1]), maker.shape).copy()


def _noise_in_five(maker: _Maker, rng: np.random.Generator) -> Floats:
    return rating(maker.noise(rng, 60))


def _by_industry(maker: _Maker, rng: np.random.Generator) -> Floats:
    industry = maker.market.industry
    bet = slow_noise(rng, (maker.shape[0], int(industry.max()) + 1), 60)[:, industry]
    return mixed(bet, maker.noise(rng, 60), 0.7)


NULLS = {"null fixed": _fixed, "null rating": _noise_in_five, "null industries": _by_industry}


def alphas(market: ZooMarket) -> Iterator[ZooSignal]:
    """The signals that are paid for something real, slowly."""
    maker = _Maker(market)
    for sharpe in ("0.3", "0.7", "1.5", "2.5"):
        yield maker.signal(f"true {sharpe}", f"true {sharpe}", maker.view(f"alpha_{sharpe}"))
    yield maker.signal("rating", "rating", lambda rng: rating(maker.view("alpha_2.5")(rng)))


def traps(market: ZooMarket) -> Iterator[ZooSignal]:
    """The signals that are paid, but not for what one would pay for."""
    maker = _Maker(market)
    yield maker.signal("fast-dead", "fast-dead", maker.view("fast", 0), same_day=True)
    yield maker.signal("cost-eaten", "cost-eaten", maker.view("costly", 3))
    yield maker.signal("small caps only", "small caps only", maker.view("small_caps"))
    yield maker.signal("one sector", "one sector", maker.view("one_sector"))
    yield maker.signal("lucky year", "lucky year", maker.view("lucky_year"))
    yield maker.signal(
        "factor bet", "factor bet", lambda rng: mixed(market.hidden["yield"], maker.noise(rng, 250), 0.9)
    )

    def lucky_name(rng: np.random.Generator) -> Floats:
        values = maker.noise(rng, 60)
        values[:, market.lucky_name] = 10 * market.lucky_side
        return values

    yield maker.signal("lucky name", "lucky name", lucky_name)


def clones(market: ZooMarket, panel: Panel) -> Iterator[ZooSignal]:
    """Copies of a baseline under noise, and one with a little real alpha on top; each from a baseline of its own."""
    maker = _Maker(market)
    day = np.repeat(np.arange(panel.n_days), np.diff(panel.offsets))
    first = market.seed
    for k, zoo_class in enumerate(("clone 0.65-0.75", "clone 0.75-0.95", "clone 0.75-0.95", "baseline plus little")):
        name, half_life = list(CLONED.items())[(first + k) % len(CLONED)]
        grid = np.full(maker.shape, np.nan)
        grid[day, panel.securities[panel.security] - 1001] = BASELINE_REGISTRY[name].values(panel)
        baseline = normal_ranks(grid)
        label = f"{zoo_class}, {name}"
        if zoo_class.startswith("clone"):
            low, high = zoo_class.removeprefix("clone ").split("-")
            spearman = maker.rng(f"{label} correlation").uniform(float(low), float(high))
            yield maker.signal(zoo_class, label, partial(_copy, maker, baseline, spearman, half_life), planted=spearman)
        else:
            yield maker.signal(zoo_class, label, partial(_with_little, maker, baseline))


def _copy(maker: _Maker, baseline: Floats, spearman: float, half_life: float, rng: np.random.Generator) -> Floats:
    return mixed(baseline, maker.noise(rng, half_life), pearson_of(spearman))


def _with_little(maker: _Maker, baseline: Floats, rng: np.random.Generator) -> Floats:
    return baseline + 0.4 * maker.view("alpha_1.5")(rng)


def leaks_alone(market: ZooMarket) -> Iterator[ZooSignal]:
    """Noise and coming returns, with a rank correlation of 0.10 to 0.30 with the return of each day that is known."""
    maker = _Maker(market)
    ic = maker.rng("leaks").uniform(0.10, 0.30, 2)
    days = int(maker.rng("leaked days").choice([2, 5, 10]))
    for name, known, planted in (("next return", 1, ic[0]), ("date_avail", days, ic[1])):
        label = f"leak: {name}, {known} days"
        values = partial(_knowing, maker, known, planted)
        yield maker.signal(f"leak: {name}", label, values, planted=planted, same_day=True)


def leaks_on_top(market: ZooMarket) -> Iterator[ZooSignal]:
    """A real alpha that knows in addition the return before its entry, or which names will survive."""
    maker = _Maker(market)
    ic = float(maker.rng("leaks").uniform(0.10, 0.30))

    def with_return(rng: np.random.Generator) -> Floats:
        return mixed(normal_ranks(coming(market, 1)), maker.view("alpha_2.5")(rng), pearson_of(ic))

    yield maker.signal("leak: before entry", "leak: before entry", with_return, planted=ic)
    yield maker.signal("leak: survivors", "leak: survivors", maker.view("alpha_2.5"), among=market.listed[-1])


def coming(market: ZooMarket, days: int) -> Floats:
    """(T, N) sum of the returns of the next days; NaN where the name is not listed on all of them."""
    ret = np.where(market.listed, market.ret, np.nan)
    total = np.full(ret.shape, np.nan)
    total[:-days] = sum(ret[k : len(ret) - days + k] for k in range(1, days + 1))
    return total


def _knowing(maker: _Maker, days: int, ic: float, rng: np.random.Generator) -> Floats:
    noise = np.zeros(maker.shape)
    for shift in range(days):
        noise += np.roll(rng.standard_normal(maker.shape), shift, axis=0) / math.sqrt(days)
    return mixed(normal_ranks(coming(maker.market, days)), noise, min(pearson_of(ic) * math.sqrt(days), 0.98))


def _frame(market: ZooMarket, values: Floats, covered: Bools, *, same_day: bool) -> pl.DataFrame:
    day, name = np.nonzero((market.listed & covered & np.isfinite(values))[:-1])
    frame = pl.DataFrame(
        {
            "security_id": 1001 + name,
            "date_sig": market.dates[day],
            "date_avail": market.dates[day if same_day else day + 1],
            "signal": values[day, name],
        }
    )
    return frame.with_columns(avail_hour=pl.lit(BEFORE_CLOSE)) if same_day else frame
