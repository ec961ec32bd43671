"""The tables of a snapshot, looked up one trading day at a time."""

from typing import Any, Protocol

import numpy as np
import pandas as pd

NOT_STYLES = ("security_id", "date", "industry_id", "sector_id", "mcap", "adv", "cap")
EXPOSURE_AGE = 5
ATTRIBUTE_AGE = 20
NO_LIMIT = None
SAME_DAY = 0


class Catalog(Protocol):
    """What the reference reads of a snapshot."""

    def get_retfile(self) -> pd.DataFrame: ...
    def get_otherfile(self) -> pd.DataFrame: ...
    def get_datefile(self) -> pd.DataFrame: ...
    def get_universefile(self) -> pd.DataFrame | None: ...
    def get_factorfile(self) -> pd.DataFrame | None: ...
    def get_manifest(self) -> dict[str, Any]: ...


class Market:
    """Everything that was recorded, by trading day (counted from 0) and security."""

    def __init__(self, catalog: Catalog) -> None:
        self.ret = _with_days(catalog.get_retfile())
        self.risk = _with_days(catalog.get_otherfile())
        universe = catalog.get_universefile()
        self.universe = None if universe is None else _with_days(universe)
        self.dates = _with_days(catalog.get_datefile()).sort_values("date").reset_index(drop=True)
        factors = catalog.get_factorfile()
        self.factors = None if factors is None else _with_days(factors).set_index("date")
        self.calendar = list(self.dates["date"])
        self.days = [date.date() for date in self.calendar]
        self.securities = sorted(set(self.ret["security_id"]) | set(self.risk["security_id"]))
        self.styles = [
            c for c in self.risk.columns if c not in NOT_STYLES and pd.api.types.is_numeric_dtype(self.risk[c])
        ]
        manifest = catalog.get_manifest()
        self.days_per_year = manifest["days_per_year"]
        self.open_cutoff = manifest["open_cutoff"]
        self.close_cutoff = manifest["close_cutoff"]
        self._columns: dict[tuple[str, int | None], np.ndarray] = {}

    def rows(self, day: int) -> set[Any]:
        """The securities that have a `ret` row on the day, whatever it holds."""
        return set(self.seen("has_row", day, SAME_DAY))

    def seen(self, column: str, day: int, max_age: int | None) -> dict[Any, Any]:
        """Security -> latest value that is not missing, at or before `day`, at most `max_age` trading days old."""
        if day < 0:
            return {}
        if (column, max_age) not in self._columns:
            wide = self._wide(column)
            filled = wide if max_age == SAME_DAY else wide.ffill(limit=max_age)
            self._columns[column, max_age] = filled.to_numpy()
        values = self._columns[column, max_age][day].tolist()
        return {s: v for s, v in zip(self.securities, values, strict=True) if not pd.isna(v)}

    def returns(self, column: str, day: int) -> dict[Any, float]:
        """Security -> what a holder earns on the day: the return, compounded with the delisting return.

        It is as precise as the table, float32 in a snapshot.
        """
        number = self.ret[column].dtype.type if column in self.ret else float
        earned = self.seen(column, day, SAME_DAY)
        for security, delisting in self.seen("delist_ret", day, SAME_DAY).items():
            earned[security] = float(number((1 + earned.get(security, 0.0)) * (1 + delisting) - 1))
        return earned

    def _wide(self, column: str) -> pd.DataFrame:
        frame = self._table(column)
        if frame is None or column not in frame:
            return pd.DataFrame(np.nan, index=self.calendar, columns=self.securities)
        wide = frame.pivot(index="date", columns="security_id", values=column)
        wide = wide.reindex(index=self.calendar, columns=self.securities)
        return wide.astype(float) if pd.api.types.is_numeric_dtype(frame[column]) else wide.astype(object)

    def _table(self, column: str) -> pd.DataFrame | None:
        if column == "has_row":
            return self.ret.assign(has_row=1.0)
        if column == "universe_flag":
            return self.universe
        return self.ret if column in self.ret else self.risk


def _with_days(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(date=pd.to_datetime(frame["date"]).dt.normalize())
