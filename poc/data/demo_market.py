"""The synthetic market of the demo: what is true, known because it was made.

Each day a security earns its share of the market, its industry and four styles, a premium for three hidden
characteristics, and a shock of its own. Nothing here is estimated from, or meant to resemble, any real security.
The planted signals (`demo_signals.py`) are noisy observations of the hidden characteristics.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIRST_YEAR = 2010
N_SECTORS, INDUSTRIES_PER_SECTOR = 8, 3
STYLES = ("size", "value", "momentum", "volatility")
MARKET_PREMIUM = 0.0003
STYLE_PREMIUM = (0.0, 0.0002, 0.00008, -0.0001)  # a day, for one standard deviation of exposure
STYLE_VOLATILITY = (0.0015, 0.0012, 0.0020, 0.0025)
QUALITY_PREMIUM, QUALITY_VOLATILITY = 0.0005, 0.0020  # the slow alpha; its reward varies from day to day
NEWS_PREMIUM = 0.0010  # the fast alpha: one day, then gone
NEGLECT_PREMIUM = 0.0007  # paid by small caps only
REVERSAL_PREMIUM = 0.0006  # for one standard deviation of the past 5 days' return
BOOK_TO_MARKET = -0.7  # typical logarithm
HALF_LIFE = 120.0  # of the slow characteristics, in days
SHARE_LISTED_AT_START, DELISTINGS_A_YEAR, SHARE_TAKEN_OVER = 0.75, 0.03, 0.6


@dataclass(frozen=True, kw_only=True)
class DemoMarket:
    """T days, N securities. Arrays are (T, N) unless said, and hold values for unlisted names too.

    Attributes:
        seed: of all randomness.
        dates: (T,) trading days, `datetime64[D]`.
        security_id: (N,) integers.
        listed: the name trades on this day.
        delist_ret: (N,) earned on the first day without trading; NaN where the name stays to the end.
        sector_id, industry_id: (N,) integers from 1.
        ret, resret, openret: returns as fractions; resret is what market, industries and styles do not explain.
        close: adjusted price in dollars.
        mcap, adv: dollars.
        vol: standard deviation of daily returns, exponentially weighted.
        styles: exposures, standardized over the listed names of the day, known at the close.
        quality, news, neglect: the hidden characteristics, known at the close to nobody.
    """

    seed: int
    dates: NDArray[np.datetime64]
    security_id: NDArray[np.int64]
    listed: NDArray[np.bool_]
    delist_ret: Floats
    sector_id: NDArray[np.int64]
    industry_id: NDArray[np.int64]
    ret: Floats
    resret: Floats
    openret: Floats
    close: Floats
    mcap: Floats
    adv: Floats
    vol: Floats
    styles: dict[str, Floats]
    quality: Floats
    news: Floats
    neglect: Floats


def simulate_market(*, seed: int = 7, n_securities: int = 600, n_years: int = 10) -> DemoMarket:
    """Simulate day by day: the returns of a day depend only on what was true at the close before it."""
    rng = np.random.Generator(np.random.PCG64(seed))
    dates = trading_days(n_years)
    shape = (len(dates), n_securities)
    listed, delist_ret = _lifetimes(rng, shape, n_years)
    industry = np.arange(n_securities) % (N_SECTORS * INDUSTRIES_PER_SECTOR)
    quality, neglect = slow_noise(rng, shape, HALF_LIFE), slow_noise(rng, shape, HALF_LIFE)
    news = rng.standard_normal(shape)

    home_size = rng.normal(21.5, 1.0, n_securities)  # log of dollars: a median of about 2 billion
    typical_vol = 0.017 * np.exp(-0.15 * (home_size - 21.5) + rng.normal(0, 0.25, n_securities))
    common, own = _shocks(rng, shape, industry, typical_vol)
    style_return = np.array(STYLE_PREMIUM) + _fat_tails(rng, (len(dates), len(STYLES))) * STYLE_VOLATILITY
    quality_return = QUALITY_PREMIUM + QUALITY_VOLATILITY * rng.standard_normal(len(dates))

    log_mcap, log_book = home_size.copy(), home_size + rng.normal(BOOK_TO_MARKET, 0.5, n_securities)
    variance = typical_vol**2 + 0.01**2
    ret, resret, log_price, mcap, vol = (np.zeros(shape) for _ in range(5))
    styles = np.zeros((len(dates), len(STYLES), n_securities))
    for t in range(len(dates)):
        if t > 0:
            past_week = standardize(log_price[t - 1] - log_price[max(t - 6, 0)], listed[t - 1])
            resret[t] = own[t] + quality_return[t] * quality[t - 1] + NEWS_PREMIUM * news[t - 1]
            resret[t] += NEGLECT_PREMIUM * neglect[t - 1] * is_small(mcap[t - 1], listed[t - 1])
            resret[t] -= REVERSAL_PREMIUM * np.nan_to_num(past_week)
            by_style = (np.nan_to_num(styles[t - 1]) * style_return[t][:, None]).sum(axis=0)
            ret[t] = np.maximum(common[t] + by_style + resret[t], -0.9)
            log_price[t] = log_price[t - 1] + np.log1p(ret[t])
            variance += 0.03 * (ret[t] ** 2 - variance)
            too_large = log_mcap - log_mcap.mean() - (home_size - home_size.mean())
            log_mcap += np.log1p(ret[t]) - 0.002 * too_large  # buybacks and issues of shares
            log_book += 0.004 * (log_mcap + BOOK_TO_MARKET - log_book)
        mcap[t], vol[t] = np.exp(log_mcap), np.sqrt(variance)
        styles[t] = _exposures(log_mcap, log_book, vol[t], _past_year(log_price, listed, t), listed[t])
    trading = np.exp(0.3 * slow_noise(rng, shape, 20) + rng.normal(0, 0.3, n_securities))
    return DemoMarket(
        seed=seed,
        dates=dates,
        security_id=1001 + np.arange(n_securities),
        listed=listed,
        delist_ret=delist_ret,
        sector_id=1 + industry // INDUSTRIES_PER_SECTOR,
        industry_id=1 + industry,
        ret=ret,
        resret=resret,
        openret=_open_to_open(rng, ret, vol, listed),
        close=np.exp(rng.normal(3.7, 0.5, n_securities) + log_price),
        mcap=mcap,
        adv=0.006 * mcap * trading,
        vol=vol,
        styles={name: styles[:, k] for k, name in enumerate(STYLES)},
        quality=quality,
        news=news,
        neglect=neglect,
    )


def trading_days(n_years: int) -> NDArray[np.datetime64]:
    """Weekdays of full calendar years from 2010, without eight holidays like those of the United States."""
    years = [str(year) for year in range(FIRST_YEAR, FIRST_YEAR + n_years)]
    holidays = [np.datetime64(f"{year}-{day}") for year in years for day in ("01-01", "07-04", "12-25")]
    for month, week, weekday in (
        ("01", 2, "Mon"),
        ("02", 2, "Mon"),
        ("06", -1, "Mon"),
        ("09", 0, "Mon"),
        ("11", 3, "Thu"),
    ):
        firsts = np.array([f"{year}-{month}-01" for year in years], dtype="datetime64[D]")
        holidays += list(np.busday_offset(firsts, week, roll="forward", weekmask=weekday))
    days = np.arange(f"{FIRST_YEAR}-01-01", f"{FIRST_YEAR + n_years}-01-01", dtype="datetime64[D]")
    return days[np.is_busday(days, holidays=holidays)]


def slow_noise(rng: np.random.Generator, shape: tuple[int, int], half_life: float) -> Floats:
    """(T, N) first-order autoregressive noise of mean 0 and standard deviation 1; half-life in days."""
    keep = 0.5 ** (1 / half_life)
    noise = rng.standard_normal(shape)
    for t in range(1, shape[0]):
        noise[t] = keep * noise[t - 1] + math.sqrt(1 - keep**2) * noise[t]
    return noise


def standardize(values: Floats, among: NDArray[np.bool_]) -> Floats:
    """(N,) z-scores over the names in `among`, clipped to +-4; NaN for all others."""
    scores = np.full(len(values), np.nan)
    if among.any():
        spread = max(float(values[among].std()), 1e-12)
        scores[among] = np.clip((values[among] - values[among].mean()) / spread, -4, 4)
    return scores


def is_small(mcap: Floats, listed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) listed, and not among the largest names that hold 90% of the listed capitalisation."""
    mcap = np.where(listed, mcap, 0.0)
    order = np.argsort(-mcap, kind="stable")
    larger = np.zeros(len(mcap))
    larger[order] = np.cumsum(mcap[order]) - mcap[order]
    small: NDArray[np.bool_] = listed & (larger >= 0.9 * mcap.sum())
    return small


