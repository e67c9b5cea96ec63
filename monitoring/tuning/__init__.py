"""Postgres settings for a machine."""
