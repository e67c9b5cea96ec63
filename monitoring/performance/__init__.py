"""Durations of stages, percentiles, reports and recommendations."""