def _exposures(log_mcap: Floats, log_book: Floats, vol: Floats, past_year: Floats, listed: NDArray[np.bool_]) -> Floats:
    """(4, N) styles in the order of STYLES; NaN for names that are not listed, and where there is no past year."""
    exposures = (log_mcap, log_book - log_mcap, past_year, np.log(vol))
    return np.array([standardize(values, listed & np.isfinite(values)) for values in exposures])


def _past_year(log_price: Floats, listed: NDArray[np.bool_], t: int) -> Floats:
    """(N,) log return of the past 252 days without the last 21; NaN for names that were not listed before them."""
    if t < 252:
        return np.full(log_price.shape[1], np.nan)
    return np.where(listed[t - 252], log_price[t - 21] - log_price[t - 252], np.nan)


def _lifetimes(rng: np.random.Generator, shape: tuple[int, int], n_years: int) -> tuple[NDArray[np.bool_], Floats]:
    """Which names are listed on which day, and what holders get when one leaves: a takeover premium or a loss."""
    n_days, n = shape
    from_start = rng.random(n) < SHARE_LISTED_AT_START
    first = np.where(from_start, 0, rng.integers(1, n_days, n))
    last = first + np.ceil(rng.exponential(n_days / n_years / DELISTINGS_A_YEAR, n)).astype(int)
    day = np.arange(n_days)[:, None]
    takeover, failure = rng.uniform(0.0, 0.15, n), rng.uniform(-0.7, -0.1, n)
    paid = np.where(rng.random(n) < SHARE_TAKEN_OVER, takeover, failure)
    return (day >= first) & (day <= last), np.where(last < n_days - 1, paid, np.nan)


