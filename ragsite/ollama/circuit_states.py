"""States of a circuit, and the admission of one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pybreaker

State = Literal["CLOSED", "OPEN", "HALF_OPEN", "UNKNOWN"]
STATES: dict[str, State] = {
    pybreaker.STATE_CLOSED: "CLOSED",
    pybreaker.STATE_OPEN: "OPEN",
    pybreaker.STATE_HALF_OPEN: "HALF_OPEN",
}


@dataclass(frozen=True, slots=True)
class Admission:
    """The right to make one call. An outcome counts only in the epoch of its admission."""

    epoch: int
    is_probe: bool = False
