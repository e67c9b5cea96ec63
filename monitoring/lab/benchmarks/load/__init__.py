"""Clients that put a server under load."""
