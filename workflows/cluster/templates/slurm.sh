#!/bin/bash
#SBATCH --nodes=$${nodes}
#SBATCH --ntasks=$${ntasks}
#SBATCH --cpus-per-task=$${cpus_per_task}
#SBATCH --gpus-per-node=$${gpus}
#SBATCH --mem=$${mem}
#SBATCH --time=$${walltime}
#SBATCH --partition=$${queue}
#SBATCH --account=$${account}
#SBATCH --qos=$${qos}
#SBATCH --constraint=$${constraint}
#SBATCH --signal=$${signal}
#SBATCH --job-name=$${job_name}
#SBATCH --output=batch-%j.out
#SBATCH --error=batch-%j.out
#SBATCH --no-requeue
umask 077
export IONFACE_CLUSTER=$${cluster}
$${pre_rocket}
cd $${launch_dir}
$${rocket_launch}
