"""Trains the language model on the training part of the corpus. A run is resumed from its last checkpoint if there is one."""
import argparse
import json
import math
import os
import time

import numpy
import torch
from torch.nn import functional

from model import LanguageModel
from tokenizer import Tokenizer, documents


def stream(path, tokenizer):
    """All documents one after another, each with the start token before it."""
    out = []
    for document in documents(path):
        out.append(numpy.array([0, *tokenizer.encode(document["text"])], dtype=numpy.uint16))
    return numpy.concatenate(out)


def windows(path, tokenizer, context):
    """Each document cut into windows of the start token and context-1 tokens, as a harvest does; ids and how many count."""
    for document in documents(path):
        ids = tokenizer.encode(document["text"])
        for at in range(0, len(ids), context - 1):
            yield [0, *ids[at : at + context - 1]]


@torch.no_grad()
def held_out_loss(model, cut, limit=None):
    """Mean nats a token over the windows: every token is predicted from those before it in its window."""
    total = count = 0
    order = sorted(range(len(cut)), key=lambda i: len(cut[i]))
    if limit:
        order = order[:: max(1, len(order) // limit)]
    for at in range(0, len(order), 64):
        rows = [cut[i] for i in order[at : at + 64]]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        wanted = torch.tensor([row[1:] + [-1] * (longest - len(row)) for row in rows])
        logits = model(ids)[:, :-1]
        total += functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), wanted.reshape(-1), ignore_index=-1, reduction="sum").item()
        count += int((wanted >= 0).sum())
    return total / count, count


class Muon:
    """Momentum whose update is made nearly orthogonal by a Newton-Schulz iteration (Jordan et al., 2024), for the inner matrices."""

    def __init__(self, weights, momentum=0.95):
        self.weights, self.momentum = list(weights), momentum
        self.moments = [torch.zeros_like(w) for w in self.weights]

    @staticmethod
    def orthogonal(g):
        x = g / (g.norm() + 1e-7)
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
        return x.T if tall else x

    @torch.no_grad()
    def step(self, rate, decay):
        for weight, moment in zip(self.weights, self.moments):
            moment.mul_(self.momentum).add_(weight.grad, alpha=1 - self.momentum)
            look_ahead = weight.grad.lerp(moment, self.momentum)
            # The rows of query, key and value are three matrices.
            parts = look_ahead.chunk(3) if weight.shape[0] == 3 * weight.shape[1] else [look_ahead]
            update = torch.cat([self.orthogonal(p) * math.sqrt(max(1, p.shape[0] / p.shape[1])) for p in parts])
            weight.mul_(1 - rate * decay).add_(update, alpha=-rate)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--corpus", required=True, help="folder of train.jsonl.gz and held-out.jsonl.gz")
    arguments.add_argument("--tokenizer", required=True)
    arguments.add_argument("--output", required=True)
    arguments.add_argument("--steps", type=int, default=3300)
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--rate", type=float, default=0.02, help="of Muon")
    arguments.add_argument("--adam-rate", type=float, default=0.003)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--threads", type=int, default=1, help="at this size, a second thread gains little")
    a = arguments.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    os.makedirs(a.output, exist_ok=True)
    tokenizer = Tokenizer(a.tokenizer)
    text = stream(f"{a.corpus}/train.jsonl.gz", tokenizer)
    held = list(windows(f"{a.corpus}/held-out.jsonl.gz", tokenizer, 128))
    model = LanguageModel()
    context = model.context
    print(f"{len(text):,} tokens, {sum(p.numel() for p in model.parameters()):,} parameters, "
          f"{a.steps * a.batch * context:,} tokens to see", flush=True)
    inner = [p for name, p in model.blocks.named_parameters() if p.dim() == 2]
    other = [p for p in model.parameters() if all(p is not q for q in inner)]
    muon = Muon(inner)
    adam = torch.optim.Adam(other, lr=a.adam_rate, betas=(0.9, 0.95), eps=1e-10)

    first, state = 0, f"{a.output}/state.pt"
    if os.path.exists(state):
        saved = torch.load(state)
        model.load_state_dict(saved["model"])
        adam.load_state_dict(saved["adam"])
        for moment, value in zip(muon.moments, saved["muon"]):
            moment.copy_(value)
        first = saved["step"]
    per_epoch = (len(text) - 2 * context) // context // a.batch
    order, epoch, started, seen = None, -1, time.time(), 0
    for step in range(first, a.steps):
        if step // per_epoch != epoch:
            epoch = step // per_epoch
            random = numpy.random.RandomState(a.seed * 1000 + epoch)
            order = random.randint(context) + context * random.permutation((len(text) - 2 * context) // context)
        at = order[(step % per_epoch) * a.batch : (step % per_epoch + 1) * a.batch]
        wanted = torch.from_numpy(numpy.stack([text[i : i + context] for i in at]).astype(numpy.int64))
        ids = torch.cat([torch.zeros(len(at), 1, dtype=torch.int64), wanted[:, :-1]], 1)
        warm, cool = min(1, (step + 1) / 100), min(1, (a.steps - step) / (0.6 * a.steps))
        logits = model(ids)
        loss = functional.cross_entropy(logits.view(-1, logits.shape[-1]), wanted.view(-1))
        for weight in model.parameters():
            weight.grad = None
        loss.backward()
        muon.step(a.rate * warm * cool, decay=0.1)
        adam.param_groups[0]["lr"] = a.adam_rate * warm * cool
        adam.step()
        seen += len(at) * context
        if (step + 1) % 25 == 0:
            print(f"step {step + 1} loss {loss.item():.4f} {seen / (time.time() - started):,.0f} tokens/s", flush=True)
        if (step + 1) % 500 == 0 or step + 1 == a.steps:
            nats, count = held_out_loss(model, held, limit=None if step + 1 == a.steps else 600)
            print(f"step {step + 1} held-out {nats:.4f} over {count:,} tokens", flush=True)
            torch.save({"model": model.state_dict(), "adam": adam.state_dict(), "muon": muon.moments, "step": step + 1}, state + ".new")
            os.replace(state + ".new", state)
    with open(f"{a.output}/run.json", "w") as file:
        settings = {k: v for k, v in vars(a).items() if k in ("steps", "batch", "rate", "adam_rate", "seed")}
        json.dump({**settings, "held_out_nats": nats, "held_out_tokens": count}, file)


if __name__ == "__main__":
    main()
