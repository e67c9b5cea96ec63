"""One model of tables for all formats."""
