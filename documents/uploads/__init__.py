"""How files come in: by upload and from folders."""
