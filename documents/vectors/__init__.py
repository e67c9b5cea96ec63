"""Computes vectors, and manages embedding spaces and their HNSW indexes."""
