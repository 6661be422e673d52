// llama.cpp as a peer of the bench: node llama_peer.mjs FOLDER MODEL.gguf THREADS. FOLDER holds node_modules.
// Reads {"do": "decode", "ids": [..], "batch": B, "tokens": N} a line; answers {"s": seconds, "mb": peak memory}.
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";
import readline from "node:readline";

const [folder, modelPath, threads] = process.argv.slice(2);
const found = createRequire(folder + "/").resolve("node-llama-cpp");
const {getLlama} = await import(pathToFileURL(found).href);

let start = performance.now();
const answer = () => console.log(JSON.stringify({
  s: (performance.now() - start) / 1000, mb: process.resourceUsage().maxRSS / 1024}));

const llama = await getLlama({gpu: false, build: "never", maxThreads: +threads, logLevel: "error"});
const model = await llama.loadModel({modelPath, gpuLayers: 0, useMmap: true});
answer();

const contexts = new Map();

async function sequences(batch, size) {
  const key = batch + " " + size;
  if (!contexts.has(key)) {
    const context = await model.createContext({
      contextSize: size, sequences: batch, batchSize: Math.max(512, batch), threads: +threads});
    contexts.set(key, Array.from({length: batch}, () => context.getSequence()));
  }
  return contexts.get(key);
}

async function write(sequence, ids, tokens) {
  let n = 0;
  for await (const token of sequence.evaluate(ids, {temperature: 0, yieldEogToken: true})) {
    if (++n === tokens) return;
  }
}

for await (const line of readline.createInterface({input: process.stdin})) {
  const {ids, batch, tokens} = JSON.parse(line);
  const rows = await sequences(batch, 256 * Math.ceil((ids.length + tokens + 1) / 256));
  for (const row of rows) await row.clearHistory();
  start = performance.now();
  await Promise.all(rows.map(row => write(row, ids, tokens)));
  answer();
}
process.exit(0);
