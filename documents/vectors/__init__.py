"""Embedding spaces, their vectors and HNSW indexes."""
