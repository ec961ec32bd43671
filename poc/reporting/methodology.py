"""Where each term of a report is defined: the section of docs/methodology.md, as a link.

A report opens without a network. Its own list of terms explains each in a line; the link leads to the formula and its
source, for readers who are online.
"""

METHODOLOGY = "https://github.com/backtest-poc/backtest-poc/blob/main/docs/methodology.md"

SECTIONS: dict[str, tuple[str, ...]] = {
    "2-timeline": ("lag", "carry_days"),
    "4-residualization": ("residualize",),
    "5-from-signal-to-sides": ("tail_long", "tail_short"),
    "6-weights-and-holding": ("weight",),
    "7-returns": ("return_kind", "ret_ann", "resret_ann", "missing_return_share", "flat_days"),
    "8-turnover-and-cost": ("tc_model", "ret_net_ann", "turnover", "cost_ann", "cost_share", "holding"),
    "9-statistics": (
        "return_year", "return_sharpe", "ret_std", "sharpe", "sharpe_net", "sharpe_resret", "max_drawdown", "hit_rate",
        "skew", "worst_month", "beta", "num_days", "invested_share", "n_long", "n_short", "exposure", "style",
        "net_return_t",
    ),
    "10-slices": ("group",),
    "11-information-coefficient": ("ic_mean", "ic_std", "ic_t", "ic_hit_rate", "ic_ir", "ic_days"),
    "12-fractiles": ("fractile", "fractile_n", "monotonicity"),
    "13-attribution": ("largest_name_share", "largest_month_share", "largest_sector_share"),
    "14-comparison-with-baselines": (
        "name", "baseline", "signal_corr", "return_corr", "spanning_alpha_ann", "spanning_alpha_t",
        "style_residualized_sharpe_net", "without_small_caps_sharpe_net", "incremental_ic", "incremental_ic_t",
        "sharpe_difference", "sharpe_difference_low", "sharpe_difference_high", "sharpe_difference_p",
    ),
    "15-the-verdict": ("check", "state", "value", "threshold", "sentence"),
    "16-the-tables-of-a-result": ("status", "reason"),
    "21-inference": (
        "measure", "interval", "p_value", "sharpe_net_low", "net_return_p", "ic_p", "probabilistic_sharpe",
        "deflated_sharpe", "lucky_sharpe", "min_track_record", "n_trials", "author_runs", "unsealed", "run_id",
        "signal_hash", "why",
    ),
    "placebos": ("placebo_p", "placebo_count", "placebo_median", "placebo_best", "placebo_coverage"),
    "leak-probes": (
        "pre_entry_ic", "survivorship_p", "survivorship_rate", "same_day_share", "sharpe_lag0", "sharpe_lag1",
        "lag1_lost", "horizon", "horizon_mean", "horizon_t",
    ),
    "capacity": (
        "gmv", "gmv_half", "gmv_zero", "impact_as_is", "impact_doubled", "impact_halved", "break_even_bps",
        "cost_known_share", "days_to_trade_median", "days_to_trade_95", "adv_median", "mcap_median", "book_share",
        "borrow_bps",
    ),
    "stability": (
        "period", "sector", "contribution", "book_weight", "largest_day_share", "liquid_half_sharpe_net",
        "liquid_half_expected", "delist_ret",
    ),
    "coverage-and-persistence": (
        "names", "half_life", "rank_autocorrelation_1", "rank_autocorrelation_5", "rank_autocorrelation_21",
    ),
    "17-diagnostics": ("coverage", "coverage_min", "coverage_share", "rows", "ledger"),
}  # fmt: skip
"""Section to the terms that it defines."""


def links() -> dict[str, str]:
    """Term to the address of its definition."""
    return {key: f"{METHODOLOGY}#{section}" for section, keys in SECTIONS.items() for key in keys}
