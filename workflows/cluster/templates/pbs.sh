#!/bin/bash
#PBS -l select=$${nodes}:ncpus=$${ntasks}
#PBS -l mem=$${mem}
#PBS -l walltime=$${walltime}
#PBS -q $${queue}
#PBS -A $${account}
#PBS -N $${job_name}
#PBS -j oe
#PBS -r n
umask 077
export IONFACE_CLUSTER=$${cluster}
export PBS_WALLTIME=$${walltime_s}
$${pre_rocket}
cd $${launch_dir}
$${rocket_launch}
