"""The search as Python functions, for code in this process."""
