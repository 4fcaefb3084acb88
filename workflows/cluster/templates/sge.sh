#!/bin/bash
#$ -pe mpi $${ntasks}
#$ -l h_rt=$${walltime}
#$ -l h_vmem=$${mem}
#$ -q $${queue}
#$ -A $${account}
#$ -N $${job_name}
#$ -notify
#$ -r n
#$ -j y
#$ -cwd
umask 077
export IONFACE_CLUSTER=$${cluster}
export IONFACE_WALLTIME_S=$${walltime_s}
$${pre_rocket}
cd $${launch_dir}
$${rocket_launch}
