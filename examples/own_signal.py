"""A signal of your own, from an idea to a verdict: `.venv/bin/python examples/own_signal.py`.

The idea: a stock that stands close to its high of the past year tends to go on rising (George and Hwang 2004, "The
52-week high and momentum investing", Journal of Finance 59). It is tested on the synthetic market of the demo, which
is made in the workspace if it is not there.
"""

from datetime import datetime

import pandas as pd

from poc import DataCatalog
from poc.data.catalog import default_workspace
from poc.data.demo import create_demo_snapshot
from poc.evaluate import RunRequest, evaluate_frame


def near_high(catalog: DataCatalog) -> pd.DataFrame:
    """Close over its highest close of the past 252 trading days, as a contract frame."""
    close = catalog.get_retfile().pivot(index="date", columns="security_id", values="close")
    nearness = close / close.rolling(252, min_periods=200).max()
    signal = nearness.melt(value_name="signal", ignore_index=False).dropna().reset_index(names="date_sig")
    # The close of a day is known after that close, so the signal is available on the next trading day.
    next_day = pd.Series(close.index[1:], index=close.index[:-1])
    signal["date_avail"] = signal["date_sig"].map(next_day)
    return signal.dropna(subset="date_avail")


def main() -> None:
    """Make the signal, run the standard suite on it, and say what came out."""
    workspace = default_workspace()
    create_demo_snapshot(workspace / "snapshots")
    signal = near_high(DataCatalog("demo", root=workspace / "snapshots"))
    request = RunRequest(snapshot_id="demo", author="example", name="near_high", family="momentum")
    evaluation = evaluate_frame(signal, request, workspace=workspace, now=datetime.now().astimezone())
    print(f"{evaluation.verdict.color}: {evaluation.paths['tearsheet']}")


if __name__ == "__main__":
    main()
