"""Measuring tools: nothing that serves imports them."""
