"""The one button: a signal file in; results, tear sheet, verdict and a logged run out."""

import gc
import re
import secrets
import shlex
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.errors import BacktestError, ConfigError, TrackingError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from poc.data.catalog import DataCatalog
    from poc.reporting.verdict import Verdict
    from poc.suite.config import SuiteConfig
    from poc.suite.result import SuiteResult
    from poc.suite.trials import EarlierTrials
    from poc.tracking.record import RunRecord

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

RARELY = 200_000
"""New objects after which Python looks for garbage while a run lasts: else that is a tenth of the time."""
_OPTIONS = {"include_baselines": "--no-baselines", "all_holdings": "--holdings"}


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a signal is evaluated on, and how.

    Args:
        snapshot_id: a snapshot of the workspace.
        author: whose run it is.
        name: of the signal; None: the file's `signal_name` column, else the file's own name.
        family: signals of one idea share a family.
        preset: `quick`, `standard` or `full`.
        lags: own axis of the grid in place of the preset's, separated by commas, such as `0,1,5`.
        residualize: the same, such as `off,all`.
        tc_models: the same, such as `naive,power_law`.
        placebos: how many signals that know nothing are run beside it, 0 for none; None: as the preset says.
        start: first date of returns, inclusive, such as `2010-01-31`.
        end: last date of returns, inclusive.
        universe: `flagged`, `all`, or None: flagged where the snapshot has a universe table.
        carry_days: trading days for which a row stays live; None: from the file's own frequency.
        include_baselines: run the preset's baselines beside the signal.
        all_holdings: write the book of every day, not only of the last.
        out: folder of the results, which must not exist; None: `artifacts/{signal}_{date}_{time}` in the workspace.
        trials: file with the list of earlier tries that the signal is judged by, as an earlier run has left it; None:
            from the run history.
        seal_from: only what is before this day is evaluated, signal rows and returns; `poc unseal` evaluates the rest.
        unseals: the sealed run whose rest this is.
    """

    snapshot_id: str
    author: str
    name: str | None = None
    family: str | None = None
    preset: str = "standard"
    lags: str | None = None
    residualize: str | None = None
    tc_models: str | None = None
    placebos: int | None = None
    start: date | str | None = None
    end: date | str | None = None
    universe: str | None = None
    carry_days: int | None = None
    include_baselines: bool = True
    all_holdings: bool = False
    out: Path | None = None
    trials: Path | None = None
    seal_from: date | str | None = None
    unseals: str | None = None

    def suite(self) -> "SuiteConfig":
        """The suite that is run.

        Raises:
            ConfigError: no such preset, or a value that is not allowed.
        """
        from poc.suite.config import SUITES

        if self.preset not in SUITES:
            raise ConfigError(f"preset={self.preset!r} is not allowed; allowed: {', '.join(SUITES)}.")
        suite = SUITES[self.preset]
        own = {name: getattr(self, name) for name in ("start", "end", "universe", "carry_days")}
        if self.seal_from is not None:
            own["end"] = self._last_open_day()
        placebos = suite.placebos if self.placebos is None else self.placebos
        return replace(suite, base=replace(suite.base, **own), placebos=placebos, **self._own_axes())

    def _last_open_day(self) -> date:
        if self.end is not None:
            raise ConfigError("end and seal_from are not allowed together. Give one of them.")
        try:
            return date.fromisoformat(str(self.seal_from)) - timedelta(days=1)
        except ValueError:
            raise ConfigError(
                f"seal_from={self.seal_from!r} is not allowed; allowed: a day such as '2015-01-31'."
            ) from None

    def _own_axes(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("lags", "residualize", "tc_models")}
        axes: dict[str, Any] = {name: tuple(text.split(",")) for name, text in given.items() if text is not None}
        if "lags" in axes:
            if not all(lag.isdecimal() for lag in axes["lags"]):
                raise ConfigError(f"lags={self.lags!r} is not allowed; allowed: whole numbers from 0, such as '0,1,5'.")
            axes["lags"] = tuple(map(int, axes["lags"]))
        return axes | ({"name": f"{self.preset}, own grid"} if axes else {})

    def seal_tags(self) -> dict[str, str]:
        """What the tracking store keeps of a seal."""
        return {name: str(value) for name in ("seal_from", "unseals") if (value := getattr(self, name)) is not None}

    def command(self) -> str:
        """The command line that computes the same result again, in the folder of the results."""
        from poc.reporting.files import SIGNAL_FILE, TRIALS_FILE

        words = ["poc", "run", SIGNAL_FILE, "--snapshot", self.snapshot_id]
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("snapshot_id", "out", "trials", "unseals") and value != field.default:
                option = _OPTIONS.get(field.name, f"--{field.name.replace('_', '-')}")
                words += [option] if isinstance(value, bool) else [option, str(value)]
        return shlex.join([*words, "--trials", TRIALS_FILE])


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What came out.

    Attributes:
        suite_result: every number.
        verdict: what they say.
        out_dir: folder of the results.
        paths: the files in it by name without ending: `tearsheet, result, suite_summary, daily_series, holdings,
            signal, run`.
        run_id: the run in the tracking store; None where it could not be logged.
        tracking_error: why it could not; None where it could.
    """

    suite_result: "SuiteResult"
    verdict: "Verdict"
    out_dir: Path
    paths: dict[str, Path]
    run_id: str | None
    tracking_error: str | None

    def to_dict(self) -> dict[str, Any]:
        """What a program needs to know: the verdict and where the rest is."""
        return {
            "signal": self.suite_result.signal_name,
            "verdict": self.verdict.to_dict(),
            "out_dir": str(self.out_dir),
            "paths": {name: str(path) for name, path in self.paths.items()},
            "run_id": self.run_id,
            "tracking_error": self.tracking_error,
        }


