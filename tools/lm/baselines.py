"""Held-out loss of a unigram and of a 5-gram model with modified Kneser-Ney smoothing (Chen and Goodman, 1999), interpolated.

Both see the same tokens as the Transformer, and more context at a window's start: the 5-gram's history runs through a document.
"""
import argparse
import math

import numpy

from tokenizer import Tokenizer, documents

BITS = 12  # a token; five of them fit in 60 bits
ORDER = 5


def read(path, tokenizer):
    ids, size = [], 0
    for document in documents(path):
        ids.append(numpy.array([0, *tokenizer.encode(document["text"])], dtype=numpy.int64))
        size += len(document["text"].encode())
    return ids, size


def grams(ids, n):
    """Packed n-grams that end at each token after the start token and have n-1 tokens before them in their document."""
    out = []
    for document in ids:
        if len(document) >= max(n, 2):
            first = 1 if n == 1 else n - 1
            key = numpy.zeros(len(document) - first, dtype=numpy.int64)
            for back in range(n - 1, -1, -1):
                key = (key << BITS) | document[first - back : len(document) - back]
            out.append(key)
    return numpy.concatenate(out)


def lookup(keys, values, wanted):
    at = numpy.minimum(numpy.searchsorted(keys, wanted), len(keys) - 1)
    return numpy.where(keys[at] == wanted, values[at], 0)


class KneserNey:
    def __init__(self, ids):
        raw = {n: numpy.unique(grams(ids, n), return_counts=True) for n in range(1, ORDER + 1)}
        self.levels = []
        for n in range(1, ORDER + 1):
            keys, counts = raw[n]
            if n < ORDER:
                # How many different tokens were seen before it; what starts a document has none before it and keeps its count.
                follow, different = numpy.unique(raw[n + 1][0] & ((1 << (BITS * n)) - 1), return_counts=True)
                starts = (keys >> (BITS * (n - 1))) == 0 if n > 1 else numpy.zeros(len(keys), dtype=bool)
                counts = numpy.where(starts, counts, lookup(follow, different, keys))
                keys, counts = keys[counts > 0], counts[counts > 0]
            n1, n2, n3, n4 = (int((counts == i).sum()) for i in (1, 2, 3, 4))
            y = n1 / (n1 + 2 * n2)
            discount = numpy.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / max(n2, 1), 3 - 4 * y * n4 / max(n3, 1)])
            history, where = numpy.unique(keys >> BITS, return_inverse=True)
            totals = numpy.bincount(where, counts)
            freed = numpy.bincount(where, discount[numpy.minimum(counts, 3)])
            self.levels.append((keys, counts, discount, history, totals, freed))

    def loss(self, ids):
        """Nats of each token, document after document."""
        out = []
        for document in ids:
            p = numpy.full(len(document) - 1, 1 / (1 << BITS))
            for n, (keys, counts, discount, history, totals, freed) in enumerate(self.levels, start=1):
                if len(document) < max(n, 2):
                    break
                key = grams([document], n)
                count = lookup(keys, counts, key)
                total = lookup(history, totals, key >> BITS)
                gamma = lookup(history, freed, key >> BITS)
                tail = p[len(p) - len(key) :]
                known = total > 0
                mixed = (numpy.maximum(count - discount[numpy.minimum(count, 3)], 0) + gamma * tail) / numpy.maximum(total, 1)
                p[len(p) - len(key) :] = numpy.where(known, mixed, tail)
            out.append(-numpy.log(p))
        return numpy.concatenate(out)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--corpus", required=True)
    arguments.add_argument("--tokenizer", required=True)
    a = arguments.parse_args()
    tokenizer = Tokenizer(a.tokenizer)
    train, _ = read(f"{a.corpus}/train.jsonl.gz", tokenizer)
    held, size = read(f"{a.corpus}/held-out.jsonl.gz", tokenizer)
    counts = numpy.bincount(grams(train, 1), minlength=1 << BITS) + 1
    unigram = -numpy.log(counts / counts.sum())[grams(held, 1)]
    model = KneserNey(train)
    # Interpolation must give a distribution: summed over all next tokens, it is 1 after any history.
    for history in ([0, 5], [0, 300, 400, 500, 600, 700]):
        total = sum(math.exp(-model.loss([numpy.array([*history, w])])[-1]) for w in range(1 << BITS))
        assert abs(total - 1) < 1e-9, total
    five = model.loss(held)
    for name, nats in (("unigram", unigram), ("5-gram", five)):
        print(f"{name}: {nats.mean():.4f} nats a token, "
              f"{nats.sum() / math.log(2) / size:.4f} bits a byte, {len(nats):,} tokens, {size:,} bytes")


if __name__ == "__main__":
    main()
