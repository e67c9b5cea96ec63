"""Circuits and model servers: their status, their events and the orders of an operator."""
