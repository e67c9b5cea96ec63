"""Builds and reads the keyword index: tokenization, terms, BM25, vocabulary, spelling and synonyms."""
