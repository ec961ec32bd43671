"""What makes a tear sheet readable for everybody, computed: contrast, colours that can be told apart, structure."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from poc.reporting import plot_parts, tearsheet
from poc.reporting.tearsheet import render_tearsheet
from poc.reporting.verdict_types import Verdict
from poc.suite.result import SuiteResult

STYLE = (Path(tearsheet.__file__).parent / "templates" / "tearsheet.css.jinja").read_text()
STATES = ("green", "yellow", "red", "incomplete")

TEXT = [(ink, paper) for paper in ("page", "card") for ink in ("ink", "soft", "accent", *STATES)]
TEXT += [(state, f"{state}-wash") for state in STATES]
TEXT += [("page", "ink")]  # the explanation of a term

# Protanopia, deuteranopia and tritanopia, complete: Machado, Oliveira and Fernandes (2009), on linear RGB.
BLINDNESS = {
    name: np.array(matrix).reshape(3, 3)
    for name, matrix in {
        "none": [1, 0, 0, 0, 1, 0, 0, 0, 1],
        "protan": [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
        "deutan": [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881],
        "tritan": [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900],
    }.items()
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def _palette(scheme: str) -> dict[str, str]:
    """The colours of the page by name; in the dark those that are not named stay as they are."""
    light, dark = re.findall(r"^ *:root[^{]*\{(.*?)\}", STYLE, re.M | re.S)[:2]
    rules = light if scheme == "light" else light + dark
    return dict(re.findall(r"--([\w-]+): *(#[0-9a-f]{6})", rules))


def _linear(color: str) -> NDArray[np.float64]:
    """Linear RGB of `#rrggbb` (WCAG 2.2, relative luminance)."""
    part = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    low, high = sorted(float(_linear(color) @ XYZ[1]) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def _lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE Lab of linear RGB, white D65."""
    ratio = XYZ @ np.clip(linear, 0, 1) / XYZ.sum(axis=1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_ruler_is_right() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    np.testing.assert_allclose(_lab(_linear("#ff0000")), [53.24, 80.09, 67.20], atol=0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), TEXT)
def test_text_has_the_contrast_of_aa(scheme: str, ink: str, paper: str) -> None:
    palette = _palette(scheme)
    assert _contrast(palette[ink], palette[paper]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_plots_and_lamps_stand_out(scheme: str) -> None:
    palette = _palette(scheme)
    for color in plot_parts.COLORS:
        assert _contrast(color, palette["card"]) >= 3, color
    for state in ("green", "red"):
        assert _contrast("#ffffff", palette[f"{state}-lamp"]) >= 3
    assert _contrast("#16191d", palette["yellow-lamp"]) >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("side", ["above", "below"])
def test_numbers_of_a_heat_map_can_be_read(scheme: str, side: str) -> None:
    palette = _palette(scheme)
    full = [
        round(0.45 * int(palette[side][at : at + 2], 16) + 0.55 * int(palette["card"][at : at + 2], 16))
        for at in (1, 3, 5)
    ]
    assert _contrast(palette["ink"], "#{:02x}{:02x}{:02x}".format(*full)) >= 4.5


@pytest.mark.parametrize("eyes", BLINDNESS)
@pytest.mark.parametrize("colors", [plot_parts.COLORS, plot_parts.COLORS[1:]], ids=["all", "baselines"])
def test_the_lines_of_a_plot_can_be_told_apart(eyes: str, colors: tuple[str, ...]) -> None:
    """Two lines whose colours are closer than 20 in CIE Lab differ by dash or width."""
    looks = [plot_parts.line_look(place, colors) for place in range(11)]
    for one, other in itertools.combinations(looks, 2):
        seen = [_lab(BLINDNESS[eyes] @ _linear(look["color"])) for look in (one, other)]
        assert np.linalg.norm(seen[0] - seen[1]) >= 20 or not all(
            one[key] == other[key] for key in ("dash", "width")
        ), (one, other)


@pytest.fixture(scope="module")
def page(suite_result: SuiteResult, verdict: Verdict) -> str:
    return render_tearsheet(suite_result, verdict, author="ada", rerun_command="poc run x")


def test_headings_come_in_order_without_a_gap(page: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_first_thing_that_takes_the_focus_skips_to_the_verdict(page: str) -> None:
    first = re.search(r"<(a|button|input|summary)\b[^>]*>", page.split("<body>")[1])
    assert first is not None
    assert 'href="#verdict"' in first[0]


def test_tables_have_captions_and_their_heads_a_scope(page: str) -> None:
    tables = re.findall(r"<table>.*?</table>", page, re.S)
    assert len(tables) > 8
    for table in tables:
        assert re.search(r"<caption>[^<]+</caption>", table)
        heads = re.findall(r"<th\b[^>]*>", table)
        assert heads
        assert all('scope="col"' in head or 'scope="row"' in head for head in heads)


def test_the_focus_is_visible_and_motion_can_be_refused() -> None:
    assert ":focus-visible { outline: 2px solid var(--accent)" in STYLE
    assert "@media (prefers-reduced-motion: reduce)" in STYLE
    for rule in re.findall(r"^([^{}]*)\{[^}]*all: unset", STYLE, re.M):
        selector = rule.strip().splitlines()[-1].strip()
        assert f"{selector}:focus-visible {{ outline: 2px solid" in STYLE, selector
