"""Writes texts that the model continues, for its card: tokens drawn from the 40 likeliest at a temperature of 0.8."""
import argparse

import torch

from model import LanguageModel
from tokenizer import Tokenizer

STARTS = ["Fellow-Citizens of the Senate and House of Representatives:", "It was the white whale", "And the LORD said unto", "dog, hound:"]


@torch.no_grad()
def continued(model, tokenizer, start, tokens):
    ids = [0, *tokenizer.encode(start)]
    for _ in range(tokens):
        logits = model(torch.tensor([[0, *ids[1:][-(model.context - 1) :]]]))[0, -1] / 0.8
        best = torch.topk(logits, 40)
        ids.append(best.indices[torch.multinomial(torch.softmax(best.values, 0), 1)].item())
        if ids[-1] == 0:
            break
    return tokenizer.decode(ids)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--state", required=True)
    arguments.add_argument("--tokenizer", required=True)
    a = arguments.parse_args()
    torch.manual_seed(1)
    model, tokenizer = LanguageModel(), Tokenizer(a.tokenizer)
    model.load_state_dict(torch.load(a.state)["model"])
    model.eval()
    for start in STARTS:
        print(f"> **{start}**{continued(model, tokenizer, start, 90)[len(start):]}\n".replace("\n", "\n> ").rstrip("> \n") + "\n")


if __name__ == "__main__":
    main()
