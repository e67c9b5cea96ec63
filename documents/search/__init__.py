"""The search statements: keywords and vectors within a search scope."""
