"""What a model's text must pass before it is shown."""
