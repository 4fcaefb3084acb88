"""What is no crystal: polymer chains, films and amorphous layers.

film_layer          the entry for a layer, and how it is brought to rest
chains, topology    molecules as SMILES and as graphs
oligomers           conformers, and one chain laid on a surface
films               several chains at a density ...
packing, compression            ... and how they get there
amorphous, crystallinity        mixed at random, and whether it crystallized
integrity, ring_penetration     is it still the molecule that was built?
"""
