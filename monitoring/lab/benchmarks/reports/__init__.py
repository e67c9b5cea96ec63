"""Figures, targets, reports and plots."""
