// Asks the server that it comes from, and nobody else. All text goes into the page as text.
"use strict";

const SHOWN = 50; // series with a picture
const CLASSES = 10; // bars of a series
const POINTS = 2000; // values of a line: a picture has fewer pixels
const $ = (id) => document.getElementById(id);
let model;

const make = (name, text, attributes = {}) => {
  const svg = ["svg", "path", "line", "title"].includes(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

const say = (text, warn = false) => {
  $("said").textContent = text;
  $("said").className = warn ? "warn" : "soft";
};

// A missing value is null.
const valueOf = (field) => {
  if (/^(|\?|na|nan|null|none)$/i.test(field)) return null;
  return Number.isFinite(Number(field)) ? Number(field) : field;
};

// The fields of a line, empty ones too, as the model takes missing values or series of any length.
const cells = (line) => (/[\t,;]/.test(line) ? line.split(/[\t,;]/) : line.trim().split(/ +/)).map((field) => field.trim());

// What is sent, and the series as far as they can be drawn: lists of channels, each a list of numbers.
const read = (text) => {
  if (/^\s*[[{]/.test(text)) {
    let body;
    try { body = JSON.parse(text); } catch (error) { return { body: text, kind: "application/json", series: [] }; }
    let rows = Array.isArray(body) ? body : body.inputs || body.instances || [];
    if (!Array.isArray(rows)) rows = [];
    if (Array.isArray(body)) {
      const depth = (x) => (Array.isArray(x) ? 1 + depth(x[0]) : 0);
      if (depth(rows) < (model.n_channels > 1 ? 3 : 2)) rows = [rows]; // one series without its brackets
      text = JSON.stringify({ inputs: rows });
    }
    const series = rows.map((row) => (Array.isArray(row) && Array.isArray(row[0]) ? row : [row]));
    return { body: text, kind: "application/json", series };
  }
  const anyLength = model.lengths !== "refuse";
  const lenient = anyLength || model.missing !== "refuse";
  const lines = (block) => block.split("\n").filter((line) => line.trim());
  const fields = (line) => line.trim().split(/[\t,; ]+/).filter(Boolean);
  if (model.n_channels > 1) {
    const blocks = text.replaceAll("\r", "").split(/\n[ \t]*\n/).map(lines).filter((block) => block.length);
    const series = blocks.map((block) => block.map((line) => (lenient ? cells : fields)(line).map(valueOf)));
    return { body: JSON.stringify({ inputs: series }), kind: "application/json", series };
  }
  if (lenient) {
    let series = lines(text.replaceAll("\r", "")).map((line) => cells(line).map(valueOf));
    const labelled = (row) => (anyLength ? typeof row[0] === "string" : row.length > model.length);
    series = series.map((row) => (labelled(row) ? row.slice(1) : row));
    // Values that stand one under the other are one series, too.
    if (series.length > 1 && series.every((row) => row.length === 1)) series = [series.flat()];
    return { body: JSON.stringify({ inputs: series }), kind: "application/json", series: series.map((row) => [row]) };
  }
  const rows = lines(text.replaceAll("\r", "")).map(fields);
  const series = rows.map((row) => [row.slice(row.length > model.length ? 1 : 0).map(Number)]);
  // Values that stand one under the other are one series, too.
  if (rows.length === model.length && rows.every((row) => row.length === 1) && rows.length > 1) {
    return { body: rows.flat().join(","), kind: "text/csv; header=absent", series: [[rows.flat().map(Number)]] };
  }
  const csv = rows.map((row) => row.join(",")).join("\n");
  return { body: csv, kind: "text/csv; header=absent", series };
};

const picture = (channels, name) => {
  const svg = make("svg", "", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img" });
  svg.append(make("title", name));
  const height = 100 / channels.length;
  channels.forEach((values, c) => {
    let low = Infinity, high = -Infinity;
    for (const value of values) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
    const range = high - low || 1;
    const y = (value) => (c + 1) * height - 3 - ((value - low) / range || 0) * (height - 6);
    const step = Math.max(1, Math.ceil(values.length / POINTS));
    let d = "", gap = true;
    for (let i = 0; i < values.length; i += step) {
      if (values[i] === null) { gap = true; continue; }
      d += `${gap ? "M" : "L"}${((1000 * i) / Math.max(1, values.length - 1)).toFixed(1)} ${y(values[i]).toFixed(2)}`;
      gap = false;
    }
    if (c) svg.append(make("line", "", { x1: 0, x2: 1000, y1: c * height, y2: c * height }));
    svg.append(make("path", "", { d }));
  });
  return svg;
};

const card = (prediction, i, channels) => {
  const article = make("article", "");
  const heading = make("h2", prediction.label);
  heading.append(make("span", `series ${i}`));
  article.append(heading);
  if (prediction.unlike) article.append(make("p", "unlike the series that the model was trained on", { class: "warn" }));
  if (channels && channels.every((values) => Array.isArray(values) && values.every((v) => v === null || Number.isFinite(v)))) {
    article.append(picture(channels, `Series ${i}`));
  }
  const bars = make("dl", "");
  const ranked = Object.entries(prediction.probabilities).sort((a, b) => b[1] - a[1]);
  for (const [label, p] of ranked.slice(0, CLASSES)) {
    const best = label === prediction.label ? { class: "best" } : {};
    bars.append(make("dt", label, best));
    bars.append(make("progress", "", { value: p, max: 1, "aria-label": `probability of ${label}` }));
    bars.append(make("dd", p.toFixed(4), best));
  }
  article.append(bars);
  if (ranked.length > CLASSES) article.append(make("p", `and ${ranked.length - CLASSES} less probable classes`, { class: "soft" }));
  return article;
};

const ask = async (event) => {
  event.preventDefault();
  const button = document.querySelector("button[type=submit]");
  $("answers").replaceChildren();
  say("Predicting …");
  button.disabled = true;
  try {
    const { body, kind, series } = read($("series").value);
    const reply = await fetch("/invocations", { method: "POST", headers: { "Content-Type": kind }, body });
    const answer = await reply.json();
    if (!reply.ok) { say(answer.message, true); return; }
    const n = answer.predictions.length;
    say(`${n} series${n > SHOWN ? `; the first ${SHOWN} are shown` : ""}`);
    answer.predictions.slice(0, SHOWN).forEach((p, i) => $("answers").append(card(p, i, series[i])));
  } catch (error) {
    say("The server does not answer. Is it still running?", true);
  } finally {
    button.disabled = false;
  }
};

const begin = async () => {
  model = await (await fetch("/model")).json();
  document.title = `${model.dataset}: lstmfcn`;
  $("title").textContent = model.dataset;
  const shown = model.classes.slice(0, 20).join(", ") + (model.classes.length > 20 ? ", …" : "");
  $("what").textContent = `${model.alias ? `The ${model.alias}` : "A model"} tells ${model.classes.length} classes apart: ${shown}.`;
  const strict = model.lengths === "refuse" && model.missing === "refuse";
  if (!strict) $("how").textContent = `Series of ${model.takes}. ${model.n_channels > 1
    ? "A line a channel, an empty line between two series"
    : "A line each; a label in letters before them is ignored"}. JSON will do, too.`;
  else $("how").textContent = model.n_channels > 1
    ? `Of ${model.n_channels} channels with ${model.length} values each: a line a channel, an empty line between two series. JSON will do, too.`
    : `A line each, of ${model.length} values with commas, tabs or blanks between them; a label before them is ignored. JSON will do, too.`;
  const example = (await (await fetch("/example")).json()).inputs;
  const line = (values) => values.join(", ");
  $("example").onclick = () => {
    $("series").value = example.map((one) => (model.n_channels > 1 ? one.map(line).join("\n") : line(one))).join("\n\n");
    $("ask").requestSubmit();
  };
  $("file").onchange = async () => {
    const [file] = $("file").files;
    if (file) $("series").value = await file.text();
    $("file").value = "";
  };
  $("ask").onsubmit = ask;
};

begin().catch(() => say("The server does not answer. Is it still running?", true));
