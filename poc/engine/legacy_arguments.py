"""What the arguments of the former engine may be; what `BacktestConfig` checks itself is left to it."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from poc.errors import ConfigError

FACTOR_MODELS = {"capm": "market", "ff3": "ff3", "ff5_mom": "ff5_mom"}
"""Our name of each factor model."""
BUCKETS = ("big", "median", "small")
FORMER_NAMES = {"tc_bps": "tc_level", "tc_power": "tc_value", "slices": "byvar_list", "residualize": "resid_style"}
"""The former name of each field of BacktestConfig that had another."""


def check_arguments(values: Mapping[str, Any]) -> None:
    """Check the arguments of `Backtest` by name.

    Raises:
        ConfigError: one is not allowed or cannot be honoured, or some do not go together; the message names them.
    """
    for name, allowed, is_allowed in _RULES:
        if not is_allowed(values[name]):
            raise ConfigError(f"{name}={_shown(values[name])} is not allowed; allowed: {allowed}.")
    if values["long_index"] is not None and values["method"] != "long_only":
        raise ConfigError("long_index goes together with method='long_only': a book without net exposure has no index.")
    if values["benchmark"] is not None and not values["beta"]:
        raise ConfigError("benchmark is what beta is measured against, and goes together with beta=True.")
    if (values["earnings_window"] is None) != (values["window_file"] is None):
        raise ConfigError("earnings_window, a number of days, and window_file, a DataFrame, go together: give both.")
    if (values["sort_method"] == "double") != (values["double_var"] is not None and values["double_frac"] is not None):
        raise ConfigError("sort_method='double' goes together with double_var and double_frac: give all or none.")


def _shown(value: Any) -> str:
    return "a DataFrame" if isinstance(value, pd.DataFrame) else repr(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)


def _one_of(*values: Any) -> tuple[str, Callable[[Any], bool]]:
    return " or ".join(repr(value) for value in values), lambda v: any(
        v is x or (isinstance(v, str) and v == x) for x in values
    )


def _is_frac(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return (
            list(value) == sorted(set(value)) and all(_is_number(p) and 0 < p < 100 for p in value) and len(value) > 0
        )
    return value is None or (type(value) is int and 2 <= value <= 100)


def _is_flag_or_frame(value: Any) -> bool:
    return isinstance(value, (bool, pd.DataFrame))


def _is_frame_or_none(value: Any) -> bool:
    return value is None or isinstance(value, pd.DataFrame)


_SERIES = ("long_index", "benchmark")
_FRAME = ("a pandas DataFrame", lambda v: isinstance(v, pd.DataFrame))
_FLAG = ("True or False", lambda v: isinstance(v, bool))
_RULES: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    *((name, *_FRAME) for name in ("infile", "retfile", "otherfile", "datefile")),
    *((name, "a pandas DataFrame with date and a return, or None", _is_frame_or_none) for name in _SERIES),
    ("ff_result", "True or False, or a DataFrame of factor returns", _is_flag_or_frame),
    ("ff_model", *_one_of(*FACTOR_MODELS)),
    ("sort_method", *_one_of("single", "double")),
    ("double_file", "a pandas DataFrame, or None", _is_frame_or_none),
    ("double_var", "the name of a column, or None", lambda v: v is None or isinstance(v, str)),
    ("double_frac", "a number of groups from 2 to 100, ascending percentiles such as [30, 70], or None", _is_frac),
    *((name, *_FLAG) for name in ("weight_adj", "resid", "beta", "verbose")),
    ("sigvar", "the name of a column of infile", lambda v: isinstance(v, str)),
    ("factor_list", "a list of columns of otherfile", _is_names),
    ("byvar_list", "a list of names that begins with 'overall'", _is_names),
    ("insample", *_one_of("all", "i1", "i2")),
    ("output", *_one_of("simple", "full")),
    ("fractile", "two percentiles such as [10, 90]", lambda v: isinstance(v, (list, tuple))),
    ("frac_stretch", "True, because a side that ties leave too small is always widened", lambda v: v is True),
    (
        "tc_level",
        "basis points for 'big', 'median' and 'small'",
        lambda v: isinstance(v, Mapping) and set(v) == set(BUCKETS),
    ),
    ("tc_value", "beta and alpha, such as [0.35, 0.4]", lambda v: isinstance(v, (list, tuple))),
    ("gmv", "millions of dollars, above 0", lambda v: _is_number(v) and v > 0),
    ("byvix", "False, a DataFrame with date and one column, or True with a column vix in datefile", _is_flag_or_frame),
    ("earnings_window", "a whole number of trading days, or None", lambda v: v is None or (type(v) is int and v >= 0)),
    ("window_file", "a pandas DataFrame, or None", _is_frame_or_none),
    ("resid_style", *_one_of("industry", "factor", "all")),
    ("resid_varlist", "a list of columns of otherfile, or None", lambda v: v is None or _is_names(v)),
)
