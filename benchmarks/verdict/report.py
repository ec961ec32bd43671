"""docs/error-rates.md, from what was measured."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from scipy.stats import beta

from benchmarks.verdict.judge import Row
from benchmarks.verdict.kinds import Kind
from benchmarks.verdict.targets import CLASSES, TARGETS, Target
from poc.engine.config import ENGINE_VERSION
from poc.reporting.verdict import STANDARD_THRESHOLDS

COLORS = ("green", "yellow", "incomplete", "red")
SERIES_STUDIES = {
    "covered": "the 95% interval covers the Sharpe ratio",
    "newey_west": "Newey-West t of the mean, as normal",
    "bootstrap": "bootstrap p-value of the mean",
    "spanning": "t of the spanning alpha, as normal",
    "probabilistic_sharpe": "1 - probabilistic Sharpe ratio",
    "sharpe_difference": "paired bootstrap p-value of a Sharpe difference",
    "survivorship": "log-rank p-value of the survivorship probe",
}
POWER = ("true 0.3", "true 0.7", "true 1.5", "true 2.5", "rating", "small caps only")


def rate_interval(hits: int, cases: int) -> tuple[float, float]:
    """The 95% interval of Clopper and Pearson (1934), Biometrika 26, 404-413, for a rate of `hits` in `cases`."""
    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, cases - hits + 1))
    high = 1.0 if hits == cases else float(beta.ppf(0.975, hits + 1, cases - hits))
    return low, high


def rate_cells(hits: int, cases: int) -> str:
    """Rate, its interval and the number of cases, as cells of a table."""
    if not cases:
        return "not measured | | 0"
    low, high = rate_interval(hits, cases)
    return f"{hits / cases:.1%} | {low:.1%} to {high:.1%} | {cases:,}"


def report(
    *, zoo: list[Row], placebos: list[Row], series: list[Row], kinds: list[Kind], today: date, first_seed: int
) -> str:
    """The page."""
    n_markets = len({(row["kind"], row["seed"]) for row in zoo})
    lines = [
        "# Error rates of the verdict",
        "",
        "How often is the verdict wrong? Written by `make error-rates`: signals whose truth is known, because it was",
        "planted in synthetic markets, are judged as `poc run` judges them.",
        "",
        f"{today}; rules version {STANDARD_THRESHOLDS.label}, engine version {ENGINE_VERSION}.",
        f"{len(zoo):,} signals in {n_markets:,} markets, of seeds from {first_seed:,} on. Rules are",
        "tuned on markets of other seeds, and what a characteristic pays is calibrated on others again",
        "(`benchmarks/verdict/calibrate.py`).",
        "",
        *zoo_sections(zoo, kinds),
        "",
        "## Placebos",
        "",
        "P-values against placebos of signals that know nothing, one in each of some small markets that pay for",
        "nothing.",
        "",
        *placebo_table(placebos),
        "",
        "## Intervals and p-values",
        "",
        "On simulated daily returns (`benchmarks/verdict/series.py`): autocorrelation 0.1, Student t with 5 degrees of",
        "freedom, GARCH(1, 1) volatility. The 95% interval of the Sharpe ratio should cover the true one, 0, 1 or 2;",
        "a test of something true should reject it at 5% in 5% of cases. The process has no finite fourth moment, on",
        "which the error of a Sharpe ratio rests.",
        "",
        *series_table(series),
        "",
        "The same for the null signals of the zoo, by the asymptotic t statistics of the engine. Their books lean by",
        "chance towards what their market pays for, so that their true mean is not exactly 0.",
        "",
        *null_table([row for row in zoo if row["class"] == "null"]),
    ]
    return "\n".join(lines) + "\n"


def placebo_table(rows: list[Row]) -> list[str]:
    """How often the p-value is at most a level."""
    lines = ["| level | rejected | 95% interval | cases |", "|---:|---:|---|---:|"]
    rows = [row for row in rows if row["p"] is not None]  # never invested in some of so small markets
    for level in (0.01, 0.05, 0.10, 0.50):
        hits = sum(row["p"] <= level + 1e-9 for row in rows)
        lines.append(f"| {level:.0%} | {rate_cells(hits, len(rows))} |")
    return lines


def series_table(rows: list[Row]) -> list[str]:
    """Coverage of the interval and rejections by each test, by length, beside what was set as a goal."""
    lines = ["| what | years | target | measured | 95% interval | cases | |", "|---|---:|---|---:|---|---:|---|"]
    for column, title in SERIES_STUDIES.items():
        for years in sorted({row["years"] for row in rows}):
            own = [row for row in rows if row["years"] == years]
            hits = sum(row[column] if column == "covered" else row[column] <= 0.05 for row in own)
            low, high = (0.93, 0.97) if column == "covered" else (0.03, 0.07)
            if years < 5:
                low, high = (0.90, 0.97) if column == "covered" else (0.0, 1.0)
            goal = f"{low:.0%} to {high:.0%}" if high < 1 else "none"
            met = "" if goal == "none" else band_outcome(hits, len(own), low, high)
            lines.append(f"| {title} | {years} | {goal} | {rate_cells(hits, len(own))} | {met} |")
    return lines


def band_outcome(hits: int, cases: int, low: float, high: float) -> str:
    """Whether the rate is between two bounds, and whether more cases could change that."""
    least, most = rate_interval(hits, cases)
    if low <= hits / cases <= high:
        return "met" if low <= least and most <= high else "met, more cases needed"
    return "**not met**" if most < low or least > high else "**not met**, more cases needed"


def null_table(rows: list[Row]) -> list[str]:
    """How often the t statistics of signals that know nothing are beyond 1.96."""
    lines = ["| t statistic | years | rejected at 5% | 95% interval | cases |", "|---|---:|---:|---|---:|"]
    for column, title in (("gross_t", "of the daily gross return"), ("ic_t", "of the daily IC")):
        for years in sorted({row["years"] for row in rows}):
            own = [row for row in rows if row["years"] == years]
            hits = sum(abs(row[column]) > 1.96 for row in own)
            lines.append(f"| {title} | {years} | {rate_cells(hits, len(own))} |")
    return lines


def zoo_sections(rows: list[Row], kinds: Iterable[Kind]) -> list[str]:
    """The tables of the zoo: targets, every class, power by length, what decided, kinds."""
    return [
        "## Targets",
        "",
        *targets_table(rows),
        "",
        "## Every class",
        "",
        "Pooled over all kinds of market. The last two columns are the mean of the net Sharpe ratios that the base",
        "variants showed, and the check that most often was not passed where the verdict was not green.",
        "",
        *class_table(rows),
        "",
        "## By length of history",
        "",
        *power_table(rows),
        "",
        "## What keeps a true 2.5 from green",
        "",
        *blocking_table([row for row in rows if row["class"] == "true 2.5" and row["years"] >= 5]),
        "",
        "## By kind of market",
        "",
        "Common vol: daily standard deviation of the returns of the market and of an industry. Tails: degrees of",
        "freedom of the shocks' Student t. Clustering: standard deviation of the logarithm of volatility. Crises: of",
        "one sector, a year. Leavers: share of the names that end in a year. The last columns are shares of green.",
        "",
        *kind_table(rows, kinds),
    ]


def targets_table(rows: list[Row]) -> list[str]:
    """Each target beside the measured rate."""
    lines = ["| rate | target | measured | 95% interval | cases | |", "|---|---|---:|---|---:|---|"]
    for target in TARGETS:
        cases = [row for row in rows if target.among(row)]
        hits = sum(target.hit(row) for row in cases)
        word = "at most" if target.at_most else "at least"
        met = outcome(target, hits, len(cases)) if cases else ""
        lines.append(f"| {target.title} | {word} {target.bound:.1%} | {rate_cells(hits, len(cases))} | {met} |")
    return lines


def outcome(target: Target, hits: int, cases: int) -> str:
    """Whether the rate is good enough, and whether the worse end of its interval would be too."""
    if not target.met(hits / cases):
        return "**not met**"
    low, high = rate_interval(hits, cases)
    return "met" if target.met(high if target.at_most else low) else "met, more cases needed"


def class_table(rows: list[Row]) -> list[str]:
    """The confusion table: a row a class, a column a color."""
    lines = [
        "| class | planted | cases | green | yellow | incomplete | red | net Sharpe | mostly stopped by |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name, planted in CLASSES.items():
        own = [row for row in rows if row["class"] == name]
        if own:
            colors = Counter(row["color"] for row in own)
            shares = " | ".join(f"{colors[color] / len(own):.1%}" for color in COLORS)
            sharpe = sum(row["sharpe_net"] for row in own) / len(own)
            stopped = Counter(check for row in own if row["color"] != "green" for check in row["decided_by"])
            check = f"`{stopped.most_common(1)[0][0]}`" if stopped else ""
            lines.append(f"| {name} | {planted} | {len(own):,} | {shares} | {sharpe:.2f} | {check} |")
    return lines


def power_table(rows: list[Row]) -> list[str]:
    """Share of green, and of red, by class and years."""
    lines = [
        "| class | years | green | 95% interval | cases | red | net Sharpe |",
        "|---|---:|---:|---|---:|---:|---:|",
    ]
    for name in POWER:
        for years in sorted({row["years"] for row in rows}):
            own = [row for row in rows if row["class"] == name and row["years"] == years]
            if own:
                green, red = (sum(row["color"] == color for row in own) for color in ("green", "red"))
                sharpe = sum(row["sharpe_net"] for row in own) / len(own)
                lines.append(
                    f"| {name} | {years} | {rate_cells(green, len(own))} | {red / len(own):.1%} | {sharpe:.2f} |"
                )
    return lines


def blocking_table(rows: list[Row]) -> list[str]:
    """How often each check was not passed, and how often it alone stood in the way."""
    lines = ["| check | not passed | alone |", "|---|---:|---:|"]
    stopped = Counter(check for row in rows for check in row["decided_by"])
    alone = Counter(row["decided_by"][0] for row in rows if len(row["decided_by"]) == 1)
    return lines + [
        f"| `{check}` | {count / len(rows):.1%} | {alone[check] / len(rows):.1%} |"
        for check, count in stopped.most_common()
    ]


def kind_table(rows: list[Row], kinds: Iterable[Kind]) -> list[str]:
    """What is special in each kind, and the two rates that matter most."""
    lines = [
        "| kind | years | names | common vol | tails | clustering | crises | leavers | markets | null | true 2.5 |",
        "|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in kinds:
        own = [row for row in rows if row["kind"] == kind.name]
        if not own:
            continue
        rates = []
        for name in ("null", "true 2.5"):
            cases = [row for row in own if row["class"] == name]
            rates.append(f"{sum(row['color'] == 'green' for row in cases) / max(len(cases), 1):.1%}")
        lines.append(
            f"| {kind.name} | {kind.n_years} | {kind.n_securities:,} | {kind.market_vol:.1%}, {kind.industry_vol:.1%} "
            f"| {kind.tails:g} | {kind.clustering:g} | {kind.crises_a_year:g} | {kind.leavers_a_year:.0%} "
            f"| {len({row['seed'] for row in own})} | {' | '.join(rates)} |"
        )
    return lines
