"""Settings, logs and the OpenAPI schema."""
