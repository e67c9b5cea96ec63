"""Decides who may read and change which corpora and documents, and what a cached answer depends on."""
