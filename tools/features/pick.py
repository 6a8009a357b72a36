#!/usr/bin/env python3
"""Makes data/features/english-4m.json: twelve latents of the demo's autoencoder, for the explainer to show where no run is served.

usage: pick.py UNWEAVE SAE OUT      UNWEAVE: the built command; SAE: the folder that `unweave demo` made
"""
import json
import subprocess
import sys

LATENTS = [3421, 741, 3346, 1075, 3181, 308, 1461, 2342, 2828, 863, 1292, 1911]
EXAMPLES, LOGITS = 6, 6

command, sae, out = sys.argv[1:]
features = []
for latent in LATENTS:
    shown = json.loads(subprocess.run([command, "features", "show", sae, str(latent), "--json"], check=True, capture_output=True).stdout)
    feature, label = shown["feature"], shown["labels"][0]
    # From the upper half of the bands of strength: strong enough to show what it is about, and not the very strongest, which are alike.
    bands = feature["quantiles"][len(feature["quantiles"]) // 2:]
    drawn = [example for band in bands for example in band["examples"]]
    drawn.sort(key=lambda example: -example["activation"])
    chosen, words = [], {}
    for limit in (1, 2, EXAMPLES):
        for example in drawn:
            word = example["pieces"][example["peak"]].strip().lower()
            if len(chosen) < EXAMPLES and example not in chosen and len(example["pieces"]) >= 12 and words.get(word, 0) < limit:
                words[word] = words.get(word, 0) + 1
                chosen.append(example)
    chosen.sort(key=lambda example: -example["activation"])
    features.append({
        "latent": latent, "label": label["text"], "detection": round(label["detection"], 4), "fuzzing": round(label["fuzzing"], 4),
        "frequency": round(feature["frequency"], 6), "max": round(feature["max"], 4),
        "raised": [{"text": t["text"], "logit": round(t["logit"], 3)} for t in feature["raised"][:LOGITS]],
        "lowered": [{"text": t["text"], "logit": round(t["logit"], 3)} for t in feature["lowered"][:LOGITS]],
        "examples": [{"document": e["document"],
                      "pieces": e["pieces"], "activations": [round(a, 2) for a in e["activations"]], "peak": e["peak"]}
                     for e in chosen],
    })
with open(out, "w", encoding="utf-8") as file:
    json.dump(features, file, ensure_ascii=False, separators=(",", ":"))
    file.write("\n")
