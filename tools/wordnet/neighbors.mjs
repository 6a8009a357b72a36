// Measures what the nearest neighbours of the glosses have in common in WordNet, for one or several files of embeddings.
// usage: node neighbors.mjs [embeddings.safetensors ...]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readMatrix } from "./safetensors.mjs";
import { readRelations } from "./wordnet.mjs";

const queries = 1500, near = 5;
const folder = fileURLToPath(new URL("../../data/wordnet", import.meta.url));
const files = process.argv.length > 2 ? process.argv.slice(2) : [join(folder, "embeddings.safetensors")];
const rows = readFileSync(join(folder, "texts.tsv"), "utf8").trimEnd().split("\n").slice(1).map((line) => {
  const [word, , synset] = line.split("\t");
  return { word, synset };
});
const relations = readRelations();

/** Whether two synsets are linked, share a parent, or one is the other's grandparent. */
function areClose(a, b) {
  const [one, other] = [relations.get(a), relations.get(b)];
  const above = (synset) => [...synset.parents].flatMap((parent) => [...(relations.get(parent)?.parents ?? [])]);
  return one.links.has(b) || other.links.has(a) || [...one.parents].some((parent) => other.parents.has(parent)) ||
    above(one).includes(b) || above(other).includes(a);
}

for (const file of files) {
  const { rows: vectors } = readMatrix("embeddings", readFileSync(file));
  const width = vectors[0].length;
  const dot = (a, b) => {
    let total = 0;
    for (let i = 0; i < width; i++) total += a[i] * b[i];
    return total;
  };
  const seen = { topic: 0, close: 0, word: 0 };
  const cosines = [];
  for (let query = 0; query < queries; query++) {
    const nearest = [];
    for (let row = 0; row < vectors.length; row++) {
      if (row === query) continue;
      const cosine = dot(vectors[query], vectors[row]);
      if (nearest.length === near && cosine <= nearest[near - 1][0]) continue;
      nearest.push([cosine, row]);
      nearest.sort(([x], [y]) => y - x);
      nearest.length = Math.min(nearest.length, near);
    }
    cosines.push(nearest[0][0]);
    for (const [, row] of nearest) {
      const [a, b] = [rows[query], rows[row]];
      if (relations.get(a.synset).topic === relations.get(b.synset).topic) seen.topic++;
      if (areClose(a.synset, b.synset)) seen.close++;
      if (a.word === b.word) seen.word++;
    }
  }
  cosines.sort((x, y) => x - y);
  const mean = Array.from({ length: width }, (_, j) => vectors.reduce((total, vector) => total + vector[j], 0) / vectors.length);
  const percent = (count) => `${((100 * count) / (queries * near)).toFixed(1)} %`;
  const at = (share) => cosines[Math.floor(share * (queries - 1))].toFixed(2);
  console.log(`${file}
  same lexicographer file ${percent(seen.topic)}, close in WordNet ${percent(seen.close)}, same word ${percent(seen.word)}
  mean cosine of two rows ${dot(mean, mean).toFixed(3)}; of a row and its nearest:
  5 % below ${at(0.05)}, median ${at(0.5)}, 5 % above ${at(0.95)}, 1 % above ${at(0.99)}`);
}
