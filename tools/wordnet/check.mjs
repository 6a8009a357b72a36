// Checks data/wordnet against its sources and by meaning; exits with 1 when something is off.
// usage: node check.mjs [folder]

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embedAll, loadEncoder, width } from "./encoder.mjs";
import { definitions, sentences } from "./pairs.mjs";
import { fromHalf, readMatrix, toHalf } from "./safetensors.mjs";
import { chooseRows, formatTexts, licence, quotas } from "./wordnet.mjs";

const folder = process.argv[2] ?? fileURLToPath(new URL("../../data/wordnet", import.meta.url));
const read = (name) => readFileSync(join(folder, name));

let failures = 0;
function check(passed, what) {
  if (!passed) failures++;
  console.log(`${passed ? "ok    " : "FAILED"} ${what}`);
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => sum(values) / values.length;
const dot = (a, b) => a.reduce((total, value, i) => total + value * b[i], 0);
const norm = (a) => Math.sqrt(dot(a, a));
const span = (values) => `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}, mean ${mean(values).toFixed(2)}`;

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
const { rows: vectors, metadata, dataStart } = readMatrix("embeddings", read("embeddings.safetensors"));
const norms = vectors.map(norm);
const worstNorm = Math.max(...norms.map((value) => Math.abs(value - 1)));
const average = Array.from({ length: width }, (_, j) => sum(vectors.map((vector) => vector[j])) / vectors.length);
check(dataStart % 64 === 0, `the numbers start at byte ${dataStart}, a multiple of 64`);
check(vectors.length === rows.length && metadata.rows === String(rows.length), "as many embeddings as texts");
check(vectors.every((vector) => vector.length === width && vector.every(Number.isFinite)), `all embeddings are finite, ${width} wide`);
check(worstNorm < 1e-2, `all embeddings have norm 1 within ${worstNorm.toExponential(1)} (mean norm ${mean(norms).toFixed(5)})`);
const bytes = new Set(vectors.map((vector) => Buffer.from(vector.buffer).toString("latin1")));
check(bytes.size === rows.length, "no embedding appears twice");
const shared = norm(average); // its square is the mean cosine of two rows
console.log(`       norm of the mean embedding ${shared.toFixed(3)}, mean cosine of two rows ${(shared ** 2).toFixed(2)}`);

// The embeddings belong to the texts: fifty rows, chosen by a hash of their synsets, embedded again one by one.
const encoder = await loadEncoder();
const hash = (row) => createHash("sha256").update(`check ${rows[row].synset}`).digest("hex");
const drawn = [...rows.keys()].map((row) => [hash(row), row]).sort().slice(0, 50).map(([, row]) => row);
const again = (await embedAll(encoder, drawn.map((row) => rows[row].gloss), () => {}, 1)).flat();
const stored = drawn.flatMap((row) => [...vectors[row]]);
const worst = Math.max(...stored.map((value, i) => Math.abs(value - again[i])));
const allowed = 2 ** (Math.floor(Math.log2(Math.max(...stored.map(Math.abs)))) - 11); // half a step of the largest value
const different = stored.filter((value, i) => value !== fromHalf(toHalf(again[i]))).length;
check(worst <= allowed + 1e-6,
  `50 rows embedded again differ by at most ${worst.toExponential(2)}, rounding allows ${allowed.toExponential(2)}; ` +
  `${different} of ${stored.length} halves differ`);

// The model: what says the same is near, what is unrelated is far.
async function checkPairs(name, pairs, least) {
  const [first, second] = [0, 1].map((side) => pairs.map((pair) => pair[side]));
  const [a, b] = [await embedAll(encoder, first), await embedAll(encoder, second)];
  const same = a.map((vector, i) => dot(vector, b[i]));
  const unrelated = a.map((vector, i) => dot(vector, b[(i + 1) % b.length]));
  check(Math.min(...same) > least && mean(same) > 0.6, `${same.length} pairs of paraphrased ${name}: cosine ${span(same)}`);
  const low = unrelated.filter((value) => value < 0.2).length;
  check(Math.max(...unrelated) < 0.35 && mean(unrelated) < 0.25,
    `${unrelated.length} pairs of unrelated ${name}: cosine ${span(unrelated)}, ${low} below 0.2`);
}
await checkPairs("sentences", sentences, 0.6);
await checkPairs("definitions", definitions, 0.5); // definitions share their form, so they differ less sharply

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
