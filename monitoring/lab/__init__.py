"""Measuring tools: the Ollama simulator, the testbed, benchmarks and drills. Nothing that serves imports them."""
