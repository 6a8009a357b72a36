#!/usr/bin/env python3
"""Makes data/fashion-mnist from Debian's package dataset-fashion-mnist: the first 10,000 training images, with their
labels, in the IDX format.

usage: subset.py [FOLDER of the package's files] OUT
"""
import gzip
import struct
import sys

COUNT = 10_000
folder = sys.argv[1] if len(sys.argv) > 2 else "/usr/share/datasets/fashion-mnist"
out = sys.argv[-1]

def cut(name, head, each):
    with gzip.open(f"{folder}/{name}.gz") as source:
        magic, _, *rest = struct.unpack(f">{head}i", source.read(4 * head))
        data = source.read(COUNT * each)
    # No time and no name in the header: the same images give the same file.
    with open(f"{out}/{name.replace('train-', '')}.gz", "wb") as target, gzip.GzipFile("", "wb", 9, target, 0) as packed:
        packed.write(struct.pack(f">{head}i", magic, COUNT, *rest) + data)

cut("train-images-idx3-ubyte", 4, 28 * 28)
cut("train-labels-idx1-ubyte", 2, 1)
