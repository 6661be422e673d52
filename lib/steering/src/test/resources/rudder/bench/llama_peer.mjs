// llama.cpp as a peer of the bench: node llama_peer.mjs FOLDER MODEL.gguf THREADS. FOLDER holds node_modules.
// Reads {"do": "decode", "ids": [..], "batch": B, "tokens": N} a line. Answers {"s": seconds, "rate": tokens a second
// from when every row has its first, "mb": peak memory}. Rows keep a prompt that is asked again.
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";
import readline from "node:readline";

const [folder, modelPath, threads] = process.argv.slice(2);
const found = createRequire(folder + "/").resolve("node-llama-cpp");
const {getLlama} = await import(pathToFileURL(found).href);

const answer = (start, rate) => console.log(JSON.stringify({
  s: (performance.now() - start) / 1000, rate, mb: process.resourceUsage().maxRSS / 1024}));

const llama = await getLlama({gpu: false, build: "never", maxThreads: +threads, logLevel: "error"});
const model = await llama.loadModel({modelPath, gpuLayers: 0, useMmap: true});
answer(0, 0);

let kept = {key: "", rows: [], context: null};

async function rowsFor(ids, batch, size) {
  const key = JSON.stringify([ids, batch, size]);
  if (key === kept.key) {
    for (const row of kept.rows)
      await row.eraseContextTokenRanges([{start: ids.length - 1, end: row.nextTokenIndex}]);
    return [kept.rows, ids.slice(-1)];
  }
  await kept.context?.dispose();
  const context = await model.createContext({
    contextSize: size, sequences: batch, batchSize: Math.max(512, batch * Math.min(ids.length, 16)), threads: +threads});
  kept = {key, context, rows: Array.from({length: batch}, () => context.getSequence())};
  return [kept.rows, ids];
}

for await (const line of readline.createInterface({input: process.stdin})) {
  const {ids, batch, tokens} = JSON.parse(line);
  const [rows, prompt] = await rowsFor(ids, batch, 256 * Math.ceil((ids.length + tokens + 1) / 256));
  const start = performance.now();
  let waiting = batch, written = 0, began;
  await Promise.all(rows.map(async row => {
    let n = 0;
    for await (const token of row.evaluate(prompt, {temperature: 0, yieldEogToken: true})) {
      if (waiting === 0) written++;
      if (++n === 1 && --waiting === 0) began = performance.now();
      if (n === tokens) return;
    }
    throw new Error(`a text ended after ${n} of ${tokens} tokens`);
  }));
  answer(start, 1000 * written / (performance.now() - began));
}
process.exit(0);
