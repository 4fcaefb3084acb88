"""How far an engine is from first-principles data: forces, energies, surfaces."""
