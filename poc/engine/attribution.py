"""What each name, each sector and each month added to the net return of a result."""

import numpy as np
import pandas as pd

from poc.data.panel import Panel
from poc.engine import return_kernels as kernels
from poc.engine.books import Books
from poc.engine.config import BacktestConfig
from poc.engine.formation import return_name
from poc.engine.holding import borrow_a_day, list_trades
from poc.engine.metrics import month_sums


def attribute(
    books: Books, days: np.ndarray, shift: int, series: pd.DataFrame, config: BacktestConfig, panel: Panel
) -> pd.DataFrame:
    """`kind` (`name`, `sector`, `month`), `id`, `ret_net`: what each contributed over the whole series.

    Args:
        books: held books of all names.
        days: return days of the series.
        shift: trading days from the information day of a book to the day of its return.
        series: `date` and `ret_net` of those days.
    """
    by_name, by_sector = kernels.contribute(
        books.start,
        books.row,
        books.weight,
        list_trades(books, config, panel),
        panel.offsets,
        (panel.security, panel.known_sector, len(panel.securities), len(panel.sector_ids)),
        panel.places_after(shift),
        panel.returns[return_name(panel, config)],
        shift,
        days - shift,
        borrow_a_day(config, panel),
    )
    names, sectors = np.flatnonzero(by_name), np.flatnonzero(by_sector)
    sector_ids = np.array([*map(str, panel.sector_ids), "unknown"], object)
    months, by_month = month_sums(series["ret_net"].to_numpy(), series["date"].to_numpy())
    return pd.DataFrame(
        {
            "kind": np.repeat(["name", "sector", "month"], [len(names), len(sectors), len(months)]),
            "id": np.concatenate([panel.securities[names].astype(str), sector_ids[sectors], months.astype(str)]),
            "ret_net": np.concatenate([by_name[names], by_sector[sectors], by_month]),
        }
    )
