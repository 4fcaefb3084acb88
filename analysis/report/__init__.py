"""One self-contained HTML page, and tables as CSV."""
