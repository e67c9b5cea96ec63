"""A server that behaves as Ollama does, with knobs and faults, for tests, drills and benchmarks."""

from monitoring.benchmarks.standin.models import DEFAULT_MODELS, Model
from monitoring.benchmarks.standin.processes import StandInProcess
from monitoring.benchmarks.standin.running import StandIn

__all__ = ["DEFAULT_MODELS", "Model", "StandIn", "StandInProcess"]
