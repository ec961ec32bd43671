from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from poc.contract.files import signal_hash
from poc.contract.schema import ValidationResult, validate_signal_df

CALENDAR = np.busday_offset("2015-01-01", np.arange(250), roll="forward")


def validate(df: pl.DataFrame) -> ValidationResult:
    result = validate_signal_df(df, calendar=CALENDAR, security_ids=[1, 2, 3, 4])
    ledger = result.ledger
    assert ledger.rows_in == df.height == ledger.rows_used + sum(ledger.dropped.values())
    assert ledger.rows_used == result.clean.height
    assert result.valid == (not result.errors) == (ledger.rows_used > 0)
    return result


ROW = st.tuples(
    st.sampled_from([1, 2, 3, 99, None]),
    st.sampled_from([*(str(day) for day in CALENDAR[:4]), "2014-01-01", "1/2/2015", None]),
    st.sampled_from([*(str(day) for day in CALENDAR[1:6]), "2017-01-01", "tomorrow", None]),
    st.sampled_from(["1", "2.5", "-3", "inf", "nan", "high", None]),
    st.sampled_from(["8", "16", "25", "noon", None]),
)
USABLE_ROW = st.tuples(
    st.sampled_from([1, 2, 3, 99]),
    st.sampled_from([str(day) for day in CALENDAR[:4]]),
    st.sampled_from([*(str(day) for day in CALENDAR[4:8]), "2017-01-01"]),
    st.sampled_from(["1", "2.5", "-3", "nan", None]),
    st.sampled_from(["8", "16", None]),
)
ROWS = st.lists(ROW, max_size=30) | st.lists(USABLE_ROW, max_size=30, unique_by=lambda row: row[:2])
COLUMNS = ["security_id", "date_sig", "date_avail", "signal", "avail_hour"]
SCHEMA = {"security_id": pl.Int64} | dict.fromkeys(COLUMNS[1:], pl.String)


@given(ROWS, st.just(COLUMNS) | st.sets(st.sampled_from(COLUMNS), min_size=3), st.randoms(use_true_random=False))
def test_the_ledger_balances_and_the_order_of_rows_does_not_matter(
    rows: list[tuple[Any, ...]], columns: Collection[str], random: Any
) -> None:
    shuffled = random.sample(rows, k=len(rows))
    one, two = (
        validate(pl.DataFrame(r, schema=SCHEMA, orient="row").select(sorted(columns))) for r in (rows, shuffled)
    )
    assert one.ledger == two.ledger
    assert [(e.code, e.count) for e in one.errors] == [(e.code, e.count) for e in two.errors]
    assert one.warnings == two.warnings
    assert one.not_checked == two.not_checked
    assert_frame_equal(one.clean, two.clean)
    assert signal_hash(one.clean) == signal_hash(two.clean)
