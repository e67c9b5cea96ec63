"""Settings, logging and the OpenAPI schema."""
