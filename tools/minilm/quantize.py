#!/usr/bin/env python3
"""Quantizes a BERT encoder in ONNX to 8-bit integers, in the standard operators of opset 11 and later.

usage: quantize.py IN.onnx OUT.onnx [--bits 7] [--output last_hidden_state]

A product with constant weights becomes DynamicQuantizeLinear of its left side (one scale for a tensor, taken as it comes), MatMulInteger
with weights of one scale a column, and a multiplication with both scales. The tables of embeddings become 8-bit integers with one scale a
row. What the output does not depend on, such as the pooler, is left out.

Seven bits are enough for weights and safe everywhere: processors without VNNI add pairs of 8-bit products in 16 bits, which saturate.
"""

import argparse
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST_TABLE = 50_000  # numbers; smaller tables gain nothing


def quantized(weights, axis, levels):
    """Symmetric integers of `weights`, one scale for each place that is left when `axis` is reduced."""
    scales = np.maximum(np.abs(weights).max(axis, keepdims=True), 1e-12) / levels
    return np.clip(np.rint(weights / scales), -levels, levels).astype(np.int8), scales.astype(np.float32)


class Quantizer:
    def __init__(self, graph, levels):
        self.graph = graph
        self.levels = levels
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.transposed = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Transpose"}
        self.nodes = []
        self.weights = {}  # by the name that a product reads: the names of integers, scales and zeros
        self.activations = {}  # by tensor: the names of integers, scale and zero
        self.products = self.tables = 0

    def run(self):
        for node in self.graph.node:
            if node.op_type == "MatMul" and (weights := self.matrix(node.input[1])) is not None:
                self.product(node, weights)
            elif node.op_type == "Gather" and (table := self.table(node.input[0])) is not None:
                self.gather(node, table)
            else:
                self.nodes.append(node)
        return self.nodes

    def matrix(self, name):
        """The constant matrix of that name, also where the graph transposes one; else None."""
        turned = self.transposed.get(name)
        stored = self.constants.get(turned or name)
        if stored is None or len(stored.dims) != 2:
            return None
        values = numpy_helper.to_array(stored)
        return values.T if turned else values

    def table(self, name):
        stored = self.constants.get(name)
        is_floats = stored is not None and stored.data_type == TensorProto.FLOAT and len(stored.dims) == 2
        large = is_floats and np.prod(stored.dims) > SMALLEST_TABLE
        return numpy_helper.to_array(stored) if large else None

    def store(self, name, values):
        self.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind, inputs, outputs, name, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=name, **attributes))

    def product(self, node, weights):
        left, right, out = node.input[0], node.input[1], node.output[0]
        if right not in self.weights:
            stem = right.replace("/", "_")
            integers, scales = quantized(weights, 0, self.levels)
            self.weights[right] = (
                self.store(stem + "_q8", integers),
                self.store(stem + "_s8", scales[0]),
                self.store(stem + "_z8", np.zeros(integers.shape[1], np.int8)),
            )
        if left not in self.activations:
            self.activations[left] = (left + "_q", left + "_sc", left + "_zp")
            self.add("DynamicQuantizeLinear", [left], self.activations[left], left + "_dql")
        integers, scales, zeros = self.weights[right]
        left_integers, left_scale, left_zero = self.activations[left]
        self.add("MatMulInteger", [left_integers, integers, left_zero, zeros], [out + "_i32"], out + "_mmi")
        self.add("Cast", [out + "_i32"], [out + "_f"], out + "_cast", to=TensorProto.FLOAT)
        self.add("Mul", [left_scale, scales], [out + "_s"], out + "_muls")
        self.add("Mul", [out + "_f", out + "_s"], [out], out + "_mulo")
        self.products += 1

    def gather(self, node, table):
        stem, out = node.input[0].replace("/", "_"), node.output[0]
        integers, scales = quantized(table, 1, 127)
        self.add("Gather", [self.store(stem + "_q8", integers), node.input[1]], [out + "_q"], out + "_gq", axis=0)
        self.add("Cast", [out + "_q"], [out + "_qf"], out + "_gc", to=TensorProto.FLOAT)
        self.add("Gather", [self.store(stem + "_s8", scales), node.input[1]], [out + "_s"], out + "_gs", axis=0)
        self.add("Mul", [out + "_qf", out + "_s"], [out], out + "_gm")
        self.tables += 1


def prune(graph, nodes, output):
    """Keeps one output and what it depends on."""
    kept = [value for value in graph.output if value.name == output]
    if not kept:
        raise SystemExit(f"The graph has no output {output}; it has {', '.join(value.name for value in graph.output)}.")
    needed, live = {output}, []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            live.append(node)
            needed.update(node.input)
    replace(graph.node, live[::-1])
    replace(graph.output, kept)
    replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in needed])
    replace(graph.input, [value for value in graph.input if value.name in needed])
    del graph.value_info[:]


def replace(field, values):
    values = list(values)
    del field[:]
    field.extend(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--bits", type=int, default=7, choices=range(2, 9), help="bits of a weight, its sign included")
    parser.add_argument("--output", default="last_hidden_state", help="the output that is kept")
    chosen = parser.parse_args()

    model = onnx.load(chosen.model)
    quantizer = Quantizer(model.graph, 2 ** (chosen.bits - 1) - 1)
    prune(model.graph, quantizer.run(), chosen.output)
    onnx.save(model, chosen.out)
    print(f"{quantizer.products} products and {quantizer.tables} tables quantized, {os.path.getsize(chosen.out):,} bytes")


if __name__ == "__main__":
    main()
