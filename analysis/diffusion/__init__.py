"""How atoms move: displacements, diffusion, profiles along the normal, the run itself.

unwrap       trajectories without the jumps at the cell's borders
drift        which motion is nobody's own, and taking it away
paths        unwrapped, drift-free positions of chosen atoms, in the interface's frame
msd          mean squared displacements at every lag
diffusion    coefficients with error bars, and whether the motion is diffusive at all
slopes       the line through an MSD, and what speaks against it
brownian     how noisy the displacements of random walkers are
arrhenius    activation energies, and extrapolation to other temperatures
conductivity what ions that diffuse carry
heights      heights over the a-b plane, and the layers they form
profiles     densities along the normal, against time
fronts       where one phase ends and another begins
interphase   how wide the region is where two phases have mixed
layers       coordination numbers layer by layer
run_checks   whether a run may be trusted, by its run_judgements
thermal      temperatures and degrees of freedom
series       means and trends of correlated values
"""
