"""Texts, vectors and tenants for benchmarks."""
