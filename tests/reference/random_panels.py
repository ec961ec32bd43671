"""Small raw sources and signals in which everything that can be ragged, missing, tied or late is so."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

Kind = Literal["value", "weekly", "ties", "fractile", "position", "weight"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STYLES = ("size", "value", "momentum", "growth", "leverage", "crowding")


@dataclass(frozen=True, kw_only=True)
class PanelShape:
    """What a random raw source looks like; the same shape gives the same frames."""

    seed: int = 0
    names: int = 60
    days: int = 70
    string_ids: bool = False
    universe: bool = True
    cap: bool = True
    factors: bool = True
    adv_in_ret: bool = True
    residual_returns: bool = True
    bare: bool = False  # nothing but the columns that must be there
    days_per_year: int = 252
    open_cutoff: float = 8.0
    close_cutoff: float = 15.0


@dataclass(frozen=True)
class Source:
    """The tables of a raw source."""

    ret: pd.DataFrame
    risk: pd.DataFrame
    trading_date: pd.DataFrame
    descriptor: pd.DataFrame | None
    factors: pd.DataFrame | None = None

    def write(self, folder: Path) -> Path:
        """Write the tables as a raw source; `folder` is made."""
        folder.mkdir(parents=True)
        for name in ("ret", "risk", "trading_date", "descriptor", "factors"):
            frame = getattr(self, name)
            if frame is not None:
                frame.to_parquet(folder / f"{name}.parquet", index=False)
        return folder


def random_source(shape: PanelShape) -> Source:
    """Prices, risk, calendar and universe. Every number is a whole number of float32."""
    rng = np.random.default_rng([shape.seed, 1])
    calendar, ids = _calendar(shape), security_ids(shape)
    keys = pd.DataFrame(
        [(s, day) for s in ids for day in _listed_days(rng, shape)], columns=["security_id", "day"]
    ).assign(date=lambda k: calendar[k["day"].to_numpy()])
    ret = _ret(rng, keys, shape)
    risk = _risk(rng, keys, shape)
    trading_date = pd.DataFrame({"date": calendar, "insample": (np.arange(shape.days) % 30 < 18).astype(int)})
    if shape.bare:
        ret, risk = ret[["security_id", "date", "ret"]], risk[["security_id", "date", "industry_id", "mcap"]]
        return Source(ret, risk, trading_date[["date"]], None)
    descriptor = None
    if shape.universe:
        flags = keys[rng.random(len(keys)) > 0.03]
        descriptor = pd.DataFrame(
            {
                "security_id": flags["security_id"],
                "as_of_date": flags["date"],
                "universe_flag": (rng.random(len(flags)) > 0.08).astype("int8"),
            }
        )
    return Source(ret, risk, trading_date, descriptor, _factors(shape) if shape.factors else None)


def random_signal(shape: PanelShape, kind: Kind = "value") -> pd.DataFrame:
    """A contract frame: late, weekend and out-of-order rows, hours, ties, missing signals, unknown securities."""
    rng = np.random.default_rng([shape.seed, 2])
    calendar = _calendar(shape)
    described = pd.date_range(calendar[0] - pd.Timedelta(days=4), calendar[-1] + pd.Timedelta(days=3))
    if kind == "weekly":
        described = described[::7]
    ids = [*security_ids(shape), "nobody" if shape.string_ids else 999_999]
    frame = pd.DataFrame([(s, d) for s in ids for d in described], columns=["security_id", "date_sig"])
    frame = frame[rng.random(len(frame)) < 0.9].reset_index(drop=True)
    n = len(frame)
    late = rng.choice([1, 1, 1, 1, 8, 15] if kind == "weekly" else [0, 1, 1, 1, 1, 1, 2], n)
    frame["date_avail"] = frame["date_sig"] + pd.to_timedelta(late, unit="D")
    if kind != "weekly":
        frame["avail_hour"] = _with_holes(rng, rng.choice([0.0, 6.5, 8.0, 8.5, 15.0, 15.5, 16.0, 24.0], n), 0.7)
    frame["signal"] = _with_holes(rng, _signal_values(rng, frame, kind), 0.03)
    return frame.sample(frac=1, random_state=shape.seed).reset_index(drop=True)


def security_ids(shape: PanelShape) -> list[Any]:
    """Identifiers whose order says nothing of the order in which they are made."""
    numbers = [10_000 + 37 * i % 1009 for i in range(shape.names)]
    return [f"S{number}" for number in numbers] if shape.string_ids else numbers


def _calendar(shape: PanelShape) -> pd.DatetimeIndex:
    days = pd.bdate_range("2019-11-18", periods=shape.days + 3)
    return days.delete([8, 27, 32])  # three holidays


def _listed_days(rng: np.random.Generator, shape: PanelShape) -> list[int]:
    """Trading days with a row: most of a life that may begin late, end early and hold a long gap."""
    first = int(rng.integers(5, 25)) if rng.random() < 0.15 else 0
    last = int(rng.integers(30, shape.days - 5)) if rng.random() < 0.25 else shape.days - 1
    gap = int(rng.integers(first + 3, first + 20)) if rng.random() < 0.15 else shape.days
    nobody_trades = 22
    return [
        day
        for day in range(first, last + 1)
        if not gap <= day < gap + 24 and day != nobody_trades and (day == last or rng.random() > 0.03)
    ]


def _ret(rng: np.random.Generator, keys: pd.DataFrame, shape: PanelShape) -> pd.DataFrame:
    n = len(keys)
    market = 0.008 * rng.standard_normal(shape.days)[keys["day"]]
    columns = {
        "ret": market + 0.02 * rng.standard_t(4, n),
        "openret": market + 0.02 * rng.standard_t(4, n),
        "vol": np.exp(rng.normal(-4, 0.3, n)),
        "close": np.exp(rng.normal(3, 0.5, n)),
    }
    if shape.residual_returns:
        columns |= {"resret": columns["ret"] - market, "resopenret": columns["openret"] - market}
    ret = keys[["security_id", "date"]].assign(**{c: _with_holes(rng, v, 0.04) for c, v in columns.items()})
    if shape.adv_in_ret:
        ret["adv"] = _with_holes(rng, _dollars(rng, keys, 15), 0.1)
    ret.loc[keys["day"] == 40, ["ret", "openret"]] = np.nan  # everybody trades, nobody has a return
    ends = keys["day"] == keys.groupby("security_id")["day"].transform("max")
    gone = ends & (keys["day"] < shape.days - 1) & (rng.random(n) < 0.7)
    ret["delist_ret"] = np.where(gone, rng.uniform(-0.6, 0.1, n), np.nan)
    ret.loc[gone & (rng.random(n) < 0.5), "ret"] = np.nan
    return _as_float32(ret)


def _risk(rng: np.random.Generator, keys: pd.DataFrame, shape: PanelShape) -> pd.DataFrame:
    """Risk rows on most days of a name's life and on a few without a `ret` row."""
    keys = keys[(rng.random(len(keys)) > 0.06) & ~keys["day"].isin([33, 34])]
    shifted = keys[rng.random(len(keys)) < 0.05].assign(day=lambda k: k["day"] + 1)
    shifted = shifted[shifted["day"] < shape.days].assign(date=lambda k: _calendar(shape)[k["day"].to_numpy()])
    keys = pd.concat([keys, shifted]).drop_duplicates(["security_id", "day"]).reset_index(drop=True)
    n = len(keys)
    number = keys["security_id"].rank(method="dense").astype(int) - 1
    industry = np.where(number < 3, 90 + number, 10 * (1 + number % 3) + number % 2)  # three industries of one name
    industry = np.where(keys["day"] > 45, industry + (number % 7 == 0), industry)
    mcap = np.where(number % 11 == 5, np.nan, _with_holes(rng, _dollars(rng, keys, 21), 0.05))
    risk = keys[["security_id", "date"]].assign(
        industry_id=_with_holes(rng, industry.astype(float), 0.01),
        sector_id=_with_holes(rng, (industry // 10).astype(float), 0.01),
        mcap=mcap,
        size=_with_holes(rng, np.log(mcap + 1), 0.02),
        value=_with_holes(rng, rng.standard_normal(n), 0.05),
        momentum=_with_holes(rng, np.round(rng.standard_normal(n), 1), 0.05),
        growth=_with_holes(rng, rng.standard_normal(n), 0.8),  # left out on most days, by its age
        leverage=_with_holes(rng, np.full(n, 0.1), 0.02),  # no variance
        crowding=np.where(keys["day"] < 12, np.nan, rng.standard_normal(n)),  # nobody has it at first
    )
    risk.loc[number % 8 == 3, "industry_id"] = np.nan
    country = np.array(["NO", "PE", "AU"], object)[(number + keys["day"] // 30) % 3]  # names move once or twice
    risk["country"] = country
    risk.loc[(number % 9 == 2) | (keys["day"] % 4 == 0), "country"] = None
    if shape.cap:
        risk["cap"] = _with_holes(rng, (1 + number % 3).to_numpy(float), 0.1)
    if not shape.adv_in_ret:
        risk["adv"] = _with_holes(rng, _dollars(rng, keys, 15), 0.1)
    return _as_float32(risk)


def _factors(shape: PanelShape) -> pd.DataFrame:
    """Factors on most days, on some that are no trading days, and beyond the end."""
    rng = np.random.default_rng([shape.seed, 3])
    calendar = _calendar(shape)
    days = pd.bdate_range(calendar[0] + pd.Timedelta(days=4), calendar[-1] + pd.Timedelta(days=4))
    names = ["mkt_rf", "smb", "smb_5f", "hml", "rmw", "cma", "umd", "rf", "index"]
    returns = {name: _with_holes(rng, 0.01 * rng.standard_normal(len(days)), 0.03) for name in names}
    return _as_float32(pd.DataFrame({"date": days} | returns))


def _dollars(rng: np.random.Generator, keys: pd.DataFrame, level: float) -> np.ndarray:
    """Amounts that differ between names more than between days; now and then exactly zero."""
    by_name = rng.normal(level, 1.5, 2_000)[keys["security_id"].rank(method="dense").astype(int)]
    amounts = np.exp(by_name + rng.normal(0, 0.1, len(keys)))
    return np.where(rng.random(len(keys)) < 0.02, 0.0, amounts)


def _signal_values(rng: np.random.Generator, frame: pd.DataFrame, kind: Kind) -> np.ndarray:
    n = len(frame)
    if kind == "fractile":
        return rng.integers(1, 6, n).astype(float)
    if kind == "position":
        return rng.integers(-1, 2, n).astype(float)
    values = rng.standard_normal(n)
    if kind == "ties":
        values = np.round(values)
    constant = frame["date_avail"].dt.day_of_year % 30 < 5
    return np.where(constant, 0.1, values)


def _with_holes(rng: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    return np.where(rng.random(len(values)) < share, np.nan, values)


def _as_float32(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = frame.select_dtypes("float64").columns
    return frame.astype(dict.fromkeys(numbers, "float32"))
