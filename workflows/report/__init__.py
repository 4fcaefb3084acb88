"""The report of a project: results, figures, one page."""
