"""A server that behaves as Ollama does, with knobs and faults, for tests, drills and benchmarks."""

from monitoring.lab.ollama_simulator.model.models import DEFAULT_MODELS, Model
from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.ollama_simulator.running import StandIn

__all__ = ["DEFAULT_MODELS", "Model", "StandIn", "StandInProcess"]
