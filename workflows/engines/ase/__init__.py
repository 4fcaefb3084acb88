"""Engines on ASE calculators: pretrained potentials and any import path."""
