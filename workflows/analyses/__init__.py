"""What `ionface analyze` does: a file for each of its commands."""
