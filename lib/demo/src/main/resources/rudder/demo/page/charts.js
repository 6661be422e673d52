// Draws what the server measured. Nothing is computed here but places on the screen.
const d3 = window.d3;
const MARGIN = { top: 22, right: 12, bottom: 30, left: 46 };

/** Returns the svg's drawing group, emptied, and its inner size; of a page without room, some size that nobody sees. */
function canvas(id) {
  const node = document.getElementById(id);
  const width = Math.max(120, node.clientWidth), height = Math.max(120, node.clientHeight);
  const svg = d3.select(node).attr("viewBox", `0 0 ${width} ${height}`);
  svg.selectAll("*").remove();
  return { svg, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom,
    g: svg.append("g").attr("transform", `translate(${MARGIN.left},${MARGIN.top})`) };
}

/** Draws grid, ticks and titles; y grows upwards from bottom to top. */
function axes(g, x, y, width, top, bottom, { xTitle, yTitle, yTicks = 5, xTicks = 8, format = d3.format("~g") }) {
  for (const t of y.ticks(yTicks)) {
    g.append("line").attr("class", "grid").attr("x1", 0).attr("x2", width).attr("y1", y(t)).attr("y2", y(t));
    g.append("text").attr("x", -6).attr("y", y(t) + 4).attr("text-anchor", "end").text(format(t));
  }
  g.append("line").attr("class", "axis").attr("x1", 0).attr("x2", width).attr("y1", bottom).attr("y2", bottom);
  if (xTitle) {
    for (const t of x.ticks(xTicks).filter(Number.isInteger)) {
      g.append("text").attr("x", x(t)).attr("y", bottom + 14).attr("text-anchor", "middle").text(t);
    }
    g.append("text").attr("x", width).attr("y", bottom + 27).attr("text-anchor", "end").text(xTitle);
  }
  g.append("text").attr("x", -MARGIN.left + 4).attr("y", top - 9).text(yTitle);
}

function line(g, name, points, x, y) {
  g.append("path").attr("class", name)
    .attr("d", d3.line().defined(p => p[1] !== null && p[1] !== undefined).x(p => x(p[0])).y(p => y(p[1]))(points));
}

/** Draws the names of the lines above the plot, from the right. */
function legend(g, width, entries) {
  let right = width;
  for (const [name, text] of [...entries].reverse()) {
    const label = g.append("text").attr("class", "keytext").attr("x", right).attr("y", -9).attr("text-anchor", "end").text(text);
    right -= label.node().getComputedTextLength() + 6;
    g.append("line").attr("class", name).attr("x1", right - 20).attr("x2", right).attr("y1", -13).attr("y2", -13);
    right -= 32;
  }
}

function extent(values, always) {
  return d3.extent([...values.filter(v => v !== null && v !== undefined && Number.isFinite(v)), ...always]);
}

/** Strength at every block for one token; below, the inputs. */
export function drawBlocks(token, blocks, names) {
  const { g, width, height } = canvas("blocks");
  const split = Math.round(height * 0.66);
  const x = d3.scaleLinear([0, blocks], [0, width]);
  const rows = token ? [["other", token.other], ["steered", token.steered]].filter(([, side]) => side) : [];
  const all = rows.flatMap(([, side]) => side.strengths.flat());
  const y = d3.scaleLinear(extent(all, [-0.5, 1.5, ...(token ? token.setpoints : [])]), [split, 0]).nice(5);
  axes(g, x, y, width, 0, split, { yTitle: "gaps" });
  if (token) {
    token.setpoints.forEach((s, i) => line(g, i ? "second-setpoint" : "setpoint", [[0, s], [blocks, s]], x, y));
  }
  for (const [name, side] of rows) {
    side.strengths.forEach((row, i) => {
      if (i === 0 || name === "steered") {
        line(g, i ? "second" : name, row.map((v, k) => [k, v]), x, y);
      }
    });
  }
  const two = token && token.setpoints.length > 1;
  legend(g, width, [["setpoint", "setpoint"], ["steered", names.steered], ...(two ? [["second", names.second]] : []),
    ["other", names.other]]);
  const top = split + 24;
  const energies = rows.flatMap(([, side]) => side.energies);
  const e = d3.scaleLinear([0, d3.max(energies) || 1], [height, top]).nice(2);
  axes(g, x, e, width, top, height, { xTitle: "block", yTitle: "input |u\u2096|\u00b2", yTicks: 2, xTicks: 10 });
  const step = width / blocks, wide = Math.max(1, step * 0.36);
  for (const [name, side] of rows) {
    side.energies.forEach((v, k) => {
      if (v > 0) {
        g.append("rect").attr("class", name === "steered" ? "input" : "input-other")
          .attr("x", x(k) + step / 2 + (name === "steered" ? -wide : 0)).attr("width", wide)
          .attr("y", e(v)).attr("height", Math.max(0, height - e(v)));
      }
    });
  }
}

