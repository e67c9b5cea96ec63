"""Texts, vectors and tenants that benchmarks are run on."""
