"""What is measured: processes, machines, indexes, statements."""
