"""The kinds of synthetic market that the verdict's error rates are measured on."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is true of all markets of a kind.

    Args:
        name: of the kind.
        n_years: calendar years.
        n_securities: names that are ever listed.
        n_markets: simulated for a full report.
        market_vol, industry_vol: daily standard deviation of what all names, or those of an industry, have in common.
        tails: degrees of freedom of the shocks' Student t distribution; the fewer, the heavier the tails.
        clustering: standard deviation of the logarithm of the market's slowly changing volatility.
        crises_a_year: crises in which one sector loses about a quarter within five weeks.
        leavers_a_year: share of the names that leave the market in a year.
        size_spread: standard deviation of the logarithm of market capitalisation.
        families: in each market, families of a hundred noise signals of which the best is judged.
    """

    name: str
    n_years: int
    n_securities: int
    n_markets: int
    market_vol: float = 0.008
    industry_vol: float = 0.004
    tails: float = 5
    clustering: float = 0.4
    crises_a_year: float = 0.0
    leavers_a_year: float = 0.03
    size_spread: float = 1.0
    families: int = 0


KINDS = {
    kind.name: kind
    for kind in (
        Kind(name="small 2y", n_years=2, n_securities=200, n_markets=16, market_vol=0.006, industry_vol=0.002),
        Kind(name="wide 2y", n_years=2, n_securities=2000, n_markets=3, market_vol=0.010, leavers_a_year=0.06),
        Kind(name="tried 3y", n_years=3, n_securities=200, n_markets=20, families=12),
        Kind(name="core 5y", n_years=5, n_securities=300, n_markets=24, leavers_a_year=0.06),
        Kind(name="crises 5y", n_years=5, n_securities=250, n_markets=24, crises_a_year=1.5, clustering=0.6, tails=4),
        Kind(name="leavers 5y", n_years=5, n_securities=500, n_markets=10, leavers_a_year=0.12, size_spread=1.4),
        Kind(name="broad 5y", n_years=5, n_securities=1000, n_markets=3, tails=3.5, leavers_a_year=0.06),
        Kind(name="calm 10y", n_years=10, n_securities=200, n_markets=24, clustering=0.2, tails=8),
        Kind(name="heavy 10y", n_years=10, n_securities=250, n_markets=20, tails=3.5, clustering=0.6,
             industry_vol=0.006, crises_a_year=0.5),
    )
}  # fmt: skip
"""By name; the shortest come first."""

PLACEBO = Kind(name="placebo 1y", n_years=1, n_securities=200, n_markets=1000)
"""Small markets, on which the p-value against placebos is calibrated."""
QUICK = Kind(name="quick 2y", n_years=2, n_securities=150, n_markets=1, families=1)
"""A market that is made and judged in seconds, for the smoke test."""
