"""Ollama's routes, and those that control the simulator."""
