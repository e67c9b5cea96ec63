"""The way of a question from the request to its answer."""
