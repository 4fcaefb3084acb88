"""What is simulated: crystals, doping, polymers, slabs, matches, interface models.

specs, interfaces   what the user says, and the model made of it: the main entry
model, model_io     a structure that remembers what every atom belongs to; its files
crystals, layers    the library; from what is said about a layer to its slab
registry            shifts of the film that are worth a look
elements            which elements a layer will hold, before it is built
checks, labels      what must hold; what every atom is part of
pictures, scenes    a model from the side and from above

slabs, occupation, soft_layers, matching: the folders behind them.

Geometry only: no engine, no queue.
"""
