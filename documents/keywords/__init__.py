"""The keyword index: tokenization, terms, BM25, vocabulary, spelling, synonyms."""
