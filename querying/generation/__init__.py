"""Builds prompts, and reads citations and refusals in what a language model writes."""
