"""Synthetic markets with planted truth, of any kind, as arrays and as a snapshot.

Each day a name earns its share of the market, its industry and its styles, the premia of hidden characteristics, and
a shock of its own. The model is that of `poc.data.demo_market`, with the premia as arguments.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.signal import lfilter

from benchmarks.verdict.kinds import Kind
from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from poc.data.demo_market import is_small, slow_noise, standardize, trading_days

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

N_SECTORS, INDUSTRIES_PER_SECTOR = 8, 3
SLOW = 120.0
HIDDEN = {
    "alpha_0.3": SLOW,
    "alpha_0.7": SLOW,
    "alpha_1.5": SLOW,
    "alpha_2.5": SLOW,
    "small_caps": SLOW,
    "one_sector": SLOW,
    "lucky_year": SLOW,
    "fast": 0.0,
    "costly": 3.0,
    "value": 250.0,
    "yield": 250.0,
}
"""Half-life, in days, of each characteristic that is paid; 0: new every day. `value` and `yield` are known styles."""
PREMIA = (*HIDDEN, "momentum", "reversal", "lucky_name")
"""What a market can be made to pay, each a return a day: for one standard deviation, or to the one lucky name."""
STYLE_VOL = {"value": 0.0012, "yield": 0.0010, "momentum": 0.0020, "volatility": 0.0025, "size": 0.0015}
REGIME = 60
"""Trading days for which the lucky name rises before it falls for as long."""


@dataclass(frozen=True, kw_only=True)
class ZooMarket:
    """T days, N names. Arrays are (T, N) unless said, and hold values for unlisted names too.

    Attributes:
        dates: (T,) `datetime64[D]`.
        listed: the name trades on this day.
        delist_ret: (N,) earned on the first day without trading; NaN where the name stays to the end.
        industry: (N,) integers from 0.
        ret: returns as fractions.
        mcap, adv: dollars; vol: daily standard deviation.
        styles: published exposures by name, NaN for unlisted names.
        hidden: the characteristics that are paid, known at the close.
        paid: what earns each premium on the next day, known at the close.
        lucky_name: index of the name that earns the lucky premium; lucky_side: (T,) its sign on the next day.
    """

    kind: Kind
    seed: int
    dates: NDArray[np.datetime64]
    listed: Bools
    delist_ret: Floats
    industry: NDArray[np.int64]
    ret: Floats
    mcap: Floats
    adv: Floats
    vol: Floats
    styles: dict[str, Floats]
    hidden: dict[str, Floats]
    paid: dict[str, Floats]
    lucky_name: int
    lucky_side: Floats


def simulate(kind: Kind, seed: int, premia: dict[str, float]) -> ZooMarket:
    """A market of a kind. The same seed draws the same random numbers whatever the premia."""
    rng = np.random.Generator(np.random.PCG64(seed))
    dates = trading_days(kind.n_years)
    shape = (len(dates), kind.n_securities)
    listed, delist_ret = _lifetimes(rng, shape, kind)
    industry = np.arange(kind.n_securities) % (N_SECTORS * INDUSTRIES_PER_SECTOR)
    home = rng.normal(21.5, kind.size_spread, kind.n_securities)
    hidden = {
        name: slow_noise(rng, shape, life) if life else rng.standard_normal(shape) for name, life in HIDDEN.items()
    }
    typical_vol = 0.017 * np.exp(-0.15 * (home - 21.5) / kind.size_spread + rng.normal(0, 0.25, kind.n_securities))
    by_style = {name: vol * fat_tails(rng, (shape[0], 1), kind.tails) for name, vol in STYLE_VOL.items()}
    lucky_name = int(rng.choice(np.flatnonzero(listed.all(axis=0))))
    lucky_side = np.where((np.arange(1, shape[0] + 1) // REGIME + rng.integers(2)) % 2 == 0, 1.0, -1.0)

    where = _where_paid(rng, dates, industry, is_small(np.exp(home), np.ones(kind.n_securities, bool)))
    paid = {name: np.multiply(values, where.get(name, 1.0)) for name, values in hidden.items()}
    paid["lucky_name"] = np.zeros(shape)
    paid["lucky_name"][:, lucky_name] = lucky_side
    planted = np.zeros(shape)
    for name, values in paid.items():
        planted += premia[name] * _yesterday(values)
    planted += by_style["value"] * _yesterday(hidden["value"]) + by_style["yield"] * _yesterday(hidden["yield"])
    planted += by_style["volatility"] * zscore(np.log(typical_vol)) + by_style["size"] * zscore(home)
    exogenous = _shocks(rng, shape, kind, industry, typical_vol) + planted
    ret, log_price = _price_path(exogenous, listed, by_style["momentum"][:, 0] + premia["momentum"], premia["reversal"])

    log_mcap = home + log_price - lfilter([0.002], [1, -0.998], log_price, axis=0)  # buybacks and issues
    variance, _ = lfilter([0.03], [1, -0.97], ret**2, axis=0, zi=0.97 * (typical_vol**2 + 0.01**2)[None])
    exposures = {
        "size": log_mcap,
        "value": hidden["value"],
        "momentum": _past_year(log_price, listed),
        "volatility": np.log(variance) / 2,
        "yield": hidden["yield"],
    }
    styles = {name: zscore(np.where(listed, values, np.nan)) for name, values in exposures.items()}
    trading = np.exp(0.3 * slow_noise(rng, shape, 20) + rng.normal(0, 0.3, kind.n_securities))
    return ZooMarket(
        kind=kind,
        seed=seed,
        dates=dates,
        listed=listed,
        delist_ret=delist_ret,
        industry=industry,
        ret=ret,
        mcap=np.exp(log_mcap),
        adv=0.006 * np.exp(log_mcap) * trading,
        vol=np.sqrt(variance),
        styles=styles,
        hidden=hidden,
        paid=paid | {"momentum": styles["momentum"], "reversal": -zscore(_past_week(log_price, listed))},
        lucky_name=lucky_name,
        lucky_side=lucky_side,
    )


def open_snapshot(market: ZooMarket, root: Path) -> DataCatalog:
    """Write the market as a raw source, make a snapshot of it as a user would, and open it."""
    with tempfile.TemporaryDirectory() as source:
        for name, table in tables(market).items():
            table.write_parquet(Path(source) / f"{name}.parquet")
        create_snapshot_from_existing(source, "zoo", root, synthetic=True)
    return DataCatalog("zoo", root=root)


def tables(market: ZooMarket) -> dict[str, pl.DataFrame]:
    """`ret`, `risk` and `trading_date` in the form of a raw source: a row a name on each day on which it is listed."""
    listed = market.listed
    was_listed = _yesterday(listed).astype(bool)
    left = was_listed & ~listed
    ret = rows(
        market,
        listed | left,
        ret=np.where(listed & was_listed, market.ret, np.nan),
        vol=np.where(listed, market.vol, np.nan),
        adv=np.where(listed, market.adv, np.nan),
        delist_ret=np.where(left, market.delist_ret, np.nan),
    )
    groups = {"industry_id": 1 + market.industry, "sector_id": 1 + market.industry // INDUSTRIES_PER_SECTOR}
    risk = rows(market, listed, mcap=market.mcap, **groups, **market.styles)
    return {"ret": ret, "risk": risk, "trading_date": pl.DataFrame({"date": market.dates})}


def rows(market: ZooMarket, keep: Bools, **columns: NDArray[Any]) -> pl.DataFrame:
    """Long table of (T, N) or (N,) arrays: a row where `keep` is true; floats in single precision."""
    day, name = np.nonzero(keep)
    table: dict[str, NDArray[Any]] = {"security_id": 1001 + name, "date": market.dates[day]}
    for column, values in columns.items():
        cells = np.broadcast_to(values, keep.shape)[day, name]
        table[column] = cells.astype(np.float32) if cells.dtype == np.float64 else cells
    return pl.DataFrame(table, nan_to_null=True)


def fat_tails(rng: np.random.Generator, shape: tuple[int, ...], df: float) -> Floats:
    """Student t with `df` degrees of freedom, scaled to a standard deviation of 1."""
    shocks: Floats = rng.standard_t(df, shape) * np.sqrt((df - 2) / df)
    return shocks


def zscore(values: Floats) -> Floats:
    """Standardized over the last axis (names), NaN left out, clipped to +-4."""
    missing = np.isnan(values)
    if missing.all(axis=-1).any():
        values = np.where(missing.all(axis=-1, keepdims=True), 0.0, values)
    spread = np.maximum(np.nanstd(values, axis=-1, keepdims=True), 1e-12)
    scores = np.clip((values - np.nanmean(values, axis=-1, keepdims=True)) / spread, -4, 4)
    return np.where(missing, np.nan, scores)


def _yesterday(values: NDArray[Any]) -> Floats:
    before = np.zeros(values.shape)
    before[1:] = values[:-1]
    return before


def _where_paid(
    rng: np.random.Generator, dates: NDArray[np.datetime64], industry: NDArray[np.int64], small: Bools
) -> dict[str, NDArray[Any]]:
    """Masks, (N,) or (T, 1), of the names and days for which a characteristic is paid; all, where it has none."""
    year = dates.astype("datetime64[Y]")
    return {
        "small_caps": small,
        "one_sector": industry // INDUSTRIES_PER_SECTOR == rng.integers(N_SECTORS),
        "lucky_year": (year == rng.choice(np.unique(year)))[:, None],
    }


def _lifetimes(rng: np.random.Generator, shape: tuple[int, int], kind: Kind) -> tuple[Bools, Floats]:
    """Which names are listed on which day, and what holders get when one leaves: a takeover premium or a loss."""
    n_days, n = shape
    first = np.where(rng.random(n) < 0.75, 0, rng.integers(1, n_days, n))
    last = first + np.ceil(rng.exponential(n_days / kind.n_years / kind.leavers_a_year, n)).astype(int)
    day = np.arange(n_days)[:, None]
    takeover, failure = rng.uniform(0.0, 0.15, n), rng.uniform(-0.7, -0.1, n)
    paid = np.where(rng.random(n) < 0.6, takeover, failure)
    return (day >= first) & (day <= last), np.where(last < n_days - 1, paid, np.nan)


def _shocks(
    rng: np.random.Generator, shape: tuple[int, int], kind: Kind, industry: NDArray[np.int64], typical_vol: Floats
) -> Floats:
    """Returns from market and industry and each name's own shocks, with volatility that clusters."""
    n_days, n = shape
    nervous = np.exp(kind.clustering * slow_noise(rng, (n_days, 1), 40))
    market = 0.0003 + kind.market_vol * nervous * fat_tails(rng, (n_days, 1), kind.tails)
    sector_vol = 0.75 * kind.industry_vol * np.ones((n_days, N_SECTORS))
    sector_drift = np.zeros((n_days, N_SECTORS))
    for _ in range(rng.poisson(kind.crises_a_year * kind.n_years)):
        begin, sector = rng.integers(n_days), rng.integers(N_SECTORS)
        sector_vol[begin : begin + 25, sector] *= 3
        sector_drift[begin : begin + 25, sector] -= 0.01
    by_sector = sector_drift + sector_vol * nervous * fat_tails(rng, (n_days, N_SECTORS), kind.tails)
    by_industry = kind.industry_vol * nervous * fat_tails(rng, (n_days, N_SECTORS * INDUSTRIES_PER_SECTOR), kind.tails)
    by_industry += np.repeat(by_sector, INDUSTRIES_PER_SECTOR, axis=1)
    own_vol = typical_vol * np.sqrt(nervous) * np.exp(0.25 * slow_noise(rng, shape, 30))
    common: Floats = rng.normal(1, 0.3, n) * market + by_industry[:, industry]
    return common + own_vol * fat_tails(rng, shape, kind.tails)


