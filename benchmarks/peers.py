"""The same one variant in two other packages, warm. Runs in the peers' environment; `run.py` starts it.

The job that all can do: rank a daily signal, hold the outer deciles with equal weights for a day, and report returns of
the deciles, the rank IC and the turnover (alphalens) or the returns of the book after costs (vectorbt).
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import alphalens
import numpy as np
import pandas as pd
import vectorbt


def seconds(job: Callable[[], Any]) -> float:
    """Of the faster of two runs."""
    times = []
    for _ in range(2):
        begin = time.perf_counter()
        job()
        times.append(time.perf_counter() - begin)
    return min(times)


def load(root: Path) -> tuple[pd.Series, pd.Series]:
    """Signal by the day on which it trades, and returns, both by (date, asset)."""
    ret = pd.read_parquet(root / "snapshots" / "bench-M" / "ret.parquet", columns=["date", "security_id", "ret"])
    signal = pd.read_parquet(root / "signal-M.parquet")
    signal = signal.rename(columns={"date_avail": "date", "security_id": "asset"}).assign(
        date=lambda f: pd.to_datetime(f["date"])
    )
    ret = ret.rename(columns={"security_id": "asset"}).assign(date=lambda f: pd.to_datetime(f["date"]))
    return signal.set_index(["date", "asset"])["signal"], ret.set_index(["date", "asset"])["ret"]


def alphalens_job(signal: pd.Series, forward: pd.DataFrame) -> None:
    """Deciles, their returns, IC and turnover."""
    data = alphalens.utils.get_clean_factor(signal, forward, quantiles=10, max_loss=1.0)
    alphalens.performance.mean_return_by_quantile(data, by_date=True)
    alphalens.performance.factor_information_coefficient(data)
    for quantile in (1, 10):
        alphalens.performance.quantile_turnover(data["factor_quantile"], quantile)


def vectorbt_job(signal: pd.DataFrame, close: pd.DataFrame) -> None:
    """Rank, weigh the outer deciles, and trade to the weights every day."""
    rank = signal.rank(axis=1, pct=True).to_numpy()
    long, short = rank > 0.9, rank <= 0.1
    weights = long / np.maximum(long.sum(axis=1, keepdims=True), 1) - short / np.maximum(
        short.sum(axis=1, keepdims=True), 1
    )
    vectorbt.Portfolio.from_orders(
        close, size=weights, size_type="targetpercent", group_by=True, cash_sharing=True, fees=5e-4, freq="1D"
    ).returns()


def main(root: Path) -> dict[str, float]:
    """Seconds by package, after the data are laid out as each wants them."""
    signal, ret = load(root)
    forward = ret.groupby(level="asset").shift(-1).to_frame("1D")
    forward.index.names = ["date", "asset"]
    result = {"alphalens": seconds(lambda: alphalens_job(signal, forward))}
    wide = ret.unstack()
    close = 100 * (1 + wide.fillna(0)).cumprod()
    signal_wide = signal.unstack().reindex(index=close.index, columns=close.columns)
    return result | {"vectorbt": seconds(lambda: vectorbt_job(signal_wide, close))}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(main(Path(sys.argv[1]))))
