"""The measurement of error rates runs from the market to the page, and its numbers mean what they say."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, spearmanr

from benchmarks.verdict.judge import Row
from benchmarks.verdict.kinds import QUICK
from benchmarks.verdict.market import PREMIA, ZooMarket, open_snapshot, simulate
from benchmarks.verdict.report import rate_interval, targets_table
from benchmarks.verdict.run import kept, main
from benchmarks.verdict.signals import clones, leaks_alone
from benchmarks.verdict.targets import CLASSES
from poc.baselines.library import BASELINE_REGISTRY


@pytest.fixture(scope="module")
def market() -> ZooMarket:
    return simulate(QUICK, 1, dict.fromkeys(PREMIA, 0.0003))


def test_the_premia_change_no_random_number(market: ZooMarket) -> None:
    without = simulate(QUICK, 1, dict.fromkeys(PREMIA, 0.0))
    paid_more = simulate(QUICK, 1, dict.fromkeys(PREMIA, 0.0) | {"alpha_2.5": 0.001})
    assert (without.listed == market.listed).all()
    assert (without.hidden["fast"] == market.hidden["fast"]).all()
    gained = (paid_more.ret - without.ret)[1:250]  # after a year it is in the momentum style too
    np.testing.assert_allclose(gained, 0.001 * without.hidden["alpha_2.5"][:249], atol=1e-12)


def test_a_clone_has_the_rank_correlation_that_was_planted(market: ZooMarket, tmp_path: Path) -> None:
    panel = open_snapshot(market, tmp_path).panel
    copies = [signal for signal in clones(market, panel) if signal.zoo_class.startswith("clone")]
    assert len(copies) == 3
    for clone in copies:
        baseline = BASELINE_REGISTRY[clone.label.split(", ")[1]].values(panel)
        keys = {"date_sig": panel.dates[np.repeat(np.arange(panel.n_days), np.diff(panel.offsets))]}
        known = pl.DataFrame(keys | {"security_id": panel.securities[panel.security], "baseline": baseline})
        both = clone.frame.join(known.drop_nans(), on=["date_sig", "security_id"])
        daily = [spearmanr(day["signal"], day["baseline"])[0] for _, day in both.group_by("date_sig")]
        assert np.mean(daily) == pytest.approx(clone.planted, abs=0.03)


def test_a_leak_has_the_rank_correlation_that_was_planted(market: ZooMarket) -> None:
    leak = next(signal for signal in leaks_alone(market) if signal.zoo_class == "leak: next return")
    day = np.searchsorted(market.dates, leak.frame["date_sig"].to_numpy())
    coming = market.ret[day + 1, leak.frame["security_id"].to_numpy() - 1001]
    daily = [
        spearmanr(frame["signal"], frame["coming"])[0]
        for _, frame in leak.frame.with_columns(coming=coming).group_by("date_sig")
    ]
    assert np.mean(daily) == pytest.approx(leak.planted, abs=0.02)


@pytest.mark.parametrize(("hits", "cases"), [(0, 7), (3, 40), (40, 40)])
def test_the_interval_of_a_rate_is_the_exact_one(hits: int, cases: int) -> None:
    exact = binomtest(hits, cases).proportion_ci(method="exact")
    assert rate_interval(hits, cases) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_a_target_is_met_or_not_by_the_rate_of_its_own_cases() -> None:
    def row(zoo_class: str, color: str) -> Row:
        return {"class": zoo_class, "color": color, "years": 5}

    rows = [row("null", "green"), *[row("null", "red")] * 199, row("true 0.3", "yellow"), row("fast-dead", "yellow")]
    table = "\n".join(targets_table(rows))
    assert "| green: null | at most 0.4% | 0.5% | 0.0% to 2.8% | 200 | **not met** |" in table
    assert "| green: true 0.3 | at most 2.0% | 0.0% | 0.0% to 97.5% | 1 | met, more cases needed |" in table
    assert "| red: fast-dead | at least 95.0% | 0.0% | 0.0% to 97.5% | 1 | **not met** |" in table
    assert "| red: cost-eaten | at least 95.0% | not measured | | 0 |  |" in table


@pytest.mark.timeout(600)  # every class in every world of a market, calibrated first
def test_every_class_of_the_zoo_is_described_and_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["error-rates", "--quick", "--jobs", "1", "--root", str(tmp_path)])
    main()
    page = (tmp_path / "error-rates.md").read_text()
    assert all(f"\n| {name} | {planted} | " in page for name, planted in CLASSES.items())


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    calls = []

    def measure(number: int) -> list[int]:
        calls.append(number)
        return [number]

    path = tmp_path / "folder" / "measured.json"
    assert [kept(path, measure, 3) for _ in range(2)] == [[3], [3]]
    assert calls == [3]
