"""What every number of a report is called, how it is written, and what it means in one line.

The full definitions, with formulas and sources, are in docs/methodology.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

NO_NUMBER = "n/a"


@dataclass(frozen=True)
class Term:
    """A quantity or a word of the report.

    Attributes:
        label: as shown at the head of a column or a row, with its unit.
        meaning: one sentence.
        write: the number as text; None for words.
    """

    label: str
    meaning: str
    write: Callable[[Any], str] | None = None


def percent(value: float) -> str:
    """A fraction as a percentage with one digit; two where it is below 1%."""
    return f"{value:.1%}" if abs(value) >= 0.01 or value == 0 else f"{value:.2%}"


def number(value: float) -> str:
    """Two digits after the point."""
    return f"{value:.2f}"


def fine(value: float) -> str:
    """Four digits after the point, for coefficients near 0."""
    return f"{value:.4f}"


def significant(value: float) -> str:
    """Two digits after the point, none for a whole number, three significant ones for a small number."""
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.3g}"


def count(value: float) -> str:
    """A whole number, with thousands separated; one digit after the point for a small mean."""
    return f"{value:,.0f}" if abs(value) >= 10 or value == round(value) else f"{value:.1f}"


def dollars(value: float) -> str:
    """Dollars with three significant digits at most, in thousands (K), millions (M), billions (B) or trillions (T)."""
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= 0.9995 * unit:
            return f"${value / unit:.3g}{name}" if value < 1000 * unit else f"${value / unit:,.0f}{name}"
    return f"${value:.0f}"


def day(value: Any) -> str:
    """A date as YYYY-MM-DD."""
    return str(pd.Timestamp(value).date())


def written(value: Any, write: Callable[[Any], str] | None = None) -> str:
    """The text of a value, with a true minus sign; `n/a` for a missing number."""
    if pd.isna(value):
        return NO_NUMBER
    if write is None:
        return str(value)
    text = write(float(value))
    return text.replace("-", "\N{MINUS SIGN}") if any(digit in text for digit in "123456789") else text.lstrip("-")


TERMS: dict[str, Term] = {
    # A variant.
    "name": Term("Signal", "The signal of this report, or a baseline that was run beside it."),
    "lag": Term("Lag, days", "Trading days by which the whole book is delayed; 0 trades as early as possible.", count),
    "residualize": Term(
        "Residualize", "What is taken out of the signal each day: nothing (off), industry, styles (factor), or all."
    ),
    "tc_model": Term("Cost model", "naive: basis points by size bucket. power_law: market impact by trade and volume."),
    "weight": Term("Weight", "How a side of the book is weighted: equally, by capitalisation or by dollar volume."),
    "status": Term("Status", "ok, or failed with the reason beside it; a failed variant is never left out."),
    "reason": Term("Reason", "Why the variant failed."),
    # Returns.
    "return_kind": Term("Return", "Before cost (gross), after cost (net), or what the risk model leaves (residual)."),
    "return_year": Term("A year", "Mean daily return, times the days of a year; not compounded.", percent),
    "return_sharpe": Term("Sharpe", "Return a year divided by its volatility a year.", number),
    "ret_ann": Term("Gross return, a year", "Mean daily return before costs, times the days of a year.", percent),
    "ret_net_ann": Term("Net return, a year", "Gross return less trading cost and borrow fee.", percent),
    "ret_std": Term("Volatility, a year", "Standard deviation of daily gross returns, annualised.", percent),
    "sharpe": Term("Gross Sharpe", "Gross return a year divided by its volatility a year.", number),
    "sharpe_net": Term("Net Sharpe", "Net return a year divided by its volatility a year.", number),
    "resret_ann": Term("Residual return, a year", "Return on residual returns: what the risk model leaves.", percent),
    "sharpe_resret": Term("Residual Sharpe", "Residual return a year divided by its volatility a year.", number),
    "max_drawdown": Term("Max drawdown", "Deepest fall of cumulative net return below its peak so far.", percent),
    "hit_rate": Term("Days up", "Share of days with a positive net return.", percent),
    "skew": Term("Skew", "Asymmetry of daily net returns; negative means large losses outweigh large gains.", number),
    "worst_month": Term("Worst month", "Smallest sum of net returns over a calendar month.", percent),
    "beta": Term("Beta", "Slope of daily gross return on the equal-weighted return of the eligible names.", number),
    # Book.
    "group": Term("Group", "A calendar year, or the names of one value of an attribute, ranked among themselves."),
    "num_days": Term("Days", "Trading days from the first to the last invested day.", count),
    "invested_share": Term("Invested", "Share of the days on which there is a book.", percent),
    "n_long": Term("Names long", "Mean number of names held long.", count),
    "n_short": Term("Names short", "Mean number of names held short.", count),
    "turnover": Term("Turnover, a day", "One-way share of the book that is traded on an average day.", percent),
    "cost_ann": Term("Cost, a year", "Gross return less net return: trading cost and borrow fee.", percent),
    "cost_share": Term("Cost share of gross", "How much of the gross return trading cost and borrow fee eat.", percent),
    "holding": Term("Holding period, days", "1 divided by turnover: how long a position stays on average.", number),
    "missing_return_share": Term(
        "Missing returns", "Share of the book, by weight, that had no return on the day and earned 0.", percent
    ),
    "flat_days": Term("Flat days", "Days between the first and last invested day without a book.", count),
    "tail_long": Term("Tail held long", "Share of the ranked names that the long side really holds.", percent),
    "tail_short": Term("Tail held short", "Share of the ranked names that the short side really holds.", percent),
    "carry_days": Term("Carry, days", "Trading days for which a signal row stays live if none replaces it.", count),
    "coverage": Term("Coverage", "Names with a live signal that can be traded.", count),
    "coverage_min": Term("Coverage, fewest", "Names on the day with the fewest.", count),
    "coverage_share": Term("Coverage share", "Share of the tradable names that have a live signal.", percent),
    "gmv": Term("Book, a side", "Dollars on each side of the book.", dollars),
    "gmv_half": Term(
        "Half of net return left",
        "Book a side at which impact takes half of a small book's net return.",
        dollars,
    ),
    "gmv_zero": Term("No net return left", "Book a side at which market impact takes all net return.", dollars),
    "impact_halved": Term("Impact halved", "With half the coefficient of the power law.", dollars),
    "impact_as_is": Term("Power law", "With the coefficient of the power law as configured.", dollars),
    "impact_doubled": Term("Impact doubled", "With twice the coefficient of the power law.", dollars),
    "break_even_bps": Term(
        "Break-even cost, bp", "Cost of every trade, one way, in basis points, at which net return is zero.", number
    ),
    "cost_known_share": Term(
        "Trades with known impact", "Share of what is traded whose volatility and dollar volume are known.", percent
    ),
    "days_to_trade_median": Term(
        "Days to trade, median", "Days to trade a position at 10% of the name's daily dollar volume.", fine
    ),
    "days_to_trade_95": Term("Days to trade, 95%", "95% of the positions take at most as many days to trade.", fine),
    "adv_median": Term("Daily volume, median", "Median average daily dollar volume of the names held.", dollars),
    "mcap_median": Term("Capitalisation, median", "Median market capitalisation of the names held.", dollars),
    "book_share": Term("Share of the book", "Share of the book by absolute weight, mean over the period.", percent),
    "borrow_bps": Term("Borrow fee, bp a year", "Fee on the short side, in place of the configured one.", count),
    # Stability.
    "period": Term("Part", "Days of the series of the base variant."),
    "sector": Term("Sector", "As the snapshot numbers or names it."),
    "contribution": Term("Net contribution", "Sum over the period of what its names added to the net return.", percent),
    "book_weight": Term("Weight and tail", "How a side is weighted, against the percent of names on each side."),
    "largest_day_share": Term("Largest day", "Largest share of total net return that one day earned.", percent),
    "liquid_half_sharpe_net": Term(
        "Net Sharpe, liquid half", "Net Sharpe of the same signal among the more liquid half of its names.", number
    ),
    "liquid_half_expected": Term(
        "Benchmark for the liquid half", "0.75 x the root of half's share of the names x net Sharpe of all.", number
    ),
    "delist_ret": Term("Assumed delisting return", "Earned where a name's rows end without a known one.", percent),
    # Coverage.
    "names": Term("Names a day, mean", "Mean number of names with a live signal.", count),
    "rank_autocorrelation_1": Term(
        "Rank autocorrelation, 1 day", "Mean rank correlation of the signal with itself a day later.", number
    ),
    "rank_autocorrelation_5": Term(
        "Rank autocorrelation, 5 days", "Mean rank correlation of the signal with itself 5 days later.", number
    ),
    "rank_autocorrelation_21": Term(
        "Rank autocorrelation, 21 days",
        "Mean rank correlation of the signal with itself 21 days later.",
        number,
    ),
    "half_life": Term("Half-life, days", "Trading days until the rank autocorrelation is one half.", number),
    # Uniqueness.
    "baseline": Term("Baseline", "A well-known signal that was run in the same way on the same data."),
    "signal_corr": Term("Signal correlation", "Mean daily rank correlation of the two signals.", number),
    "return_corr": Term("Return correlation", "Correlation of the daily gross returns of the two books.", number),
    "style": Term("Style", "A risk factor that many portfolios share, such as size or momentum."),
    "exposure": Term("Mean exposure", "Weighted z-score of the book on a style, mean over days; 0 is neutral.", number),
    # Information coefficient and fractiles.
    "ic_mean": Term("Mean IC", "Mean daily rank correlation of signal and the first holding day's return.", fine),
    "ic_std": Term("IC deviation", "Standard deviation of the daily information coefficients.", fine),
    "ic_t": Term(
        "IC t-statistic", "Mean IC over its Newey-West standard error; above 2 is unlikely by chance.", number
    ),
    "ic_hit_rate": Term("IC above 0", "Share of days on which the information coefficient is positive.", percent),
    "ic_ir": Term("IC ratio", "Mean IC divided by its standard deviation, per day.", number),
    "ic_days": Term("IC days", "Days on which the information coefficient is defined.", count),
    "fractile": Term("Fractile", "Equal groups of names by signal each day; 1 holds the lowest signals.", count),
    "fractile_n": Term("Names a day", "Mean number of names in the group.", count),
    "monotonicity": Term("Monotonicity", "Rank correlation of fractile and its return; 1 rises step by step.", number),
    # Ledger.
    "rows": Term("Rows", "Rows of the signal file; every row is counted once.", count),
    "ledger": Term("Row ledger", "Where every row of the signal file went: used, or dropped with the reason."),
    # Verdict.
    "check": Term("Check", "One question that the verdict asks."),
    "state": Term("State", "Pass, concern, fail, not applicable, or not run; what did not run never counts as passed."),
    "value": Term("Number", "What was measured.", significant),
    "threshold": Term("Threshold", "What the number is compared with.", significant),
    "sentence": Term("In words", "What the check says, in one sentence."),
    "largest_name_share": Term("Largest name", "Largest share of total net return that one name earned.", percent),
    "largest_month_share": Term("Largest month", "Largest share of total net return that one month earned.", percent),
    "largest_sector_share": Term("Largest sector", "Largest share of total net return one sector earned.", percent),
    "net_return_t": Term("t of net return", "Mean net return over its Newey-West standard error.", number),
    # Inference.
    "measure": Term("Measure", "What was measured on the base variant."),
    "interval": Term(
        "95% interval", "Where the true number is, in 19 of 20 cases; studentized block bootstrap.", number
    ),
    "p_value": Term("p", "How often chance alone gives as much, in either direction; block bootstrap.", significant),
    "sharpe_net_low": Term("The 95% interval of net Sharpe", "Lower end of the interval of the net Sharpe.", number),
    "net_return_p": Term("p of net return", "Bootstrap p-value that the true mean net return is 0.", significant),
    "ic_p": Term("p of IC", "Bootstrap p-value that the true mean IC is 0.", significant),
    "probabilistic_sharpe": Term(
        "Probabilistic Sharpe", "Probability that the true net Sharpe is above 0, if nothing else was tried.", percent
    ),
    "deflated_sharpe": Term(
        "Deflated Sharpe", "Probability that the true net Sharpe is above 0, after allowing for all tries.", percent
    ),
    "lucky_sharpe": Term("Sharpe of luck", "Net Sharpe that the best of as many tries without value shows.", number),
    "min_track_record": Term(
        "Min track record, years",
        "Years of such returns until the true net Sharpe is above 0 with 95% probability.",
        number,
    ),
    "n_trials": Term("Tries", "The judged variants and the earlier tries at this idea.", count),
    "author_runs": Term("Author's earlier runs", "Runs of the author before this one, on any signal.", count),
    "unsealed": Term("Times unsealed", "How often a sealed holdout of this family was looked at before.", count),
    "run_id": Term("Run", "Id of the logged run."),
    "signal_hash": Term("Signal hash", "Which signal it was."),
    "why": Term("Counts by", "family: declared, or of the same name. returns: correlated with those of this signal."),
    "spanning_alpha_ann": Term(
        "Spanning alpha, a year", "Return left after regression on the baselines' returns.", percent
    ),
    "incremental_ic": Term("Incremental IC", "Mean IC of what the baselines' ranks leave of the signal's ranks.", fine),
    "incremental_ic_t": Term("t of incremental IC", "Incremental IC over its Newey-West standard error.", number),
    "sharpe_difference": Term("Net Sharpe difference", "Of the signal less the baseline, on common days.", number),
    "sharpe_difference_low": Term("95% from", "Lower end of the bootstrap interval of the difference.", number),
    "sharpe_difference_high": Term("95% to", "Upper end of the bootstrap interval of the difference.", number),
    "sharpe_difference_p": Term("p of difference", "Two-sided bootstrap p-value that there is no difference.", fine),
    "spanning_alpha_t": Term("t of spanning alpha", "Spanning alpha over its Newey-West standard error.", number),
    "style_residualized_sharpe_net": Term(
        "Net Sharpe without styles", "Net Sharpe when the signal is residualized on the styles.", number
    ),
    "without_small_caps_sharpe_net": Term(
        "Net Sharpe without small caps", "Net Sharpe when small caps are not eligible and names are re-ranked.", number
    ),
    # Luck and leaks.
    "pre_entry_ic": Term("IC before entry", "Rank correlation with the returns between date_sig and entry.", fine),
    "survivorship_p": Term(
        "p of survivorship probe", "Log-rank p that covered and uncovered names leave the data alike.", fine
    ),
    "survivorship_rate": Term(
        "Rate of leaving", "Of covered names, as a multiple of that of uncovered ones; far below 1 is a leak.", number
    ),
    "same_day_share": Term("Known the same day", "Share of rows whose date_avail is their date_sig.", percent),
    "sharpe_lag0": Term("Net Sharpe at lag 0", "Trading as early as the rows allow.", number),
    "sharpe_lag1": Term("Net Sharpe at lag 1", "Trading a day later; a leak is usually gone by then.", number),
    "lag1_lost": Term("Lost by waiting a day", "Share of the net Sharpe that lag 1 does not keep.", percent),
    "horizon": Term("Day", "1 is the first holding day, 0 the last return complete at entry.", count),
    "horizon_mean": Term(
        "IC of the day", "Mean rank correlation of the signal with the return of that day alone.", fine
    ),
    "horizon_t": Term("t", "Mean IC over its Newey-West standard error.", number),
    "placebo_p": Term("p against placebos", "Share of placebos at least as good, the signal counted as one.", fine),
    "placebo_count": Term("Placebos", "The signal's values handed to other names: they know nothing.", count),
    "placebo_median": Term("Median placebo, net Sharpe", "Half of the placebos that are invested are better.", number),
    "placebo_best": Term("Best placebo, net Sharpe", "What chance alone reaches in so many tries.", number),
    "placebo_coverage": Term("Values kept", "Share of the values that fall on names that can be traded.", percent),
}
