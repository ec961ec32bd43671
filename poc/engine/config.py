"""BacktestConfig: everything that decides what a backtest computes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from poc.errors import ConfigError

ENGINE_VERSION = "1"
"""Changes whenever a change of code can change a number."""


@dataclass(frozen=True, kw_only=True)
class BacktestConfig:
    """One variant of a backtest. Frozen and hashable: it is the key of its own result.

    Args:
        lag: trading days by which the whole book is delayed; 0 trades as early as the signal allows.
        residualize: what is taken out of the signal each day: `off`, `industry`, `factor` (styles), `all`.
        tc_model: `naive` (basis points by cap bucket) or `power_law` (market impact).
        weight: `equal`, `value` (by mcap) or `volume` (by adv) within a side.
        fractile: percentiles; short at or below the first, long above the second.
        from_open: trade at the open (open to open returns) instead of the close.
        mincos: fewest names on each side, else the book is flat that day.
        universe: `flagged`, `all`, or None: flagged where the snapshot has a universe table.
        carry_days: trading days for which a row stays live; None: from the file's own frequency.
        holding_days: the book is the mean of the target books of this many days.
        rebalance: form target books `daily`, or on the first trading day of a week or month (`weekly`, `monthly`).
        double_sort: what names are grouped by before the signal is ranked within each group, and the number of groups:
            `("size", 5)`; None for groups that exist as they are: `("sector", None)`.
        slice_mincos: `mincos` within a group of a slice.
        upper_pct: quantile at which value and volume weights are clipped.
        tc_bps: naive cost of a trade in large, mid, small or unknown names, in basis points.
        tc_power: beta and alpha of the power law.
        gmv: dollars a side, for the power law.
        borrow_bps: basis points a year on the short side.
        min_adv: least average daily dollar volume of an eligible name.
        min_price: least close of an eligible name, in dollars.
        caps: cap buckets (1 large, 2 mid, 3 small) that are eligible; None: all, unknown ones too.
        slices: `overall`, and any of `year`, `cap`, `capyr`, `sector`, `industry`, `insample`, columns of the risk
            table, and names of the frames that `run_backtest` is given as `groups`.
        input_type: what the signal column holds: a `value` to rank, a `fractile` (the extremes are traded),
            a `position` (-1, 0, 1) or a `weight`.
        rescale_weights: for `input_type="weight"`: rescale each side to a sum of one, else take it as given.
        method: `long_short` or `long_only`.
        benchmark: column of the snapshot's factors table that the active return of `long_only` is measured against;
            None: the equal-weighted eligible names.
        factor_model: regress the daily return on factors of the snapshot: `market`, `ff3` (Fama-French) or `ff5_mom`.
        start: first date of returns, inclusive.
        end: last date of returns, inclusive.
        sample: `in` or `out` keep the days whose `insample` is 1 or 0.

    Raises:
        ConfigError: a value that is not allowed; the message names the field, the value and what is allowed.
    """

    lag: int = 0
    residualize: Literal["off", "industry", "factor", "all"] = "off"
    tc_model: Literal["naive", "power_law"] = "naive"
    weight: Literal["equal", "value", "volume"] = "equal"
    fractile: tuple[int, int] = (10, 90)
    from_open: bool = False
    mincos: int = 10
    universe: Literal["flagged", "all"] | None = None
    carry_days: int | None = None
    holding_days: int = 1
    rebalance: Literal["daily", "weekly", "monthly"] = "daily"
    double_sort: tuple[str, int | None] | None = None
    slice_mincos: int = 5
    upper_pct: float = 0.95
    tc_bps: tuple[float, float, float] = (2, 5, 10)
    tc_power: tuple[float, float] = (0.35, 0.4)
    gmv: float = 10e6
    borrow_bps: float = 0
    min_adv: float | None = None
    min_price: float | None = None
    caps: tuple[int, ...] | None = None
    slices: tuple[str, ...] = ("overall", "year", "cap")
    input_type: Literal["value", "fractile", "position", "weight"] = "value"
    rescale_weights: bool = True
    method: Literal["long_short", "long_only"] = "long_short"
    benchmark: str | None = None
    factor_model: Literal["market", "ff3", "ff5_mom"] | None = None
    start: date | None = None
    end: date | None = None
    sample: Literal["all", "in", "out"] = "all"

    def __post_init__(self) -> None:
        for name in ("fractile", "tc_bps", "tc_power", "slices", "caps", "double_sort"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("start", "end"):
            object.__setattr__(self, name, _as_date(name, getattr(self, name)))
        for name, allowed, is_allowed in _RULES:
            value = getattr(self, name)
            if not is_allowed(value):
                raise ConfigError(f"{name}={value!r} is not allowed; allowed: {allowed}.")
        self._check_together()

    def _check_together(self) -> None:
        if self.start and self.end and self.start > self.end:
            raise ConfigError(f"start={self.start} is after end={self.end}; allowed: start at or before end.")
        if self.benchmark is not None and self.method == "long_short":
            raise ConfigError(
                f"benchmark={self.benchmark!r} is not allowed with method='long_short'; allowed: None, because only a "
                "long-only book has an active return."
            )
        if self.input_type != "value" and self.double_sort is not None:
            raise ConfigError(
                f"double_sort={self.double_sort!r} is not allowed with input_type={self.input_type!r}; "
                "allowed: None, because only a value to rank can be ranked within groups."
            )
        if self.input_type != "value" and self.residualize != "off":
            raise ConfigError(
                f"residualize={self.residualize!r} is not allowed with input_type={self.input_type!r}; "
                "allowed: 'off', because only a value to rank can be residualized."
            )
        if self.input_type == "weight" and self.weight != "equal":
            raise ConfigError(
                f"weight={self.weight!r} is not allowed with input_type='weight'; allowed: 'equal' (not used), "
                "because the signal is the weight."
            )

    @property
    def key(self) -> str:
        """Readable label, unique among configurations: the four main fields, then whatever is not the default."""
        label = f"lag{self.lag}.{self.residualize}.{self.tc_model}.{self.weight}"
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _MAIN_FIELDS and value != field.default:
                label += f".{field.name}:{_as_label(value)}"
        return label


_MAIN_FIELDS = ("lag", "residualize", "tc_model", "weight")


def _as_label(value: Any) -> str:
    text = "/".join(str(v) for v in value) if isinstance(value, tuple) else str(value)
    return text.replace("+", "")  # 1e+16: a metric name allows no plus sign


def _as_date(name: str, value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{name}={value!r} is not allowed; allowed: a date such as '2015-12-31', or None.") from None


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -float("inf") < value < float("inf")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w-]+", value, re.ASCII) is not None


def _is_group_count(value: Any) -> bool:
    return value is None or (_is_int(value) and 2 <= value <= 100)


def _numbers(count: int, at_least: float = 0) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, tuple) and len(v) == count and all(_is_number(x) and x >= at_least for x in v)


def _one_of(*values: Any) -> tuple[str, Callable[[Any], bool]]:
    return ", ".join(repr(v) for v in values), lambda v: any(v is x or (type(v) is type(x) and v == x) for x in values)


_ZERO_OR_MORE = ("a whole number of 0 or more", lambda v: _is_int(v) and v >= 0)
_ONE_OR_MORE = ("a whole number of 1 or more", lambda v: _is_int(v) and v >= 1)
_POSITIVE_OR_NONE = ("a number above 0, or None", lambda v: v is None or (_is_number(v) and v > 0))
_DISTINCT_CAPS = (
    "None, or distinct buckets among 1, 2, 3",
    lambda v: v is None or (isinstance(v, tuple) and 0 < len(v) == len(set(v)) and set(v) <= {1, 2, 3}),
)
_DOUBLE_SORT = (
    "None, or a name and either None or a number of groups from 2 to 100, such as ('size', 5) or ('sector', None)",
    lambda v: v is None or (isinstance(v, tuple) and len(v) == 2 and _is_name(v[0]) and _is_group_count(v[1])),
)
_FRACTILE = (
    "two whole percentiles with 1 <= low <= 50 <= high <= 99",
    lambda v: isinstance(v, tuple) and len(v) == 2 and all(map(_is_int, v)) and 1 <= v[0] <= 50 <= v[1] <= 99,
)
_SLICES = (
    "distinct names of letters, digits, - and _ that begin with 'overall', such as ('overall', 'year', 'cap')",
    lambda v: isinstance(v, tuple) and v[:1] == ("overall",) and len(set(v)) == len(v) and all(map(_is_name, v)),
)
_RULES: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("lag", *_ZERO_OR_MORE),
    ("residualize", *_one_of("off", "industry", "factor", "all")),
    ("tc_model", *_one_of("naive", "power_law")),
    ("weight", *_one_of("equal", "value", "volume")),
    ("fractile", *_FRACTILE),
    ("from_open", *_one_of(True, False)),
    ("mincos", *_ONE_OR_MORE),
    ("universe", *_one_of(None, "flagged", "all")),
    ("carry_days", "a whole number of 1 or more, or None", lambda v: v is None or (_is_int(v) and v >= 1)),
    ("holding_days", *_ONE_OR_MORE),
    ("rebalance", *_one_of("daily", "weekly", "monthly")),
    ("double_sort", *_DOUBLE_SORT),
    ("slice_mincos", *_ONE_OR_MORE),
    ("upper_pct", "a number from 0.5 to 1", lambda v: _is_number(v) and 0.5 <= v <= 1),
    ("tc_bps", "three numbers of 0 or more: large, mid, small or unknown", _numbers(3)),
    ("tc_power", "two numbers of 0 or more: beta, alpha", _numbers(2)),
    ("gmv", "a number above 0", lambda v: _is_number(v) and v > 0),
    ("borrow_bps", "a number of 0 or more", lambda v: _is_number(v) and v >= 0),
    ("min_adv", *_POSITIVE_OR_NONE),
    ("min_price", *_POSITIVE_OR_NONE),
    ("caps", *_DISTINCT_CAPS),
    ("slices", *_SLICES),
    ("input_type", *_one_of("value", "fractile", "position", "weight")),
    ("rescale_weights", *_one_of(True, False)),
    ("method", *_one_of("long_short", "long_only")),
    ("benchmark", "None, or a name of letters, digits, - and _", lambda v: v is None or _is_name(v)),
    ("factor_model", *_one_of(None, "market", "ff3", "ff5_mom")),
    ("sample", *_one_of("all", "in", "out")),
)
