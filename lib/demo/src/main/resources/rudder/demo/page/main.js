import { chartsAsSvg, drawBlocks, drawTokens } from "./charts.js";

const $ = id => document.getElementById(id);
const MOST_SHADE = 4; // nats of KL at which a token's shade ends
const visitor = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
const START = { concept: "ocean", positive: "", negative: "", strength: 1, second: "", secondStrength: 1, law: "lqr",
  other: "none", block: "usual", positions: "end", prompt: "The most important thing about", chat: false,
  sampled: "", seed: 1, tokens: 48, disturbAt: null, scene: -1 };
const TEXTS = ["concept", "positive", "negative", "second", "law", "other", "block", "positions", "prompt", "sampled"];
const NUMBERS = { strength: "strength", secondStrength: "second-strength", seed: "seed", tokens: "tokens" };

let about, scenes;
let state = { ...START };
let job = null, abort = null, chosen = null, frame = 0;

/** What the page holds; tests read it. */
const demo = window.demo = { tokens: [], result: null, error: null, running: false, firstToken: null, state: () => state };

// ---- state, link

function readLink() {
  try {
    const text = decodeURIComponent(location.hash.slice(1));
    const link = text ? JSON.parse(text) : {};
    for (const [key, value] of Object.entries(link)) {
      if (key in START && (START[key] === null || typeof value === typeof START[key])) {
        state[key] = value;
      }
    }
  } catch (e) {
    say(`The link could not be read (${e.message}); these are the usual settings.`);
  }
}

function writeLink() {
  const changed = Object.fromEntries(Object.entries(state).filter(([key, value]) => value !== START[key]));
  history.replaceState(null, "", "#" + encodeURIComponent(JSON.stringify(changed)));
}

function showState() {
  for (const key of TEXTS) {
    $(key).value = state[key];
    if ($(key).tagName === "SELECT" && $(key).selectedIndex < 0) {
      $(key).selectedIndex = 0; // a link of another model, or of another version
      state[key] = $(key).value;
    }
  }
  for (const [key, id] of Object.entries(NUMBERS)) {
    $(id).value = state[key];
  }
  $("chat").checked = state.chat;
  refresh();
}

function readState() {
  for (const key of TEXTS) {
    state[key] = $(key).value;
  }
  for (const [key, id] of Object.entries(NUMBERS)) {
    state[key] = $(id).valueAsNumber;
  }
  state.chat = $("chat").checked;
  refresh();
}

const lawOf = id => about.laws.find(law => law.id === id);
const atOneBlock = () => lawOf(state.law).atOneBlock || lawOf(state.other).atOneBlock;

function refresh() {
  const gaps = value => `${value.toFixed(2)} gaps`;
  $("strength-out").value = gaps(state.strength);
  $("strength").setAttribute("aria-valuetext", gaps(state.strength));
  $("second-strength-out").value = gaps(state.secondStrength);
  $("second-strength").setAttribute("aria-valuetext", gaps(state.secondStrength));
  $("second-dial").hidden = state.second === "";
  $("own").hidden = state.concept !== "own";
  $("seed").disabled = state.sampled === "";
  $("block").disabled = !atOneBlock();
  $("other-title").textContent = state.other === "none" ? "The model alone" : lawOf(state.other).title.split(":")[0];
  $("steered-by").textContent = `by ${lawOf(state.law).title.split(":")[0]}`;
  document.querySelectorAll("#scene-buttons button").forEach((button, i) =>
    button.setAttribute("aria-pressed", i === state.scene));
  writeLink();
}

/** Returns the request that the settings make. */
function wish() {
  const lines = text => text.split("\n");
  const concept = state.concept === "own"
    ? { positive: lines(state.positive), negative: lines(state.negative) } : state.concept;
  const law = lawOf(state.law).atOneBlock ? lawOf(state.law) : lawOf(state.other);
  const block = state.block === "usual" ? law.block ?? null : state.block === "all" ? null : Number(state.block);
  return { visitor, concept, strength: state.strength,
    ...(state.second ? { second: state.second, secondStrength: state.secondStrength } : {}),
    law: state.law, other: state.other, block: atOneBlock() ? block : null, positions: state.positions,
    prompt: state.prompt, chat: state.chat, sampled: state.sampled !== "", seed: state.sampled ? state.seed : 0,
    tokens: state.tokens, disturbAt: state.disturbAt };
}

