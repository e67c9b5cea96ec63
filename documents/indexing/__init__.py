"""From an uploaded file to its published chunks."""
