"""Curves as SVG."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from monitoring.lab.benchmarks.reports.figures import Series
from monitoring.lab.benchmarks.reports.svg_plot import Axes, picture, ticks

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def series(*points: tuple[float, float], name: str = "service", y_label: str = "answers per second") -> Series:
    return Series(name, points, "clients", y_label)


def test_a_picture_names_its_title_conditions_axes_and_curves() -> None:
    shown = texts(
        picture("streams", "model s/answer 2.00", [series((50, 20), (200, 80)), series((50, 24), name="model")])
    )
    assert {"streams", "model s/answer 2.00", "clients", "answers per second", "service", "model"} <= set(shown)
    assert {"0", "20", "40", "60", "80", "50", "200"} <= set(shown)  # of the axes


def test_text_is_escaped() -> None:
    svg = picture('<script>alert("x")</script>', "a & b", [series((1, 1), name="</svg>")])
    assert "<script>" not in svg
    assert {'<script>alert("x")</script>', "a & b", "</svg>"} <= set(texts(svg))


def test_curves_with_other_axes_get_a_chart_of_their_own() -> None:
    same = picture("t", "", [series((1, 1)), series((1, 2), name="other")])
    apart = picture("t", "", [series((1, 1)), series((1, 2), y_label="seconds")])
    assert len(ElementTree.fromstring(same).findall(f"{SVG}g")) == 1
    assert len(ElementTree.fromstring(apart).findall(f"{SVG}g")) == 2


def test_what_was_not_measured_is_left_out() -> None:
    svg = picture("t", "", [series((1, 1), (2, math.nan), (3, 3)), series((1, math.nan), name="nothing")])
    assert "nan" not in svg.lower()
    assert "nothing" not in texts(svg)


def test_no_curve_at_all_is_still_a_picture() -> None:
    assert texts(picture("t", "", [])) == ["t"]


def test_a_long_line_of_conditions_is_wrapped() -> None:
    shown = texts(picture("t", "conditions " * 40, []))
    assert len(shown) > 4
    assert max(map(len, shown)) <= 110


@pytest.mark.parametrize(
    ("top", "found"),
    [
        (97, [0, 20, 40, 60, 80, 100]),
        (0.3, [0, 0.1, 0.2, 0.3]),
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (12, [0, 2.5, 5, 7.5, 10, 12.5]),
        (0, [0, 1]),
    ],
)
def test_ticks_are_round_numbers_that_reach_the_top(top: float, found: list[float]) -> None:
    assert ticks(top) == pytest.approx(found)


def test_points_lie_where_their_values_are() -> None:
    axes = Axes((10.0, 20.0, 30.0), 100.0)
    assert axes.x(10) < axes.x(20) < axes.x(30)
    assert axes.x(20) - axes.x(10) == pytest.approx(axes.x(30) - axes.x(20))
    assert axes.y(50) == pytest.approx((axes.y(0) + axes.y(100)) / 2)
    assert axes.y(100) < axes.y(0)  # up


def test_sizes_over_decades_are_spread_evenly() -> None:
    axes = Axes((1_000.0, 10_000.0, 100_000.0), 1.0)
    assert axes.x(10_000) - axes.x(1_000) == pytest.approx(axes.x(100_000) - axes.x(10_000))
