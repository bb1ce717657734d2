#!/usr/bin/env bash
#SBATCH --job-name=foldvote --nodes=4 --ntasks-per-node=1 --gpus-per-node=4 --cpus-per-task=32 --time=12:00:00
# sbatch docs/slurm.sh spaces/full.py: one Ray node a Slurm node, the search on the first. Give --resume to go on.
set -euo pipefail
export RAY_USAGE_STATS_ENABLED=0 FOLDVOTE_CACHE="${TMPDIR:-/tmp}/foldvote"
bin=/shared/foldvote/.venv/bin
RAY_AUTH_TOKEN="$("$bin/ray" get-auth-token --generate)"  # whoever knows it may run code; srun hands it on
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
# Its first address; --ip-address is 127.0.1.1 on Debian. With several networks write down the one for Ray.
head=$(srun --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" hostname --all-ip-addresses | cut -d' ' -f1)
srun --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" \
    "$bin/ray" start --head --node-ip-address="$head" --port=6379 --dashboard-host=127.0.0.1 --block &
sleep 15
for node in "${nodes[@]:1}"; do
    srun --nodes=1 --ntasks=1 --nodelist="$node" "$bin/ray" start --address="$head:6379" --block &
done
sleep 15
"$bin/python" -m search.run "$@" --address "$head:6379" --data /shared/data --out /shared/runs --hours 11.5
