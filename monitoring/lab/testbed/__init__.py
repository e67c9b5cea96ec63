"""Servers, clients and faults that drills and benchmarks are made of."""
