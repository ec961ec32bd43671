"""What can be wrong with a signal file: every error and warning has a code and says what to do."""

from dataclasses import dataclass

ERRORS = {
    "missing_column": "Add the column, or rename the one that holds it.",
    "repeated_column": "Keep one column of each name.",
    "bad_type": "Correct these values at their source; nothing is guessed or rounded.",
    "missing_key": "Fill in the missing values, or leave the rows out.",
    "bad_hour": "Give the local hour of the exchange, from 0 to 24, or leave it empty.",
    "avail_before_sig": "Correct date_avail, the first day on which the row could be known.",
    "duplicate_key": "Keep one row for each security_id and date_sig.",
    "infinite_signal": "Replace infinite values (often a division by zero) by numbers, or leave them empty.",
    "all_signals_missing": "Check the step that computed the signal, and that the column has the right name.",
    "no_common_security": "Use the ids of the snapshot, with their type (CSV turns whole numbers into integers: save "
    "text ids as parquet).",
    "no_row_in_calendar": "Use a snapshot that covers these dates, or check the years in date_avail.",
    "no_usable_row": "Look at the reasons in the row ledger.",
}
"""The file is refused: code to what to do about it."""

WARNINGS = {
    "missing_signal": "Nothing, if a signal is meant to be absent there.",
    "unknown_security": "Nothing, if the snapshot is meant to be smaller; else check the ids.",
    "outside_calendar": "Nothing, if the file is meant to be longer than the snapshot; else check the dates.",
    "ignored_column": "Nothing, unless a column of the contract is misspelt.",
    "gap_exceeds_carry": "Set carry_days to the number of trading days for which a row should count.",
    "constant_day": "Leave these days out, or check the step that ranks or clips the signal.",
    "thin_day": "Cover more securities, keep rows live for longer (carry_days), or lower mincos.",
    "heavy_ties": "Use finer values: names with equal values cannot be told apart.",
    "extreme_values": "Check their units and denominators. Ranks are not hurt, residuals and weights are.",
}
"""The file is used: code to what to do about it."""

SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """Something wrong with a signal file.

    Attributes:
        code: a key of `ERRORS` or `WARNINGS`.
        message: what is wrong, how often, where (the first five), and what to do.
        count: how many rows, columns, days or securities it concerns.
        examples: the first five of them. Errors show row numbers (1 is the first row of data) in the order of the
            file; warnings go by security and date, so that they do not depend on the order of the rows.
    """

    code: str
    message: str
    count: int
    examples: tuple[str, ...]


def make_finding(code: str, what: str, count: int, examples: list[str]) -> Finding:
    """A finding whose message is `what` (words that a colon can follow), the first examples, and what to do."""
    more = "; and more" if count > SHOWN <= len(examples) else ""
    todo = ERRORS.get(code) or WARNINGS[code]
    message = f"{what}: {'; '.join(examples[:SHOWN])}{more}. What to do: {todo}"
    return Finding(code, message, count, tuple(examples[:SHOWN]))
