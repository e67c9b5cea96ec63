"""Postgres settings that suit a machine."""
