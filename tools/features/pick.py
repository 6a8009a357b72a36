#!/usr/bin/env python3
"""Makes data/features/english-4m.json: twelve latents of the demo's autoencoder, for the explainer to show where no run is served, and
data/features/english-4m-neuron.json: a neuron of the same block to compare them with.

usage: pick.py UNWEAVE SAE NEURONS OUT      UNWEAVE: the built command; SAE: the folder that `unweave demo` made; NEURONS: the folder with
                                            the catalog that neurons.sh made; OUT: data/features
"""
import gzip
import json
import pathlib
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


def corpus():
    """The texts that the examples are cut from, one after another."""
    path = pathlib.Path(__file__).parents[2] / "data" / "corpus" / "train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return "\n\0".join(json.loads(line)["text"] for line in lines)


def finished(example, texts):
    """How many of an example's pieces to show: a word that it cuts at its end is left out."""
    pieces = example["pieces"]
    text = "".join(pieces)
    at = texts.find(text)
    if at < 0 or not (text[-1].isalpha() and texts[at + len(text)].isalpha()):
        return len(pieces)
    first = len(pieces) - 1
    while first > 0 and pieces[first][0].isalpha() and pieces[first - 1][-1].isalpha():
        first -= 1
    return first if first > example["peak"] else len(pieces)


def shown_example(example, texts):
    end = finished(example, texts)
    return {"document": example["document"], "pieces": example["pieces"][:end],
            "activations": [round(a, 2) for a in example["activations"][:end]], "peak": example["peak"]}


def read(command, sae, latent, texts):
    shown = subprocess.run([command, "features", "show", sae, str(latent), "--json"], check=True, capture_output=True).stdout
    shown = json.loads(shown)
    feature, label = shown["feature"], shown["labels"][0]
    return {
        "latent": latent, "label": label["text"], "detection": round(label["detection"], 4), "fuzzing": round(label["fuzzing"], 4),
        "frequency": round(feature["frequency"], 6), "max": round(feature["max"], 4),
        "raised": [{"text": t["text"], "logit": round(t["logit"], 3)} for t in feature["raised"][:LOGITS]] if latent in TELLING else [],
        "examples": [shown_example(example, texts) for example in choose(feature)],
    }


def write(path, features):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(features, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


command, sae, neurons, out = sys.argv[1:]
texts = corpus()
write(f"{out}/english-4m.json", [read(command, sae, latent, texts) for latent in LATENTS])
write(f"{out}/english-4m-neuron.json", [read(command, neurons, NEURON, texts)])
