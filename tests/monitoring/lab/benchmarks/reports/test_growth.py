"""What counts as growing, and what as staying."""

from __future__ import annotations

import pytest

from monitoring.lab.benchmarks.reports.growth import growth_of


@pytest.mark.parametrize(
    ("samples", "constant", "flat"),
    [
        ([100.0] * 50, 0, True),
        ([*range(0, 100, 10), *([100.0] * 40)], 0, True),  # caches fill at first
        ([100.0 + number for number in range(50)], 0, False),  # a leak
        ([100.0 + number / 10 for number in range(50)], 0, True),  # 3 % in all
        ([4.0] * 40 + [6.0] * 10, 0, False),  # half as many again
        ([4.0] * 40 + [6.0] * 10, 2, True),  # ... and two are allowed whatever it was
        ([100.0] * 49 + [500.0], 0, True),  # one sample is no growth
        ([100.0] * 40 + [90.0] * 10, 0, True),  # less is fine
    ],
)
def test_growth_is_the_last_fifth_against_the_second(samples: list[float], constant: float, flat: bool) -> None:
    assert growth_of(samples).is_flat(constant) is flat


def test_the_first_fifth_does_not_count() -> None:
    assert growth_of([0.0, 10.0, 1.0, 1.0, 11.0]).absolute == 1.0


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="five samples"):
        growth_of([1.0] * 4)
