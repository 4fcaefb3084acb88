"""What the engines of first-principles programs have in common, but for VASP's."""
