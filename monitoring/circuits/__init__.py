"""Circuits and model servers: status, events, an operator's orders."""
