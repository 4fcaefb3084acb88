"""How atoms move: displacements, diffusion coefficients, activation energies.

diffusion            coefficients with error bars, or why the motion is not diffusive
msd                  mean squared displacements at every lag
msd_fit              the line through an MSD, its error, and what speaks against it
arrhenius            activation energies, extrapolation, what diffusing ions carry
unwrapped_positions  positions continuous in time and free of drift
"""