/** A number of every token. lines: [class, points]; bars likewise. */
function overTokens(id, tokens, most, chosen, { lines = [], bars = [], always = [], yTitle, names = [], low }) {
  const { g, width, height } = canvas(id);
  const x = d3.scaleLinear([0, Math.max(8, most) - 1], [6, width - 6]);
  const values = [...lines, ...bars].flatMap(([, points]) => points.map(p => p[1]));
  const y = d3.scaleLinear(extent(values, always), [height, 0]).nice(4);
  if (low !== undefined) {
    y.domain([low, y.domain()[1]]);
  }
  const unit = x(1) - x(0);
  for (const t of tokens.filter(t => t.inserted)) {
    g.append("rect").attr("class", "inserted").attr("x", x(t.index) - unit / 2).attr("width", unit).attr("y", 0).attr("height", height);
  }
  axes(g, x, y, width, 0, height, { xTitle: "token", yTitle, yTicks: 4 });
  for (const [name, points] of bars) {
    for (const [i, v] of points) {
      g.append("rect").attr("class", name).attr("x", x(i) - unit * 0.35).attr("width", unit * 0.7)
        .attr("y", y(v)).attr("height", Math.max(0, height - y(v)));
    }
  }
  for (const [name, points] of lines) {
    line(g, name, points, x, y);
  }
  if (chosen !== null) {
    g.append("line").attr("class", "chosen").attr("x1", x(chosen)).attr("x2", x(chosen)).attr("y1", 0).attr("y2", height);
  }
  legend(g, width, names);
}

const of = (tokens, side, value) => tokens.filter(t => t[side]).map(t => [t.index, value(t[side])]);
const last = row => row[row.length - 1];

/** Strength of the last state, energy and perplexity over the tokens so far. */
export function drawTokens(tokens, most, chosen, names) {
  const two = tokens.length > 0 && tokens[0].setpoints.length > 1;
  const stairs = i => tokens.flatMap(t => [[t.index - 0.5, t.setpoints[i]], [t.index + 0.5, t.setpoints[i]]]);
  overTokens("strengths", tokens, most, chosen, {
    yTitle: "gaps", always: [-0.5, 1.5, ...tokens.flatMap(t => t.setpoints)],
    lines: [
      ...(two ? [["second-setpoint", stairs(1)]] : []),
      ...(tokens.length ? [["setpoint", stairs(0)]] : []),
      ["other", of(tokens, "other", s => last(s.strengths[0]))],
      ...(two ? [["second", of(tokens, "steered", s => last(s.strengths[1]))]] : []),
      ["steered", of(tokens, "steered", s => last(s.strengths[0]))]],
    names: [["setpoint", "setpoint"], ["steered", names.steered], ["other", names.other]],
  });
  overTokens("energy", tokens, most, chosen, {
    yTitle: "", low: 0, always: tokens.some(t => t.steered?.energy || t.other?.energy) ? [0] : [0, 1],
    bars: [["input", of(tokens, "steered", s => s.energy)]],
    lines: [["other", of(tokens, "other", s => s.energy)]],
  });
  overTokens("perplexity", tokens, most, chosen, {
    yTitle: "", low: 0, always: [0, 2],
    lines: [["other", of(tokens, "other", s => s.perplexity)], ["steered", of(tokens, "steered", s => s.perplexity)]],
  });
}

const LOOKS = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size"];

/** Returns all charts as one SVG that needs no style sheet. */
export function chartsAsSvg() {
  const parts = [];
  let y = 0, width = 0;
  for (const figure of document.querySelectorAll("#charts figure")) {
    const svg = figure.querySelector("svg"), copy = svg.cloneNode(true);
    const from = svg.querySelectorAll("*"), to = copy.querySelectorAll("*");
    from.forEach((node, i) => {
      const style = getComputedStyle(node);
      LOOKS.forEach(look => to[i].setAttribute(look, style.getPropertyValue(look)));
      to[i].removeAttribute("class");
    });
    const w = svg.clientWidth, h = svg.clientHeight;
    const title = document.createElementNS("http://www.w3.org/2000/svg", "text");
    title.textContent = figure.querySelector("figcaption").textContent;
    for (const [name, value] of Object.entries({ x: 8, y: y + 16, "font-size": 14, "font-weight": 600, "font-family": "sans-serif",
      fill: getComputedStyle(document.body).color })) {
      title.setAttribute(name, value);
    }
    for (const [name, value] of Object.entries({ x: 0, y: y + 22, width: w, height: h })) {
      copy.setAttribute(name, value);
    }
    ["id", "role", "aria-labelledby"].forEach(name => copy.removeAttribute(name));
    parts.push(title, copy);
    y += h + 34;
    width = Math.max(width, w);
  }
  const ground = getComputedStyle(document.body).backgroundColor;
  const write = node => new XMLSerializer().serializeToString(node);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}">`
    + `<rect width="100%" height="100%" fill="${ground}"/>${parts.map(write).join("")}</svg>`;
}
