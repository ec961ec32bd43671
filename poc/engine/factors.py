"""Factor returns of the snapshot: the regression of a result on them, and the benchmark of a long-only book."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poc.data.panel import Panel
from poc.engine.config import BacktestConfig
from poc.errors import BacktestError
from poc.stats.newey_west import newey_west_lags

MODELS = {
    "market": ("mkt_rf",),
    "ff3": ("mkt_rf", "smb", "hml"),
    "ff5_mom": ("mkt_rf", "smb", "hml", "rmw", "cma", "umd"),
}
"""The market model; Fama and French (1993); Fama and French (2015) with the momentum factor of Carhart (1997)."""
OWN_SIZE_FACTOR = {"ff3": "smb_3f", "ff5_mom": "smb_5f"}
"""The two Fama-French models make their size factor differently; a snapshot may hold both."""


def factor_column(name: str, panel: Panel, needed_by: str) -> NDArray[np.float64]:
    """(T,) a column of the factors table by trading day, NaN where missing.

    Raises:
        BacktestError: the snapshot does not have it.
    """
    if name not in panel.factors:
        found = ", ".join(panel.factors) or "no such table"
        raise BacktestError(f"{needed_by} needs the column {name} of the factors table; the snapshot has {found}.")
    return panel.factors[name]


def factor_regression(days: pd.Series, ret: NDArray[Any], config: BacktestConfig, panel: Panel) -> pd.DataFrame | None:
    """What a daily gross return owes to factors, by least squares with HAC errors (Newey and West 1987).

    Args:
        days: (D,) days of the return.
        ret: (D,) daily returns. Those of a long-only book count less `rf`; a long-short book finances itself.

    Returns:
        A row a term, `alpha` first: `term, coefficient, std_error, t, p_value` (normal), and on every row `r_squared,
        num_days`. Alpha and its error are annual. None without a `factor_model`. Days without a factor are left out.

    Raises:
        BacktestError: the snapshot lacks a factor, or too few days have all of them.
    """
    if config.factor_model is None:
        return None
    from statsmodels.regression.linear_model import OLS

    at = np.searchsorted(panel.dates, days.to_numpy().astype("datetime64[D]"))
    needed_by = f"factor_model={config.factor_model!r}"
    own = OWN_SIZE_FACTOR.get(config.factor_model, "")
    terms = [own if name == "smb" and own in panel.factors else name for name in MODELS[config.factor_model]]
    x = np.column_stack([factor_column(name, panel, needed_by)[at] for name in terms])
    if config.method == "long_only":
        ret = ret - factor_column("rf", panel, f"{needed_by} of a long-only book")[at]
    defined = np.isfinite(x).all(axis=1) & np.isfinite(ret)
    count = int(defined.sum())
    if count < len(terms) + 3:
        raise BacktestError(f"{needed_by}: {count} days have a return and every factor; {len(terms) + 3} are needed.")
    design = np.column_stack([np.ones(count), x[defined]])
    lags = {"maxlags": newey_west_lags(count), "use_correction": False}
    fit = OLS(ret[defined], design).fit(cov_type="HAC", cov_kwds=lags)
    scale = np.append(panel.days_per_year, np.ones(len(terms)))
    return pd.DataFrame(
        {
            "term": ["alpha", *terms],
            "coefficient": fit.params * scale,
            "std_error": fit.bse * scale,
            "t": fit.tvalues,
            "p_value": fit.pvalues,
            "r_squared": fit.rsquared,
            "num_days": count,
        }
    )
