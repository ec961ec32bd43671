"""Frames as the notebooks of the former engine have them, on a market without gaps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from poc.engine.legacy import gen_date_trading

FACTORS = ("size", "momentum")


@dataclass(frozen=True)
class Frames:
    """The frames that a notebook has."""

    infile: pd.DataFrame
    retfile: pd.DataFrame
    otherfile: pd.DataFrame
    datefile: pd.DataFrame


def gapless_frames() -> Frames:
    """Sixty names on every one of 50 days, around a new year; what is traded at and with is always the same."""
    rng = np.random.default_rng(7)
    days = pd.bdate_range("2021-11-22", periods=50)
    ids = np.arange(60) * 7 % 61 + 1000
    keys = pd.DataFrame([(s, d) for d in days for s in ids], columns=["security_id", "date"])
    n, number = len(keys), keys["security_id"].to_numpy() - 1000
    retfile = keys.assign(
        **{name: 0.02 * rng.standard_normal(n) for name in ("ret", "resret", "openret", "resopenret")},
        vol=0.01 + number / 5000,
        adv=1e6 * (1 + number),
        close=1.0,
    )
    otherfile = keys.assign(
        industry_id=1 + number % 5,
        cap=1 + number % 3,
        mcap=1e8 * (1 + number),
        **{name: rng.standard_normal(n) for name in (*FACTORS, "value")},
    )
    turn = number // 3 + rng.integers(0, 100, len(days)).repeat(len(ids))
    signal = keys.assign(
        date_sig=keys["date"],
        date_avail=keys["date"] + pd.Timedelta(days=1),
        alpha=rng.standard_normal(n),
        rounded=rng.standard_normal(n).round(1),
        group=1 + turn % 4,
        position=turn % 3 - 1,
    )
    datefile = pd.DataFrame({"date": days})
    infile = gen_date_trading(signal, datefile, ["alpha", "rounded", "group", "position"], 8)
    return Frames(infile, retfile, otherfile, datefile)
