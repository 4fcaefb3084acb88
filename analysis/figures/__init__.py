"""The figures, one file for each kind; `style` gives them one look."""
