"""Queues, slots and threads that questions share."""
