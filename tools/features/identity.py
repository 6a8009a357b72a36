#!/usr/bin/env python3
"""Makes a trained ReLU autoencoder with as many latents as its input is wide into the identity, so that latent i is the positive part of
input i. A catalog of it shows what each neuron does by itself.

usage: identity.py SAE      SAE: the run's folder; its host.json is removed, because the autoencoder is another one afterwards
"""
import hashlib
import json
import os
import struct
import sys

path = os.path.join(sys.argv[1], "autoencoder.safetensors")
with open(path, "rb") as file:
    whole = file.read()
size = struct.unpack("<Q", whole[:8])[0]
header = whole[8:8 + size]
described = json.loads(header)
metadata = described["__metadata__"]
width = int(metadata["input_width"])
if described["W_enc"]["shape"] != [width, width]:
    sys.exit(f"{path}: its latents are not as many as its input is wide ({described['W_enc']['shape']}); train with --latents {width}.")
data = bytearray(len(whole) - 8 - size)
for name, value in (("W_enc", 1 / float(metadata["input_scale"])), ("W_dec", 1.0)):
    start = described[name]["data_offsets"][0]
    for i in range(width):
        struct.pack_into("<f", data, start + 4 * (i * width + i), value)
header = header.replace(metadata["sha256"].encode(), hashlib.sha256(data).hexdigest().encode())
with open(path, "wb") as file:
    file.write(whole[:8] + header + data)
host = os.path.join(sys.argv[1], "host.json")
if os.path.exists(host):
    os.remove(host)
