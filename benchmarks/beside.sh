#!/usr/bin/env bash
# Times the training step in turn with another program on the same machine, and prints a Markdown table of medians over the rounds.
#
#   benchmarks/beside.sh [-r ROUNDS] [PEER...]
#
# PEER is called as `PEER BATCH D LATENTS K 0 REPEATS` and prints lines such as `dense median_ms 123.4 …`, one for each way of doing
# the step. Without it, only ours is timed. Turns are short and rounds many, because a shared machine's speed drifts.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=5
if [ "${1:-}" = "-r" ]; then
  rounds=$2
  shift 2
fi
bench=artifacts/bin/Unweave.Benchmarks/release/Unweave.Benchmarks
[ -x "$bench" ] || dotnet build -c Release benchmarks/Unweave.Benchmarks >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
shapes=("2048 768 12288 32" "4096 512 8192 64" "1024 256 4096 16")
for ((round = 1; round <= rounds; round++)); do
  for shape in "${shapes[@]}"; do
    read -r batch d latents k <<<"$shape"
    "$bench" step --batch "$batch" --d "$d" --latents "$latents" --k "$k" --repeats 5 |
      awk -v s="$shape" '/median_ms/ {print s "|" $1 "|" $3}' >>"$log"
    [ $# -eq 0 ] || "$@" "$batch" "$d" "$latents" "$k" 0 5 | awk -v s="$shape" '/median_ms/ {print s "|peer " $1 "|" $3}' >>"$log"
  done
  echo "round $round of $rounds" >&2
done

kernels=$("$bench" step --batch 8 --d 8 --latents 8 --k 1 --repeats 1 | head -n 1)
echo "$(lscpu | sed -n 's/^Model name: *//p'), $(nproc) cores, $kernels, $rounds rounds, medians in ms"
echo
echo "| batch d latents k | what | median | times ours |"
echo "|---|---|---:|---:|"
for shape in "${shapes[@]}"; do
  ours=$(grep -F "$shape|step|" "$log" | cut -d'|' -f3 | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}')
  grep -F "$shape|" "$log" | cut -d'|' -f2 | awk '!seen[$0]++' | while read -r what; do
    median=$(grep -F "$shape|$what|" "$log" | cut -d'|' -f3 | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}')
    awk -v s="$shape" -v w="$what" -v m="$median" -v o="$ours" 'BEGIN {printf "| %s | %s | %.1f | %.2f |\n", s, w, m, m / o}'
  done
done
