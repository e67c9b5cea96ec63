"""Pure text stages: normalization, headings, chunking, tables in a text."""
