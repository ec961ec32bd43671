"""The errors a user can meet. Each message says what is wrong, where, and what to do.

PocError
├── ContractError    the signal file breaks the contract
├── SnapshotError    a snapshot is missing, broken or cannot be made
├── ConfigError      a setting has a value that is not allowed
├── BacktestError    a backtest cannot be run on this input
└── TrackingError    the tracking store cannot be reached or refuses a run
"""


class PocError(Exception):
    """Base of every error that this package raises on purpose."""


class ContractError(PocError):
    """The signal file breaks the contract."""


class SnapshotError(PocError):
    """A snapshot is missing, broken or cannot be made."""


class ConfigError(PocError):
    """A setting has a value that is not allowed."""


class BacktestError(PocError):
    """A backtest cannot be run on this input."""


class TrackingError(PocError):
    """The tracking store cannot be reached or refuses a run."""
