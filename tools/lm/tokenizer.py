"""Byte-pair encoding over bytes, with the word pattern of GPT-2: training, the tokenizer.json file, and encoding.

The encoder here is also the reference that the C# tokenizer is tested against.
"""
import argparse
import collections
import gzip
import heapq
import json

import regex

PATTERN = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
START = "<|endoftext|>"


def byte_letters():
    """A printable character for each byte: itself where it is one, else the next one from U+0100 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters, extra = {}, 0
    for byte in range(256):
        if byte in plain:
            letters[byte] = chr(byte)
        else:
            letters[byte] = chr(0x100 + extra)
            extra += 1
    return letters


LETTERS = byte_letters()


def documents(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def train(path, size):
    counts = collections.Counter()
    for document in documents(path):
        counts.update(PATTERN.findall(document["text"]))
    words = [([LETTERS[b] for b in word.encode()], count) for word, count in counts.items()]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (parts, count) in enumerate(words):
        for pair in zip(parts, parts[1:]):
            pairs[pair] += count
            where[pair].add(i)
    vocabulary = [START, *(LETTERS[b] for b in range(256))]
    merges = []
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    while len(vocabulary) < size:
        count, pair = heapq.heappop(heap)
        if pairs[pair] != -count:  # an outdated entry: push what is true now
            if pairs[pair] > 0:
                heapq.heappush(heap, (-pairs[pair], pair))
            continue
        merged = pair[0] + pair[1]
        merges.append(pair)
        vocabulary.append(merged)
        changed = set()
        for i in where.pop(pair):
            parts, count = words[i]
            before = list(zip(parts, parts[1:]))
            if pair not in before:
                continue
            out, at = [], 0
            while at < len(parts):
                if at + 1 < len(parts) and (parts[at], parts[at + 1]) == pair:
                    out.append(merged)
                    at += 2
                else:
                    out.append(parts[at])
                    at += 1
            for old in before:
                pairs[old] -= count
            for new in zip(out, out[1:]):
                pairs[new] += count
                where[new].add(i)
                changed.add(new)
            words[i] = (out, count)
        pairs.pop(pair, None)
        for new in changed:
            heapq.heappush(heap, (-pairs[new], new))
    return vocabulary, merges


def write(path, vocabulary, merges):
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    special = {"id": 0, "content": START, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    model = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
        "vocab": {token: i for i, token in enumerate(vocabulary)},
        "merges": [" ".join(pair) for pair in merges],
    }
    whole = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special], "normalizer": None,
        "pre_tokenizer": level, "post_processor": None, "decoder": level, "model": model,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file, ensure_ascii=False, indent=1)
        file.write("\n")


class Tokenizer:
    def __init__(self, path):
        model = json.load(open(path, encoding="utf-8"))["model"]
        self.ids = model["vocab"]
        self.tokens = [token for token, _ in sorted(self.ids.items(), key=lambda pair: pair[1])]
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(model["merges"])}
        self.bytes = {letter: byte for byte, letter in LETTERS.items()}
        self.cache = {}

    def word(self, word):
        if word not in self.cache:
            parts = [LETTERS[b] for b in word.encode()]
            while len(parts) > 1:
                rank, at = min((self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
                if rank == 1 << 30:
                    break
                parts[at : at + 2] = [parts[at] + parts[at + 1]]
            self.cache[word] = [self.ids[part] for part in parts]
        return self.cache[word]

    def encode(self, text):
        return [i for word in PATTERN.findall(text) for i in self.word(word)]

    def decode(self, ids):
        return bytes(self.bytes[letter] for i in ids if i for letter in self.tokens[i]).decode("utf-8", errors="replace")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--corpus", required=True)
    arguments.add_argument("--size", type=int, default=4096)
    arguments.add_argument("--output", required=True)
    a = arguments.parse_args()
    vocabulary, merges = train(a.corpus, a.size)
    write(a.output, vocabulary, merges)
    tokenizer = Tokenizer(a.output)
    tokens = size = 0
    for number, document in enumerate(documents(a.corpus)):
        ids = tokenizer.encode(document["text"])
        assert tokenizer.decode(ids) == document["text"]
        tokens += len(ids)
        size += len(document["text"].encode())
        if number == 2000:
            break
    print(f"{len(vocabulary)} tokens, {size / tokens:.3f} bytes a token; the longest: {sorted(vocabulary, key=len)[-5:]}")


if __name__ == "__main__":
    main()
