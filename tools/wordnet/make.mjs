// Makes the texts of data/wordnet: chooses the glosses and writes them with WordNet's licence. `unweave embed` makes their embeddings.
// usage: node make.mjs [folder]

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseRows, formatTexts, licence } from "./wordnet.mjs";

const folder = process.argv[2] ?? fileURLToPath(new URL("../../data/wordnet", import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [name, content] of Object.entries({ "texts.tsv": formatTexts(chooseRows()), "LICENSE-WordNet.txt": licence() })) {
  writeFileSync(join(folder, name), content);
  console.log(`${createHash("sha256").update(content).digest("hex")}  ${name}`);
}
