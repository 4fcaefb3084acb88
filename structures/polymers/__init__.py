"""What is no crystal: polymer chains, films and amorphous layers.

chains, chain_bonds, topology    molecules as SMILES and as graphs
polymers, molecules              conformers, and one chain laid on a surface
films, film_amounts, film_chains several chains at a density ...
packing, settling, closing, repulsion      ... and how they get there
amorphous, order                 mixed at random, and whether it crystallized
integrity, spearing, molecule_report       is it still the molecule that was built?
soft, stages                     the entry for a layer, and how it is brought to rest
"""
