"""The reference server that benchmarks compare with."""
