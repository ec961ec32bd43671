import copy
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.engine.config import BacktestConfig
from poc.errors import ConfigError

BAD_VALUES: list[tuple[str, Any]] = [
    ("lag", -1),
    ("lag", True),
    ("lag", 1.0),
    ("residualize", "sector"),
    ("tc_model", None),
    ("weight", "cap"),
    ("fractile", (10, 101)),
    ("fractile", (60, 90)),
    ("fractile", 10),
    ("fractile", (10.5, 90)),
    ("from_open", 1),
    ("mincos", 0),
    ("universe", "sp500"),
    ("carry_days", 0),
    ("holding_days", 0),
    ("rebalance", "yearly"),
    ("double_sort", "size"),
    ("double_sort", ("size", 1)),
    ("double_sort", ("size", 2.0)),
    ("double_sort", (5, "size")),
    ("slice_mincos", 0),
    ("upper_pct", 0.4),
    ("upper_pct", 95),
    ("tc_bps", (2, 5)),
    ("tc_bps", (2, 5, -1)),
    ("tc_power", (0.35, float("nan"))),
    ("gmv", 0),
    ("borrow_bps", -1),
    ("min_adv", 0),
    ("min_price", float("inf")),
    ("caps", ()),
    ("caps", (1, 1)),
    ("caps", (4,)),
    ("slices", ("year",)),
    ("slices", ("overall", "")),
    ("slices", ("overall", "a/b")),
    ("slices", ("overall", 2)),
    ("input_type", "rank"),
    ("rescale_weights", None),
    ("method", "short_only"),
    ("benchmark", ""),
    ("benchmark", 500),
    ("factor_model", "capm"),
    ("start", "31/12/2015"),
    ("end", 20151231.5),
    ("sample", "both"),
]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_a_bad_value_is_refused_with_the_field_the_value_and_what_is_allowed(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}=.*not allowed; allowed: \S") as error:
        BacktestConfig(**{name: value})
    assert repr(value) in str(error.value)


def test_every_field_has_a_bad_value_that_is_refused() -> None:
    assert {name for name, _ in BAD_VALUES} == {field.name for field in fields(BacktestConfig)}


def test_fields_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="start=2015-01-02 is after end=2015-01-01"):
        BacktestConfig(start="2015-01-02", end="2015-01-01")  # type: ignore[arg-type]  # text is converted
    with pytest.raises(ConfigError, match="only a value to rank can be residualized"):
        BacktestConfig(input_type="position", residualize="industry")
    with pytest.raises(ConfigError, match="only a long-only book has an active return"):
        BacktestConfig(benchmark="index")
    with pytest.raises(ConfigError, match="only a value to rank can be ranked within groups"):
        BacktestConfig(input_type="position", double_sort=("size", 5))
    with pytest.raises(ConfigError, match="the signal is the weight"):
        BacktestConfig(input_type="weight", weight="value")


def test_lists_and_text_dates_become_the_same_configuration() -> None:
    given_loosely = BacktestConfig(fractile=[5, 95], start="2015-01-02")  # type: ignore[arg-type]  # what is tested
    assert given_loosely == BacktestConfig(fractile=(5, 95), start=date(2015, 1, 2))
    assert hash(given_loosely) == hash(BacktestConfig(fractile=(5, 95), start=date(2015, 1, 2)))


def test_the_key_shows_the_main_fields_and_whatever_is_not_the_default() -> None:
    assert BacktestConfig().key == "lag0.off.naive.equal"
    config = BacktestConfig(lag=2, residualize="industry", fractile=(5, 95), start=date(2015, 1, 2), gmv=1e16)
    assert config.key == "lag2.industry.naive.equal.fractile:5/95.gmv:1e16.start:2015-01-02"


OTHER_VALUES: dict[str, Any] = {
    "lag": 3, "residualize": "all", "tc_model": "power_law", "weight": "volume", "fractile": (20, 80),
    "from_open": True, "mincos": 7, "universe": "all", "carry_days": 21, "holding_days": 5, "rebalance": "weekly",
    "double_sort": ("size", 5), "slice_mincos": 4, "upper_pct": 0.9, "tc_bps": (1, 2, 3), "tc_power": (0.3, 0.5),
    "gmv": 1e8, "borrow_bps": 30, "min_adv": 1e6, "min_price": 5, "caps": (1,), "slices": ("overall",),
    "rescale_weights": False, "method": "long_only", "start": date(2012, 1, 1), "end": date(2012, 1, 1),
    "sample": "in", "factor_model": "ff3",
}  # fmt: skip


@given(st.sets(st.sampled_from(sorted(OTHER_VALUES))), st.sets(st.sampled_from(sorted(OTHER_VALUES))))
def test_two_configurations_have_the_same_key_only_if_they_are_equal(left: set[str], right: set[str]) -> None:
    a = BacktestConfig(**{name: OTHER_VALUES[name] for name in left})
    b = BacktestConfig(**{name: OTHER_VALUES[name] for name in right})
    assert (a.key == b.key) == (a == b)


def test_the_benchmark_is_part_of_the_key() -> None:
    config = BacktestConfig(method="long_only", benchmark="index")
    assert config.key == "lag0.off.naive.equal.method:long_only.benchmark:index"


def test_a_configuration_is_frozen_and_a_copy_is_equal() -> None:
    config = BacktestConfig(lag=1)
    with pytest.raises(AttributeError):
        config.lag = 2  # type: ignore[misc]  # what is tested
    assert copy.deepcopy(config) == config
    assert replace(config, lag=0) == BacktestConfig()
