// Checks data/wordnet against its sources; exits with 1 when something is off. What the sentence encoder itself is worth, the tests of the
// library check (EmbeddedEncoderTests).
// usage: node check.mjs [folder]

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readMatrix } from "./safetensors.mjs";
import { chooseRows, formatTexts, licence, quotas } from "./wordnet.mjs";

const width = 384;
const folder = process.argv[2] ?? fileURLToPath(new URL("../../data/wordnet", import.meta.url));
const read = (name) => readFileSync(join(folder, name));

let failures = 0;
function check(passed, what) {
  if (!passed) failures++;
  console.log(`${passed ? "ok    " : "FAILED"} ${what}`);
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const dot = (a, b) => a.reduce((total, value, i) => total + value * b[i], 0);
const norm = (a) => Math.sqrt(dot(a, a));

// The texts.
const text = read("texts.tsv").toString("utf8");
const rows = text.trimEnd().split("\n").slice(1).map((line) => {
  const [word, pos, synset, gloss, ...rest] = line.split("\t");
  return { word, pos, synset, gloss, complete: word && pos && synset && gloss && rest.length === 0 };
});
check(rows.every(({ complete }) => complete), `${rows.length} rows of four fields`);
for (const [pos, quota] of Object.entries(quotas)) {
  const count = rows.filter((row) => row.pos === pos).length;
  check(count === quota, `${count} rows are ${pos}`);
}
check(new Set(rows.map(({ gloss }) => gloss)).size === rows.length, "no gloss appears twice");
check(new Set(rows.map(({ synset }) => synset)).size === rows.length, "no synset appears twice");
check(text === formatTexts(chooseRows()), "texts.tsv is what WordNet and the choice give");
check(read("LICENSE-WordNet.txt").toString("utf8") === licence(), "the licence is WordNet's own");

// The embeddings.
const { rows: vectors, dataStart } = readMatrix("embeddings", read("embeddings.safetensors"));
const norms = vectors.map(norm);
const worstNorm = Math.max(...norms.map((value) => Math.abs(value - 1)));
const average = Array.from({ length: width }, (_, j) => sum(vectors.map((vector) => vector[j])) / vectors.length);
check(dataStart % 64 === 0, `the numbers start at byte ${dataStart}, a multiple of 64`);
check(vectors.length === rows.length, "as many embeddings as texts");
check(vectors.every((vector) => vector.length === width && vector.every(Number.isFinite)), `all embeddings are finite, ${width} wide`);
check(worstNorm < 1e-3, `all embeddings have norm 1 within ${worstNorm.toExponential(1)}`);
const bytes = new Set(vectors.map((vector) => Buffer.from(vector.buffer).toString("latin1")));
const same = rows.length - bytes.size;
check(same <= 50, `${same} embeddings are the same as another's`);
const shared = norm(average); // its square is the mean cosine of two rows
console.log(`       norm of the mean embedding ${shared.toFixed(3)}, mean cosine of two rows ${(shared ** 2).toFixed(3)}`);

// The files are those that the card describes.
const card = read("CARD.md").toString("utf8");
for (const name of ["embeddings.safetensors", "texts.tsv", "LICENSE-WordNet.txt"])
  check(card.includes(createHash("sha256").update(read(name)).digest("hex")), `the card gives the checksum of ${name}`);
const size = sum(readdirSync(folder).map((name) => statSync(join(folder, name)).size));
check(size <= 40e6, `${(size / 1e6).toFixed(1)} MB in all, at most 40`);

console.log("\nNearest neighbours, to read:");
for (let row = 0; row < 10; row++) {
  const cosines = vectors.map((vector, i) => [i === row ? -1 : dot(vector, vectors[row]), i]);
  const nearest = cosines.sort(([x], [y]) => y - x).slice(0, 3);
  console.log(`${rows[row].word}: ${rows[row].gloss}`);
  for (const [cosine, i] of nearest) console.log(`  ${cosine.toFixed(2)} ${rows[i].word}: ${rows[i].gloss}`);
}

console.log(failures === 0 ? "\nAll checks passed." : `\n${failures} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;
