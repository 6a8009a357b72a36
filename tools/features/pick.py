#!/usr/bin/env python3
"""Makes data/features/english-4m.json: twelve latents of the demo's autoencoder, for the explainer to show where no run is served, and
data/features/english-4m-neuron.json: a neuron of the same block to compare them with.

usage: pick.py UNWEAVE SAE NEURONS OUT      UNWEAVE: the built command; SAE: the folder that `unweave demo` made; NEURONS: the folder with
                                            the catalog that neurons.sh made; OUT: data/features
"""
import json
import subprocess
import sys

# Chosen by hand for meaning something that a person can name, the clearest first.
LATENTS = [206, 1948, 3594, 3546, 863, 185, 308, 3728, 3346, 3349, 2229, 2174]
# Those whose strongest logits are words that fit; the others' are noise to a reader.
TELLING = {1948, 3594, 3546, 863}
NEURON = 308
EXAMPLES, LOGITS = 6, 6


def words(example):
    return example["pieces"][example["peak"]].strip().lower()


def choose(feature):
    """Examples of at least half of the strongest activation: from the bands, drawn at random, then from the very strongest."""
    found = [e for band in feature["quantiles"] for e in band["examples"]] + feature["top"]
    strong = [e for e in found if e["activation"] >= feature["max"] / 2 and len(e["pieces"]) >= 12]
    chosen, seen = [], {}
    for limit in (1, 2, EXAMPLES):
        for example in strong:
            word = words(example)
            if len(chosen) < EXAMPLES and seen.get(word, 0) < limit and all(e["row"] != example["row"] for e in chosen):
                seen[word] = seen.get(word, 0) + 1
                chosen.append(example)
    return sorted(chosen, key=lambda example: -example["activation"])


def read(command, sae, latent):
    shown = subprocess.run([command, "features", "show", sae, str(latent), "--json"], check=True, capture_output=True).stdout
    shown = json.loads(shown)
    feature, label = shown["feature"], shown["labels"][0]
    return {
        "latent": latent, "label": label["text"], "detection": round(label["detection"], 4), "fuzzing": round(label["fuzzing"], 4),
        "frequency": round(feature["frequency"], 6), "max": round(feature["max"], 4),
        "raised": [{"text": t["text"], "logit": round(t["logit"], 3)} for t in feature["raised"][:LOGITS]] if latent in TELLING else [],
        "examples": [{"document": e["document"],
                      "pieces": e["pieces"], "activations": [round(a, 2) for a in e["activations"]], "peak": e["peak"]}
                     for e in choose(feature)],
    }


def write(path, features):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(features, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


command, sae, neurons, out = sys.argv[1:]
write(f"{out}/english-4m.json", [read(command, sae, latent) for latent in LATENTS])
write(f"{out}/english-4m-neuron.json", [read(command, neurons, NEURON)])
