"""Least squares on factors, from the normal equations, with the errors of Newey and West, a product at a time."""

from math import floor

import numpy as np
import pandas as pd
from scipy.stats import norm

from poc.errors import BacktestError
from tests.reference.run import Run

FACTORS = {
    "market": ["mkt_rf"],
    "ff3": ["mkt_rf", "smb", "hml"],
    "ff5_mom": ["mkt_rf", "smb", "hml", "rmw", "cma", "umd"],
}


def factor_regression(run: Run, days: pd.DataFrame) -> pd.DataFrame | None:
    if run.config.factor_model is None:
        return None
    if run.market.factors is None:
        raise BacktestError("no factors table")
    names = _factor_names(run.config.factor_model, run.market.factors)
    free = ["rf"] if run.config.method == "long_only" else []
    if not {*names, *free} <= set(run.market.factors.columns):
        raise BacktestError("no such factor")
    known = run.market.factors[names + free].dropna()
    y, x = [], []
    for _, day in days.iterrows():
        if day["date"] in known.index:
            factors = known.loc[day["date"]].to_dict()
            y.append(day["ret"] - sum(factors[name] for name in free))
            x.append([1.0, *(factors[name] for name in names)])
    if len(y) < len(names) + 3:
        raise BacktestError("too few days")
    return _least_squares(np.array(y), np.array(x), ["alpha", *names], year=run.market.days_per_year)


def _factor_names(model: str, factors: pd.DataFrame) -> list[str]:
    """The model's factors; its own size factor where there is one."""
    own = {"ff3": "smb_3f", "ff5_mom": "smb_5f"}.get(model)
    return [str(own) if name == "smb" and own in factors else name for name in FACTORS[model]]


def _least_squares(y: np.ndarray, x: np.ndarray, terms: list[str], *, year: int) -> pd.DataFrame:
    inverse = np.linalg.inv(x.T @ x)
    coefficients = inverse @ x.T @ y
    errors = y - x @ coefficients
    lags = floor(4 * (len(y) / 100) ** (2 / 9))
    middle = np.zeros((len(terms), len(terms)))
    for s in range(len(y)):
        for t in range(len(y)):
            if abs(s - t) <= lags:
                middle += (1 - abs(s - t) / (lags + 1)) * errors[s] * errors[t] * np.outer(x[s], x[t])
    deviations = np.sqrt(np.diag(inverse @ middle @ inverse))
    t = coefficients / deviations
    scale = np.array([year] + [1] * (len(terms) - 1))
    return pd.DataFrame(
        {
            "term": terms,
            "coefficient": coefficients * scale,
            "std_error": deviations * scale,
            "t": t,
            "p_value": 2 * norm.sf(np.abs(t)),
            "r_squared": 1 - (errors**2).sum() / ((y - y.mean()) ** 2).sum(),
            "num_days": len(y),
        }
    )
