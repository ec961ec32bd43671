"""Compare the engine's portfolios with published factors, and put the table into validation.md.

Needs the folder of real market data in POC_REAL_DATA. `--check` changes nothing and fails where the page differs.
"""

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from poc import BASELINE_REGISTRY, BacktestConfig, DataCatalog, create_snapshot_from_existing, run_backtest
from poc.baselines.library import generate_reversal_signal

PAGE = Path(__file__).with_name("validation.md")
DECILES, THIRDS = (10, 90), (30, 70)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One portfolio of ours, the published series it should follow, and the least correlation that we accept."""

    ours: str
    published: str
    signal: str
    config: BacktestConfig
    at_least: float | None = None


def comparison(  # noqa: PLR0913 - one row of a table
    ours: str, published: str, signal: str, *, weight: str = "value", fractile: tuple[int, int] = DECILES,
    universe: str = "all", at_least: float | None = None,
) -> Comparison:  # fmt: skip
    """A ranked long-short portfolio at the close, without slices."""
    config = BacktestConfig(weight=weight, fractile=fractile, universe=universe, slices=("overall",))  # type: ignore[arg-type]  # checked by BacktestConfig
    return Comparison(ours=ours, published=published, signal=signal, config=config, at_least=at_least)


def market(universe: str, weight: str) -> BacktestConfig:
    """Every name with a weight, long only; the signal is the weight."""
    return BacktestConfig(input_type=weight, method="long_only", universe=universe, slices=("overall",))  # type: ignore[arg-type]  # checked by BacktestConfig


COMPARISONS = (
    Comparison(ours="market, weighted by capitalisation", published="mkt", signal="mcap",
               config=market("all", "weight"), at_least=0.99),
    Comparison(ours="market, equal weights", published="mkt", signal="one", config=market("all", "position")),
    comparison("momentum_12_1, deciles by capitalisation", "umd", "momentum_12_1", at_least=0.85),
    comparison("the same, index members only", "umd", "momentum_12_1", universe="flagged", at_least=0.85),
    comparison("momentum_12_1, deciles, equal weights", "umd", "momentum_12_1", weight="equal"),
    comparison("momentum_12_1, deciles by capitalisation", "decile 10 - 1", "momentum_12_1"),
    comparison("reversal_21d, deciles, equal weights", "st_rev", "reversal", weight="equal"),
    comparison("value, 30/70 by capitalisation", "hml", "value", fractile=THIRDS),
    comparison("size, 30/70, equal weights", "smb", "size", weight="equal", fractile=THIRDS),
)  # fmt: skip


def signals(catalog: DataCatalog) -> dict[str, pd.DataFrame]:
    """The contract frames that the comparisons name."""
    size = BASELINE_REGISTRY["size"].generate(catalog)
    return {
        "mcap": size.assign(signal=np.exp(-size["signal"])),
        "one": generate_reversal_signal(catalog, days=1).assign(signal=1.0),
        "momentum_12_1": BASELINE_REGISTRY["momentum_12_1"].generate(catalog),
        "reversal": generate_reversal_signal(catalog, days=21),
        "value": BASELINE_REGISTRY["value"].generate(catalog),
        "size": size,
    }


def published(folder: Path) -> pd.DataFrame:
    """Daily factor returns by name, fractions."""
    factors = pl.read_parquet(folder / "factors_daily.parquet").to_pandas().set_index("date")
    deciles = pl.read_parquet(folder / "portfolios_momentum_10_daily.parquet").to_pandas().set_index("date")
    return pd.DataFrame(
        {
            "mkt": factors["mkt_rf"] + factors["rf"],
            "umd": factors["umd"],
            "decile 10 - 1": deciles["mom_decile_10"] - deciles["mom_decile_1"],
            "st_rev": factors["st_rev"],
            "hml": factors["hml"],
            "smb": factors["smb_3f"],
        }
    )


def table(source: Path) -> str:
    """The table of validation.md; exits where a correlation is lower than it must be."""
    lines = [
        "| our portfolio | published | correlation | at least | days | ours, a year | published, a year |",
        "|---|---|---|---|---|---|---|",
    ]
    factors = published(source / "fama_french")
    with tempfile.TemporaryDirectory() as root:
        create_snapshot_from_existing(source, "validation", root)
        catalog = DataCatalog("validation", root=root)
        frames = signals(catalog)
        for row in COMPARISONS:
            result = run_backtest(frames[row.signal], row.config, catalog)
            ours = result.daily_series.set_index("date")["ret"]
            both = pd.concat([ours, factors[row.published]], axis=1, join="inner").dropna()
            correlation = np.corrcoef(both.to_numpy().T)[0, 1]
            if row.at_least is not None and correlation < row.at_least:
                sys.exit(f"{row.ours} correlates with {row.published} at {correlation:.3f}, not {row.at_least}.")
            least = "" if row.at_least is None else f"{row.at_least:.2f}"
            means = " | ".join(f"{mean:.1%}" for mean in both.mean() * 252)
            lines.append(f"| {row.ours} | {row.published} | {correlation:.3f} | {least} | {len(both):,} | {means} |")
    return "\n".join(lines)


def main() -> None:
    """Remake the table, or check it."""
    source = os.environ.get("POC_REAL_DATA")
    if not source:
        sys.exit("Set POC_REAL_DATA to the folder of real market data (layout: docs/data.md).")
    page = PAGE.read_text(encoding="utf-8")
    block = f"<!-- table -->\n{table(Path(source))}\n<!-- /table -->"
    remade = re.sub(r"<!-- table -->.*<!-- /table -->", lambda _: block, page, flags=re.S)
    if "--check" in sys.argv and remade != page:
        sys.exit(f"{PAGE.name} is not what the engine gives now; run python docs/validate.py.\n{block}")
    PAGE.write_text(remade, encoding="utf-8")


if __name__ == "__main__":
    main()
