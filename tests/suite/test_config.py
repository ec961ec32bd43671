import pytest

from poc.engine.config import BacktestConfig
from poc.errors import ConfigError
from poc.suite.config import FULL_SUITE, QUICK_SUITE, STANDARD_SUITE, SUITES, SuiteConfig


def test_the_standard_suite_is_the_judged_set() -> None:
    grid = [(v.lag, v.residualize, v.tc_model, v.slices) for v in STANDARD_SUITE.variants()]
    slices = ("overall", "year", "cap")
    assert grid == [(lag, how, "naive", slices) for how in ("off", "industry") for lag in (0, 1, 2)]


def test_the_presets_have_the_sizes_that_they_promise() -> None:
    assert {name: len(suite.variants()) for name, suite in SUITES.items()} == {"quick": 2, "standard": 6, "full": 40}
    assert QUICK_SUITE.baselines == ()
    assert len(STANDARD_SUITE.baselines) == 3
    assert len(FULL_SUITE.baselines) == 6


def test_variants_share_the_other_fields_of_the_base() -> None:
    suite = SuiteConfig(name="mine", base=BacktestConfig(lag=7, gmv=1e8), tc_models=("power_law",), lags=(1,))
    assert {(v.lag, v.tc_model, v.gmv) for v in suite.variants()} == {(1, "power_law", 1e8)}
    assert suite.base_variant() == BacktestConfig(tc_model="power_law", gmv=1e8)


@pytest.mark.parametrize(
    ("axis", "values", "message"),
    [
        ("lags", (), "lags=.* one or more distinct values"),
        ("lags", (0, 0), "lags=.* one or more distinct values"),
        ("lags", (-1,), "lag=-1 is not allowed"),
        ("residualize", ("moon",), "residualize='moon' is not allowed"),
        ("tc_models", ("free",), "tc_model='free' is not allowed"),
    ],
)
def test_a_bad_axis_is_refused_when_the_suite_is_made(axis: str, values: tuple[object, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SuiteConfig(name="mine", **{axis: values})  # type: ignore[arg-type]  # what is tested
