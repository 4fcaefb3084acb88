"""What is simulated: crystals, slabs, matches, polymers, interface models.

specs, interface    what the user says, and the model made of it: the main entry
materials           what a material may be given as: a name, a file, a structure
stacking            both sides in one cell, and how far apart they stand at first
model, labels       a structure that remembers what every atom belongs to; its files
film_registry       in-plane shifts of the film that are worth a look
ledger_cell         the cell and vacuum that all energies of one interface share
elements            which elements a layer will hold, before it is built
groups              which atoms stay together, and whether all of them are there
checks, periodic    what must hold; distances under periodic boundaries
limits, choices     what numbers an interface may have; what may be chosen of it
sandwich            sandwiches whose two interfaces are one and the same
own_interface       an interface that was built elsewhere, as a model
clusters            pieces of large cells, small enough for first principles
drawing             a model from the side and from above

crystals, slabs, matching, disorder, polymers: the folders behind them; phases: cells
of competing phases.

Geometry only: no engine, no queue.
"""