// ---- talking to the server

function say(text) {
  if ($("status").textContent !== text) {
    $("status").textContent = text;
  }
}

async function post(name, body) {
  const answer = await fetch(name, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const json = await answer.json();
  if (!answer.ok) {
    throw new Error(json.message);
  }
  return json;
}

/** Streams the events of a request to a function, until the last one. */
async function stream(name, body, onEvent) {
  abort = new AbortController();
  const answer = await fetch(name, { method: "POST", body: JSON.stringify(body), signal: abort.signal,
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" } });
  if (!answer.ok) {
    throw new Error((await answer.json()).message);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    parts.forEach(part => onEvent(JSON.parse(part.slice("data: ".length))));
  }
}

async function run(name, body, onEvent) {
  if (demo.running) {
    return;
  }
  Object.assign(demo, { result: null, error: null, running: true, firstToken: null });
  buttons();
  let over = false;
  try {
    await stream(name, body, event => {
      over = over || ["done", "stopped", "error"].includes(event.type);
      switch (event.type) {
        case "job": job = event.job; break;
        case "place": waiting(event.ahead); break;
        case "measuring": measuring(event); break;
        case "error": throw new Error(event.message);
        default: onEvent(event);
      }
    });
    if (!over) {
      throw new Error("the connection to the demo was lost");
    }
  } catch (e) {
    if (e.name === "AbortError") {
      demo.result = { type: "stopped" };
      say("Stopped.");
    } else {
      demo.error = e.message;
      say(`Not done: ${e.message}.`);
    }
  }
  job = null;
  abort = null;
  demo.running = false;
  $("bar").classList.remove("on");
  buttons();
}

function waiting(ahead) {
  if (ahead > 0) {
    say(ahead === 1 ? "Waiting: one job is before yours." : `Waiting: ${ahead} jobs are before yours.`);
  }
}

function measuring(event) {
  say(`Measuring ${event.concept} on the model.`);
  $("bar").classList.add("on");
  $("bar").value = event.fraction;
}

function buttons() {
  $("write").disabled = $("measure").disabled = demo.running;
  $("stop").disabled = $("disturb").disabled = !demo.running;
}

async function write() {
  if (demo.running) {
    return;
  }
  clear();
  const begun = performance.now();
  const sent = [state.strength, state.secondStrength].join();
  say("Asked for a text.");
  await run("write", wish(), event => {
    if (event.type === "token") {
      if (!demo.tokens.length) {
        demo.firstToken = performance.now() - begun;
        $("bar").classList.remove("on");
        say("Writing.");
        if (sent !== [state.strength, state.secondStrength].join()) {
          turn(); // the dial was turned while this waited
        }
      }
      demo.tokens.push(event);
      addToken(event);
      redrawSoon();
    } else if (event.type === "done" || event.type === "stopped") {
      demo.result = event;
      const rate = demo.tokens.length / (performance.now() - begun) * 1000;
      say(event.type === "stopped" ? `Stopped after ${demo.tokens.length} tokens.`
        : `Done: ${demo.tokens.length} tokens, ${rate.toFixed(0)} a second, first after ${demo.firstToken.toFixed(0)} ms.`);
    }
  });
}

let turning = null;
/** Sends the dial's strengths, the latest only, one request at a time. */
function turn() {
  if (!job) {
    return;
  }
  const body = () => ({ job, strength: state.strength, ...(state.second ? { secondStrength: state.secondStrength } : {}) });
  if (turning) {
    turning.again = true;
    return;
  }
  turning = { again: false };
  post("turn", body()).catch(e => say(`The dial was not turned: ${e.message}.`)).finally(() => {
    const { again } = turning;
    turning = null;
    if (again) {
      turn();
    }
  });
}

// ---- texts

function clear() {
  demo.tokens = [];
  chosen = null;
  for (const id of ["steered", "other-text"]) {
    $(id).replaceChildren(element("span", "prompt", state.chat ? `${state.prompt}\n` : state.prompt));
  }
  redraw();
}

function element(name, className, text) {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text; // never markup, whatever it says
  return node;
}

function addToken(token) {
  for (const [id, side] of [["steered", "steered"], ["other-text", "other"]]) {
    if (!token[side]) {
      continue;
    }
    const { piece, ended, kl } = token[side];
    const node = element("span", "tok", ended ? " end" : piece);
    node.classList.toggle("inserted", token.inserted);
    node.classList.toggle("end", ended);
    node.setAttribute("role", "button");
    node.setAttribute("aria-pressed", "false");
    node.setAttribute("aria-label", `token ${token.index}: ${ended ? "end" : piece.trim() || "space"}, KL ${kl.toFixed(2)}`);
    node.tabIndex = -1;
    node.dataset.index = token.index;
    node.style.backgroundColor = `rgba(var(--shade), ${(0.45 * Math.min(1, kl / MOST_SHADE)).toFixed(3)})`;
    const box = $(id), atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
    box.append(node);
    if (atEnd) {
      box.scrollTop = box.scrollHeight;
    }
  }
}

function choose(index) {
  chosen = index === null ? null : Math.max(0, Math.min(demo.tokens.length - 1, index));
  document.querySelectorAll(".tok").forEach(node => node.setAttribute("aria-pressed", Number(node.dataset.index) === chosen));
  redraw();
}

function onKey(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step && demo.tokens.length) {
    choose((chosen ?? (step > 0 ? -1 : demo.tokens.length)) + step);
    event.currentTarget.querySelector(`.tok[data-index="${chosen}"]`)?.focus({ preventScroll: false });
    event.preventDefault();
  } else if (event.key === "Enter" || event.key === " ") {
    const node = event.target.closest(".tok");
    if (node) {
      choose(Number(node.dataset.index));
      event.preventDefault();
    }
  } else if (event.key === "Escape") {
    choose(null);
    event.currentTarget.focus();
  }
}

// ---- charts

function redrawSoon() {
  frame = frame || requestAnimationFrame(redraw);
}

function redraw() {
  cancelAnimationFrame(frame);
  frame = 0;
  const short = id => lawOf(id).title.split(":")[0];
  const names = { steered: state.second ? state.concept : short(state.law), second: state.second, other: state.other === "none" ? "model alone" : short(state.other) };
  const token = chosen === null ? demo.tokens.filter(t => t.steered).pop() : demo.tokens[chosen];
  $("blocks-title").textContent = chosen === null ? "Strength at every block, token being written"
    : `Strength at every block, token ${chosen}`;
  drawBlocks(token, about.blocks, names);
  drawTokens(demo.tokens, state.tokens, chosen, names);
  showLikeliest(token);
}

function showLikeliest(token) {
  const side = token && token.steered;
  $("token-title").textContent = token ? `Five likeliest tokens, token ${token.index}` : "Five likeliest tokens";
  $("token-numbers").textContent = side
    ? `KL ${side.kl.toFixed(3)} nats, energy ${side.energy.toPrecision(3)}, perplexity so far ${side.perplexity.toPrecision(3)}` : "";
  const rows = [];
  for (let i = 0; i < 5; i++) {
    const row = document.createElement("tr");
    for (const likely of [side?.likeliest[i], side?.unsteered[i]]) {
      row.append(element("td", "", likely ? JSON.stringify(likely.text).slice(1, -1) : "\u00a0"),
        element("td", "", likely ? likely.probability.toFixed(3) : ""));
    }
    rows.push(row);
  }
  $("likeliest").replaceChildren(...rows);
}

// ---- scenes and the rest

function option(value, text) {
  const node = element("option", "", text);
  node.value = value;
  return node;
}

function fill() {
  $("model").textContent = `${about.model}, ${about.blocks} blocks`;
  $("concept").append(...about.concepts.map(name => option(name, name)), option("own", "your own \u2026"));
  $("second").append(option("", "none"), ...about.concepts.map(name => option(name, name)));
  $("law").append(...about.laws.map(law => option(law.id, law.title)));
  $("other").append(...about.laws.map(law => option(law.id, law.title)));
  $("block").append(option("usual", "the usual"), option("all", "all"),
    ...Array.from({ length: about.blocks }, (_, k) => option(String(k), `block ${k}`)));
  $("chat-row").hidden = !about.chat;
  $("tokens").max = about.tokens;
  $("prompt").maxLength = about.characters;
  scenes.forEach((scene, i) => {
    const button = element("button", "", scene.title);
    button.type = "button";
    button.addEventListener("click", () => playScene(i));
    $("scene-buttons").append(button);
  });
}

function showScene(i) {
  const scene = scenes[i];
  const where = `${scene.notebook}.ipynb`;
  const text = document.createTextNode(`${scene.text} In a notebook: `);
  if (about.notebooks) {
    const link = element("a", "", where);
    link.href = `${about.notebooks}${where}#cell-id=${scene.cell}`;
    link.target = "_top";
    $("scene-text").replaceChildren(text, link);
  } else {
    $("scene-text").replaceChildren(text, element("span", "", `${where}, cell ${scene.cell}`));
  }
}

async function playScene(i) {
  if (demo.running) {
    await stop();
  }
  state = { ...START, ...scenes[i].state, scene: i };
  showScene(i);
  showState();
  await write();
}

async function stop() {
  if (job) {
    await post("stop", { job }).catch(e => say(`Not stopped: ${e.message}.`));
  }
  abort?.abort();
  while (demo.running) {
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied.`);
  } catch (e) {
    say(`${what} could not be copied (${e.message}).`); // the text stands on the page, or in the address
  }
}

async function showJava() {
  try {
    const { text } = await post("java", wish());
    $("java-text").textContent = text;
    $("java-text").hidden = false;
    await copy(text, "The Java");
  } catch (e) {
    say(`No Java: ${e.message}.`);
  }
}

function saveCharts() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([chartsAsSvg()], { type: "image/svg+xml" }));
  link.download = "rudder-charts.svg";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function listen() {
  $("settings").addEventListener("submit", event => { event.preventDefault(); write(); });
  $("settings").addEventListener("input", event => {
    const dial = event.target === $("strength") || event.target === $("second-strength");
    if (!dial) {
      state.disturbAt = null;
      state.scene = -1;
    }
    readState();
    if (dial) {
      turn();
    }
  });
  $("stop").addEventListener("click", stop);
  $("disturb").addEventListener("click", () => post("disturb", { job }).catch(e => say(`Not disturbed: ${e.message}.`)));
  $("measure").addEventListener("click", () => run("measure", wish(), event => {
    if (["done", "stopped"].includes(event.type)) {
      demo.result = event;
      say(event.type === "done" ? "Measured: press Write." : "Stopped.");
    }
  }));
  $("java").addEventListener("click", showJava);
  $("link").addEventListener("click", () => copy(location.href, "The link"));
  $("svg").addEventListener("click", saveCharts);
  for (const id of ["steered", "other-text"]) {
    $(id).addEventListener("click", event => {
      const node = event.target.closest(".tok");
      choose(node && Number(node.dataset.index) !== chosen ? Number(node.dataset.index) : null);
    });
    $(id).addEventListener("keydown", onKey);
  }
  window.addEventListener("resize", redrawSoon);
  window.addEventListener("pagehide", () => job && navigator.sendBeacon("stop", JSON.stringify({ job })));
  window.addEventListener("hashchange", () => { state = { ...START }; readLink(); showState(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawSoon);
}

async function start() {
  [about, scenes] = await Promise.all(["about", "scenes.json"].map(async name => (await fetch(name)).json()));
  fill();
  readLink();
  showState();
  if (state.scene >= 0 && scenes[state.scene]) {
    showScene(state.scene);
  }
  listen();
  clear();
  demo.ready = true;
}

start().catch(e => say(`The page could not start: ${e.message}.`));
