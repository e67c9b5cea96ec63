"""Indexes documents: from an uploaded file to chunks and vectors that questions search."""
