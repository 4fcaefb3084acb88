"""What lies between two phases: heights, layers, profiles, widths."""
