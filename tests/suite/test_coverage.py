import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from poc.engine.formation import candidates
from poc.engine.placing import place_signal
from poc.engine.wrapper import check_signal
from poc.stats.persistence import half_life
from poc.suite.coverage import Coverage, gather_coverage
from tests.suite.conftest import RAGGED_BASE, Ragged


@pytest.fixture(scope="module")
def rows(ragged: Ragged) -> pd.DataFrame:
    """A row a name and formation day behind the series that could be traded: its signal and its groups."""
    panel = ragged.catalog.panel
    own = place_signal(check_signal(ragged.frame, RAGGED_BASE, ragged.catalog).clean, panel, RAGGED_BASE)
    frame = pd.DataFrame(
        {
            "day": np.repeat(np.arange(panel.n_days), np.diff(panel.offsets)),
            "name": panel.security,
            "signal": own.values,
            "cap": pd.Series(panel.cap).map({1: "Large Cap", 2: "Mid Cap", 3: "Small Cap", 0: "unknown"}),
            "sector": [str(panel.sector_ids[code]) if code >= 0 else "unknown" for code in panel.sector],
        }
    )
    return frame[candidates(panel, RAGGED_BASE)].assign(covered=lambda f: f["signal"].notna())


@pytest.fixture(scope="module")
def coverage(ragged: Ragged) -> Coverage:
    panel = ragged.catalog.panel
    own = place_signal(check_signal(ragged.frame, RAGGED_BASE, ragged.catalog).clean, panel, RAGGED_BASE)
    return gather_coverage(ragged.result, own, panel)


def _series_days(ragged: Ragged) -> list[int]:
    books = ragged.result.books
    return [int(day) for day in books.days - books.shift]


@pytest.mark.parametrize("kind", ["cap", "sector"])
def test_a_group_has_the_mean_over_days_of_its_names_and_their_share(
    coverage: Coverage, rows: pd.DataFrame, ragged: Ragged, kind: str
) -> None:
    there = rows[rows["day"].isin(_series_days(ragged))]
    daily = there.groupby(["day", kind])["covered"].agg(["sum", "mean"]).groupby(kind).mean()
    found = coverage.groups[coverage.groups["slice"] == kind].set_index("group")
    assert set(found.index) == set(daily.index)
    assert found["names"].to_dict() == pytest.approx(daily["sum"].to_dict())
    assert found["share"].to_dict() == pytest.approx(daily["mean"].to_dict())


def test_a_month_is_the_mean_of_its_days(coverage: Coverage, rows: pd.DataFrame, ragged: Ragged) -> None:
    there = rows[rows["day"].isin(_series_days(ragged))]
    daily = pd.DataFrame(
        {"names": there.groupby("day")["covered"].sum(), "share": there.groupby("day")["covered"].mean()}
    )
    daily["Large Cap"] = there[there["cap"] == "Large Cap"].groupby("day")["covered"].mean()
    month = pd.Series(ragged.catalog.panel.dates[daily.index]).dt.to_period("M").dt.to_timestamp()
    expected = daily.groupby(month.to_numpy()).mean()
    found = coverage.monthly.set_index("date")
    assert list(found.index) == list(expected.index)
    for column in expected:
        assert found[column].to_list() == pytest.approx(expected[column].to_list()), column


def test_the_mean_over_days_is_that_of_the_diagnostics(coverage: Coverage, ragged: Ragged) -> None:
    sums = coverage.groups.groupby("slice")["names"].sum()
    assert coverage.monthly["names"].max() <= 110
    assert sums["sector"] >= ragged.result.diagnostics["coverage"]["mean"] - 1e-9


@pytest.mark.parametrize("lag", [1, 5, 21])
def test_the_rank_autocorrelation_is_the_mean_over_days_of_spearmans(
    coverage: Coverage, rows: pd.DataFrame, ragged: Ragged, lag: int
) -> None:
    table = rows.pivot(index="day", columns="name", values="signal")
    daily = []
    for day in _series_days(ragged):
        both = table.reindex([day, day + lag]).dropna(axis=1)
        if both.shape[1] >= 20 and (both.nunique(axis=1) > 1).all():
            daily.append(spearmanr(both.iloc[0], both.iloc[1]).statistic)
    assert len(daily) > 20
    assert getattr(coverage, f"rank_autocorrelation_{lag}").value == pytest.approx(np.mean(daily), abs=1e-12)


def test_the_half_life_is_that_of_the_autocorrelations(coverage: Coverage) -> None:
    lags = (1, 5, 21)
    assert coverage.half_life.value == half_life(
        {lag: getattr(coverage, f"rank_autocorrelation_{lag}").value for lag in lags}
    )


def test_too_few_names_give_no_autocorrelation(ragged: Ragged) -> None:
    panel = ragged.catalog.panel
    few = ragged.frame[ragged.frame["security_id"].isin(sorted(ragged.frame["security_id"].unique())[:15])]
    own = place_signal(check_signal(few, RAGGED_BASE, ragged.catalog).clean, panel, RAGGED_BASE)
    found = gather_coverage(ragged.result, own, panel)
    assert found.rank_autocorrelation_5.status == "not_run"
    assert found.rank_autocorrelation_5.reason == "no day has 20 names that are eligible 5 days later too"
    assert found.half_life == found.rank_autocorrelation_1