@contextmanager
def _quick_turns() -> Iterator[None]:
    """While threads compute beside one that imports: Python passes from one to the other soon, and tidies up rarely.

    A thread that comes back from compiled code waits as long as the switch interval, thousands of times in a run.
    What the thread that imports would show of MLflow's warnings is ignored in all: the filters of warnings are theirs
    together, and one that puts back what it has found can take away what another has just set.
    """
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-4)
    gc.set_threshold(RARELY)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(mlflow|urllib3)\.")
            yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)


@_quick_turns()
def evaluate(
    signal_file: str | Path,
    request: RunRequest,
    *,
    workspace: Path,
    now: datetime,
    jobs: int = -1,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a signal file: check it, run the suite, judge, write the results, log the run.

    The results appear in their folder whole or not at all. Where the tracking store cannot be reached they are on
    disk nevertheless, and `poc.tracking.run_folder.log_directory` logs them later.

    Args:
        signal_file: parquet, CSV or Feather.
        request: on which snapshot, and how.
        workspace: folder of the snapshots, the results and the embedded tracking store.
        now: moment of the run; without a time zone it is local time.
        jobs: threads; -1: one a core.
        progress: is told how far it is.

    Raises:
        ContractError: the file breaks the contract; every breach is named.
        SnapshotError: the snapshot is missing or broken.
        ConfigError: a setting, the name or the output folder is not allowed.
        BacktestError: the suite cannot be run on this input.
    """
    from poc.contract.files import read_signal_file

    signal = read_signal_file(signal_file)
    name = request.name or _own_name(signal) or Path(signal_file).stem
    request = replace(request, name=name)
    return evaluate_frame(signal, request, workspace=workspace, now=now, jobs=jobs, progress=progress)


@_quick_turns()
def evaluate_frame(
    signal: "pd.DataFrame | pl.DataFrame",
    request: RunRequest,
    *,
    workspace: Path,
    now: datetime,
    jobs: int = -1,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a signal in memory, which the request must name. The rest is as in `evaluate`."""
    from poc.compiling import second_compiler
    from poc.contract.columns import as_given, rows_until
    from poc.data.catalog import DataCatalog
    from poc.engine.wrapper import check_signal
    from poc.reporting.files import read_trials
    from poc.reporting.verdict import compute_verdict
    from poc.suite.runner import run_checked_suite
    from poc.suite.trials import with_trials
    from poc.tracking.record import run_name, run_record
    from poc.tracking.run_folder import LOGGED_FILES, RUN_FILE, git_sha, refuse_second_unsealing

    name = safe_name(request.name or "")
    earlier = None if request.trials is None else read_trials(request.trials)
    suite = request.suite()
    if request.unseals is not None:
        refuse_second_unsealing(request.unseals, workspace=workspace)
    target = request.out or workspace / "artifacts" / run_name(name, now)
    if request.out and target.exists():
        raise ConfigError(f"out={str(target)!r} exists already; give a folder that does not, nothing is overwritten.")
    last_open = suite.base.end if request.seal_from else None
    catalog = DataCatalog(request.snapshot_id, root=workspace / "snapshots", until=last_open)
    _check_seal(request, catalog)
    tell = progress or (lambda _what, _done, _total: None)
    with second_compiler(lambda: tell("compiling, in the first run only", 0, 1)), ThreadPoolExecutor(1) as background:
        tell("checking the signal", 0, 1)
        checked = check_signal(rows_until(signal, last_open), suite.base, catalog)
        background.submit(_prepare, workspace)
        suite_result = run_checked_suite(
            checked,
            catalog,
            suite,
            include_baselines=request.include_baselines,
            n_jobs=jobs,
            signal_name=name,
            progress=progress,
        )
        if not suite_result.signal_results:
            raise BacktestError(f"No variant could be run. {suite_result.suite_summary['reason'].iloc[0]}")
        tell("looking for earlier tries", 0, 1)
        suite_result = with_trials(suite_result, earlier or _from_history(suite_result, request, workspace))
        verdict = compute_verdict(suite_result)
        record = run_record(
            suite_result, verdict, author=request.author, family=request.family, now=now, git_sha=git_sha()
        )
        record = replace(record, tags=record.tags | request.seal_tags())
        tell("writing the results", 0, 1)
        out_dir = _write(target, suite_result, verdict, request, record, as_given(signal))
        tell("logging the run", 0, 1)
        run_id, tracking_error = _log(out_dir, workspace)
    tell("done", 1, 1)
    return Evaluation(
        suite_result=suite_result,
        verdict=verdict,
        out_dir=out_dir,
        paths={Path(file).stem: out_dir / file for file in (*LOGGED_FILES, RUN_FILE)},
        run_id=run_id,
        tracking_error=tracking_error,
    )


def _log(out_dir: Path, workspace: Path) -> tuple[str | None, str | None]:
    """The id of the logged run, or why there is none."""
    from poc.tracking.run_folder import log_directory

    try:
        return log_directory(out_dir, workspace=workspace), None
    except TrackingError as error:
        return None, str(error)


def _prepare(workspace: Path) -> None:
    """Load the libraries of the tear sheet and the log, and make the tracking store: seconds, in which backtests run.

    What cannot be done here is tried again, and told, where it is needed.
    """
    from poc.reporting.tearsheet import plot_library
    from poc.tracking.mlflow_logger import open_store

    plot_library()
    open_store(workspace)


def _check_seal(request: RunRequest, catalog: "DataCatalog") -> None:
    days = catalog.manifest.tables["trading_date"]
    if catalog.until and not str(days.first_date) <= str(catalog.until) < str(days.last_date):
        raise ConfigError(
            f"seal_from={str(request.seal_from)!r} is not allowed; allowed: a day after {days.first_date} and not "
            f"after {days.last_date}, the days of snapshot {request.snapshot_id!r}."
        )


def _from_history(suite_result: "SuiteResult", request: RunRequest, workspace: Path) -> "EarlierTrials":
    from poc.tracking.trials import earlier_trials

    return earlier_trials(
        suite_result, author=request.author, family=request.family, workspace=workspace, unseals=request.unseals
    )


def safe_name(name: str) -> str:
    """The name of a signal, which becomes part of file names.

    Raises:
        ConfigError: not 1 to 80 letters, digits, spaces, `.`, `_`, `-`, or it begins with something else than a
            letter or digit.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}", name):
        raise ConfigError(
            f"name={name!r} is not allowed; allowed: 1 to 80 letters, digits, spaces, '.', '_' and '-', "
            "the first a letter or digit. Give another one with --name."
        )
    return name


def _own_name(signal: "pl.DataFrame") -> str | None:
    if "signal_name" not in signal.columns:
        return None
    names = signal["signal_name"].drop_nulls().unique()
    return str(names[0]) if len(names) == 1 else None


def _write(
    target: Path,
    suite_result: "SuiteResult",
    verdict: "Verdict",
    request: RunRequest,
    record: "RunRecord",
    signal: "pl.DataFrame",
) -> Path:
    """Write everything into a folder beside the target, then rename it: results are whole or not there."""
    from poc.reporting.files import write_result_files
    from poc.reporting.tearsheet import render_tearsheet
    from poc.tracking.run_folder import write_run_file

    command = request.command()
    page = render_tearsheet(suite_result, verdict, author=request.author, rerun_command=command)
    folder = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    folder.mkdir(parents=True)
    try:
        write_result_files(suite_result, verdict, folder, signal=signal, all_holdings=request.all_holdings)
        (folder / "tearsheet.html").write_text(page, encoding="utf-8")
        write_run_file(record, folder, rerun_command=command)
        return _rename(folder, target, fixed=request.out is not None)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _rename(folder: Path, target: Path, *, fixed: bool) -> Path:
    for number in count(1):
        path = target if number == 1 else target.with_name(f"{target.name}-{number}")
        try:
            return folder.rename(path)
        except OSError:
            if fixed or not path.exists():
                raise
    raise AssertionError("count never ends")