def _price_path(exogenous: Floats, listed: Bools, momentum: Floats, reversal: float) -> tuple[Floats, Floats]:
    """Returns and log prices, day by day, since momentum and reversal are paid on returns that came before."""
    ret, log_price = np.zeros(exogenous.shape), np.zeros(exogenous.shape)
    for t in range(1, len(ret)):
        past_week = standardize(log_price[t - 1] - log_price[max(t - 6, 0)], listed[t - 1])
        today = exogenous[t] - reversal * np.nan_to_num(past_week)
        if t > 252:
            past_year = standardize(log_price[t - 22] - log_price[t - 253], listed[t - 1])
            today += momentum[t] * np.nan_to_num(past_year)
        ret[t] = np.clip(today, -0.9, 3.0)
        log_price[t] = log_price[t - 1] + np.log1p(ret[t])
    return ret, log_price


def _past_year(log_price: Floats, listed: Bools) -> Floats:
    """Log return of the past 252 days without the last 21; NaN for names that were not listed before them."""
    past = np.full(log_price.shape, np.nan)
    past[252:] = np.where(listed[:-252], log_price[231:-21] - log_price[:-252], np.nan)
    return past


def _past_week(log_price: Floats, listed: Bools) -> Floats:
    """Log return of the past 5 days; NaN for names that are not listed."""
    past = np.full(log_price.shape, np.nan)
    past[5:] = np.where(listed[5:], log_price[5:] - log_price[:-5], np.nan)
    return past
