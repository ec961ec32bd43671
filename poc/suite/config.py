"""SuiteConfig: which variants a suite runs, and the presets."""

from dataclasses import dataclass, field, replace

from poc.engine.config import BacktestConfig
from poc.errors import ConfigError

JUDGED_LAGS = (0, 1, 2)
JUDGED_RESIDUALIZE = ("off", "industry")


@dataclass(frozen=True, kw_only=True)
class SuiteConfig:
    """A grid of variants around one base configuration, and the baselines run beside it.

    Args:
        name: shown in the report.
        base: the configuration whose other fields all variants share.
        lags, residualize, tc_models: the axes of the grid.
        baselines: names in `BASELINE_REGISTRY`.
        placebos: signals that know nothing, run beside the base variant; 0 leaves them out.
        report_evidence: gather what the report shows and the verdict does not need: capacity, stability, coverage.
    """

    name: str
    base: BacktestConfig = field(default_factory=BacktestConfig)
    lags: tuple[int, ...] = JUDGED_LAGS
    residualize: tuple[str, ...] = JUDGED_RESIDUALIZE
    tc_models: tuple[str, ...] = ("naive",)
    baselines: tuple[str, ...] = ("reversal_5d", "momentum_12_1", "value")
    placebos: int = 200
    report_evidence: bool = True

    def __post_init__(self) -> None:
        for axis in ("lags", "residualize", "tc_models"):
            values = getattr(self, axis)
            if not values or len(set(values)) != len(values):
                raise ConfigError(f"{axis}={values!r} is not allowed; allowed: one or more distinct values.")
        if self.placebos < 0:
            raise ConfigError(f"placebos={self.placebos!r} is not allowed; allowed: a whole number from 0.")
        self.variants()  # refuses a bad value on an axis now, not in the middle of a run

    def base_variant(self) -> BacktestConfig:
        """The variant that is judged: lag 0, not residualized, under the first cost model."""
        return replace(self.base, lag=0, residualize="off", tc_model=self.tc_models[0])  # type: ignore[arg-type]  # checked by BacktestConfig

    def variants(self) -> tuple[BacktestConfig, ...]:
        """Every configuration of the grid, in a fixed order."""
        return tuple(
            replace(self.base, lag=lag, residualize=residualize, tc_model=tc_model)  # type: ignore[arg-type]  # checked by BacktestConfig
            for tc_model in self.tc_models
            for residualize in self.residualize
            for lag in self.lags
        )


STANDARD_SUITE = SuiteConfig(name="standard")
QUICK_SUITE = SuiteConfig(
    name="quick", lags=(0, 1), residualize=("off",), baselines=(), placebos=0, report_evidence=False
)
FULL_SUITE = SuiteConfig(
    name="full",
    lags=(0, 1, 2, 3, 5),
    residualize=("off", "industry", "factor", "all"),
    tc_models=("naive", "power_law"),
    baselines=("reversal_5d", "momentum_12_1", "value", "low_volatility", "size", "liquidity"),
)
SUITES = {suite.name: suite for suite in (QUICK_SUITE, STANDARD_SUITE, FULL_SUITE)}
