"""Splits text into lines, sentences, words and code spans."""
