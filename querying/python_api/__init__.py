"""The same answers for Python code in the process."""
