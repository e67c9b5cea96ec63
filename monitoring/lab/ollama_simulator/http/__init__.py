"""HTTP as Ollama speaks it, byte by byte."""
