#!/bin/sh
# Makes a catalog of the neurons of the embedded language model's third block, each by itself, for pick.py.
# usage: neurons.sh UNWEAVE FOLDER      UNWEAVE: the built command; FOLDER: a new folder; both as absolute paths
set -e
cd "$(dirname "$0")/../.."
"$1" harvest --model models/english-4m --hook blocks.2.mlp.neurons --text data/corpus/train.jsonl.gz --tokens 200000 -o "$2/activations"
"$1" train "$2/activations" --architecture relu --latents 1024 --rows 4096 --batch 1024 -o "$2/neurons"
python3 tools/features/identity.py "$2/neurons"
"$1" features build "$2/neurons" --model models/english-4m --hook blocks.2.mlp.neurons