def _shocks(
    rng: np.random.Generator, shape: tuple[int, int], industry: NDArray[np.int64], typical_vol: Floats
) -> tuple[Floats, Floats]:
    """(T, N) returns from market and industry, and each name's own shocks, with volatility that clusters."""
    n_days, n = shape
    nervous = np.exp(0.4 * slow_noise(rng, (n_days, 1), 40))
    market = MARKET_PREMIUM + 0.008 * nervous * _fat_tails(rng, (n_days, 1))
    by_sector = 0.003 * nervous * _fat_tails(rng, (n_days, N_SECTORS))
    by_industry = 0.004 * nervous * _fat_tails(rng, (n_days, N_SECTORS * INDUSTRIES_PER_SECTOR))
    by_industry += np.repeat(by_sector, INDUSTRIES_PER_SECTOR, axis=1)
    beta = rng.normal(1, 0.3, n)
    own_vol = typical_vol * np.sqrt(nervous) * np.exp(0.25 * slow_noise(rng, shape, 30))
    return beta * market + by_industry[:, industry], own_vol * _fat_tails(rng, shape)


def _fat_tails(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Student t with 5 degrees of freedom, scaled to a standard deviation of 1."""
    return rng.standard_t(5, shape) * math.sqrt(3 / 5)


def _open_to_open(rng: np.random.Generator, ret: Floats, vol: Floats, listed: NDArray[np.bool_]) -> Floats:
    """Return from the open of a day to the next open; on a name's last day to its close.

    Close to close is overnight, then intraday: 1 + ret = (1 + overnight)(1 + intraday).
    """
    overnight: Floats = np.maximum(0.3 * ret + 0.4 * vol * rng.standard_normal(ret.shape), -0.9)
    intraday = (1 + ret) / (1 + overnight) - 1
    next_overnight = np.zeros(ret.shape)
    next_overnight[:-1] = np.where(listed[1:], overnight[1:], 0.0)
    return (1 + intraday) * (1 + next_overnight) - 1
