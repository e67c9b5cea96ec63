"""What a question asks for: its parts, answer type, identifiers."""
