"""How many tries came before this signal, and the Sharpe ratio deflated for them.

Which runs were tries is an input of the judgement, stored with its result: a rerun is judged as the run was.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from poc.stats.sharpe import SharpeMoments, deflated_sharpe_ratio, lucky_sharpe_ratio, sharpe_moments
from poc.suite.config import JUDGED_LAGS, JUDGED_RESIDUALIZE
from poc.suite.measure import Measure

if TYPE_CHECKING:
    from poc.engine.result import BacktestResult
    from poc.suite.result import SuiteResult

NO_HISTORY = "the earlier tries are not known: no run history was given"
UNKNOWN = Measure.not_run(NO_HISTORY)
NO_SHARPE = "the net Sharpe ratio is undefined"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An earlier run that was a try at the same idea.

    Attributes:
        run_id: of the logged run.
        signal_hash: of its signal.
        sharpe: daily net Sharpe ratio of its base variant; None where it had none.
        why: it is of the same `family`, or its `returns` correlate with those of the signal.
    """

    run_id: str
    signal_hash: str
    sharpe: float | None
    why: Literal["family", "returns"]


@dataclass(frozen=True, kw_only=True)
class EarlierTrials:
    """What the run history says of earlier tries.

    Attributes:
        trials: the oldest first, each try once.
        author_runs: earlier runs of the author, on whatever signal.
        unsealed: how often a holdout of the family was unsealed.
        why_unknown: why the history could not be read; empty where it could.
    """

    trials: tuple[Trial, ...] = ()
    author_runs: int = 0
    unsealed: int = 0
    why_unknown: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """The list that `to_dict` was made from; other keys are ignored.

        Raises:
            KeyError: a field is missing.
        """
        own = {"unsealed": 0} | content  # lists stored before there were seals lack it
        own = {one.name: own[one.name] for one in fields(cls)}
        trials = tuple(Trial(**{one.name: trial[one.name] for one in fields(Trial)}) for trial in own["trials"])
        return cls(**own | {"trials": trials})


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Earlier tries, and what they leave of the Sharpe ratio.

    Attributes:
        deflated_sharpe: probability that the true Sharpe ratio of the base variant is above 0, after allowing for the
            tries.
        best_deflated_sharpe: the same of the best variant of the grid, which was chosen among all of the grid as well.
        n_trials: N, the judged set and the earlier tries; None where these are not known.
        lucky_sharpe: annual Sharpe ratio that the best of N tries without value is expected to show.
        earlier: the list of earlier tries.
    """

    deflated_sharpe: Measure
    best_deflated_sharpe: Measure = UNKNOWN
    n_trials: int | None = None
    lucky_sharpe: Measure = UNKNOWN
    earlier: EarlierTrials = field(default_factory=lambda: EarlierTrials(why_unknown=NO_HISTORY))


def with_trials(suite_result: "SuiteResult", earlier: EarlierTrials) -> "SuiteResult":
    """The suite with its Sharpe ratios deflated for the earlier tries; not computed where these are not known."""
    return replace(suite_result, evidence=replace(suite_result.evidence, trials=_deflate(suite_result, earlier)))


def _deflate(suite: "SuiteResult", earlier: EarlierTrials) -> Trials:
    if earlier.why_unknown:
        missing = Measure.not_run(f"the earlier tries are not known: {earlier.why_unknown}")
        return Trials(deflated_sharpe=missing, best_deflated_sharpe=missing, lucky_sharpe=missing, earlier=earlier)
    before = [math.nan if trial.sharpe is None else trial.sharpe for trial in earlier.trials]
    judged = _moments(suite.variant(lag=lag, residualize=name) for name in JUDGED_RESIDUALIZE for lag in JUDGED_LAGS)
    grid = _moments(suite.signal_results.get(config.key) for config in suite.config.variants())
    base, best = judged[0], max(grid, key=lambda moments: -math.inf if math.isnan(moments.sharpe) else moments.sharpe)
    tries, all_tries = ([moments.sharpe for moments in some] + before for some in (judged, grid))
    lucky = lucky_sharpe_ratio(base, tries) * math.sqrt(suite.snapshot.days_per_year)
    return Trials(
        deflated_sharpe=Measure.of(deflated_sharpe_ratio(base, tries), otherwise=NO_SHARPE),
        best_deflated_sharpe=Measure.of(deflated_sharpe_ratio(best, all_tries), otherwise=NO_SHARPE),
        n_trials=len(tries),
        lucky_sharpe=Measure.of(lucky, otherwise=NO_SHARPE),
        earlier=earlier,
    )


def _moments(results: Iterable["BacktestResult | None"]) -> list[SharpeMoments]:
    """Of the daily net returns; a variant without a result was a try all the same."""
    return [sharpe_moments([] if result is None else result.daily_series["ret_net"]) for result in results]
