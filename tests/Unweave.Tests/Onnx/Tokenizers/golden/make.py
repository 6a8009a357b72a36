"""Trains small SentencePiece models on texts of the repository and writes what the library itself makes of some texts.

python3 make.py ROOT, with sentencepiece 0.1.97 (Debian: python3-sentencepiece). Writes NAME.model and NAME.json beside this file.
"""

import json
import os
import sys

import sentencepiece

here = os.path.dirname(os.path.abspath(__file__))
root = sys.argv[1]
symbols = ["<think>", "==", "  ", "▁▁▁", "ing", "é!", "日本", "the"]
settings = {
    "unigram": dict(model_type="unigram"),
    "unigram-bytes": dict(model_type="unigram", byte_fallback=True, remove_extra_whitespaces=False),
    "bpe": dict(model_type="bpe"),
    "bpe-bytes": dict(model_type="bpe", byte_fallback=True, remove_extra_whitespaces=False, add_dummy_prefix=False),
}
texts = [
    "", " ", "  ", "a", "the", "the the", "thing", "something singing in the ring", "a<think>b", "<think>", " <think> ", "====", "=====",
    "a==b", "a = = b", "x  y", "x   y", "x    y", "    x", "x    ", "▁▁▁", "▁▁", "a▁▁▁b", "a ▁▁ b", "▁ ▁▁",
    "é!", "é", "e\u0301!", "日本", "日本語の日本", "日 本", "The cat sat on the mat.", "weaving and unweaving",
    "other, then their theme", "line\nline", "tab\ttab", "\r\n", "🙂", "👩‍👩‍👧‍👦 family", "12345 67.89", "x²", "ﬁ",
    "Ａ", "naïve café", "Straße", "สวัสดี", "مرحبا", "हिन्दी", "\u00a0x", "\u200bx", "don't",
    "ingingthething", "th e", "<s>", "</s>x", "<unk>", "<0x41>", "a\u0000b", "if (a == b) { return; }", "=" * 33, " " * 33 + "x",
    "ing" * 20, "the" * 20, "abcdefghijklmnopqrstuvwxyz", "Sparse autoencoders unweave activations into latents.",
    "mixed 日本 the ▁ ==ing<think>é! end",
]
for name, options in settings.items():
    sentencepiece.SentencePieceTrainer.train(
        input=[os.path.join(root, "README.md"), os.path.join(root, "docs", "architecture.md")], model_prefix=os.path.join(here, name),
        vocab_size=640 if "bytes" in name else 380, character_coverage=0.995, normalization_rule_name="identity",
        user_defined_symbols=symbols, control_symbols=["<mask>"], num_threads=1, minloglevel=2, **options)
    os.remove(os.path.join(here, f"{name}.vocab"))
    model = sentencepiece.SentencePieceProcessor(model_file=os.path.join(here, f"{name}.model"))
    with open(os.path.join(here, f"{name}.json"), "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f"{json.dumps(text)}: {model.encode(text)}" for text in texts) + "\n}\n")
