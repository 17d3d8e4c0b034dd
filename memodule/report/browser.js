"use strict";
// The video browser: choices, list and keys. `chart.js` draws the chosen video.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const chosen = { study: 0, seed: 0, subject: "", show: "all", key: "" };
let shown = [];
let current = null;
let view = [0, 1];
let scale = null;

function make(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Everything about one video of the chosen study and seed, with plain names. */
function describe(study, entry) {
  const [index, curve, step, found] = entry;
  const [subject, name, fps, frames, micro, macro] = study.videos[index];
  const claimed = new Map(found.filter((row) => OUTCOMES[row[5]] === "hit").map((row, i) => [row[6], row]));
  const counts = { hit: claimed.size, alarm: 0, miss: micro.length - claimed.size, unscored: 0 };
  for (const row of found) if (OUTCOMES[row[5]] !== "hit") counts[OUTCOMES[row[5]]] += 1;
  return { key: JSON.stringify([subject, name]), subject, name, fps, frames, micro, macro, curve, step, found, claimed, counts };
}

const NAMES = { hit: "hit", alarm: "false alarm", miss: "missed", unscored: "left out (neutral)", macro: "macro-expression" };

function milliseconds(video, onset, offset) {
  return Math.round(((offset - onset + 1) * 1000) / video.fps);
}

/** The rows of chart and table: found intervals first, then labelled ones, each in order of time. */
function complete(video) {
  const curve = unpack(data.curves[video.curve]);
  video.span = curve.thin * video.step;
  const height = (apex) => curve.levels[Math.min(curve.levels.length - 1, Math.floor(apex / video.span))] / 255 || 0;
  const rows = [];
  const add = (kind, outcome, onset, apex, offset, more) => {
    const row = { number: rows.length, kind, outcome, onset, apex, offset, ...more };
    if (apex !== null) row.height = height(apex);
    row.tip = `${kind}, ${NAMES[outcome]}: frames ${onset} to ${offset}, ${milliseconds(video, onset, offset)} ms`
      + `${row.emotion ? `, ${row.emotion}` : ""}${row.of ? ` (labelled ${row.of})` : ""}`;
    rows.push(row);
  };
  for (const [onset, apex, offset, emotion, confidence, outcome, truth, iou] of video.found) {
    const of = truth === null ? "" : video.micro[truth][3];
    add("found", OUTCOMES[outcome], onset, apex, offset, { emotion: data.emotions[emotion] ?? "", confidence, iou, of });
  }
  video.micro.forEach(([onset, apex, offset, emotion], i) => {
    add("labelled", video.claimed.has(i) ? "hit" : "miss", onset, apex, offset, { emotion });
  });
  for (const [onset, apex, offset, emotion] of video.macro) add("labelled", "macro", onset, apex, offset, { emotion });
  const { hit, alarm, miss } = video.counts;
  video.label = `${video.subject}, ${video.name}: ${hit} hits, ${alarm} false alarms, ${miss} misses. A table follows.`;
  return Object.assign(video, {
    curve, emotions: data.emotions, rows,
    found: rows.filter((row) => row.kind === "found"), labelled: rows.filter((row) => row.kind === "labelled"),
  });
}

function matches(video) {
  if (chosen.subject && video.subject !== chosen.subject) return false;
  if (chosen.show === "none") return video.micro.length === 0;
  return chosen.show === "all" || video.counts[chosen.show] > 0;
}

function counts(video) {
  const parts = ["hit", "alarm", "miss"].filter((kind) => video.counts[kind])
    .map((kind) => make("span", { class: kind }, `${SIGNS[kind]}\u2009${video.counts[kind]}`));
  const title = `${video.counts.hit} hits, ${video.counts.alarm} false alarms, ${video.counts.miss} misses`;
  const nothing = make("span", { class: "none" }, video.micro.length ? "" : "no ME");
  return make("span", { class: "counts", title }, ...(parts.length ? parts : [nothing]));
}

function options(id, entries, value) {
  const select = clear(byId(`choose-${id}`));
  for (const [key, text] of entries) select.append(make("option", { value: key }, text));
  select.value = String(value);
  byId(`label-${id}`).hidden = entries.length < 2 && id !== "subject";
}

/** Rebuild the controls and the list for the chosen study, seed, subject and outcome. */
function refresh() {
  const study = data.studies[chosen.study];
  const seeds = study.seeds;
  chosen.seed = Math.min(chosen.seed, seeds.length - 1);
  const all = seeds[chosen.seed].videos.map((entry) => describe(study, entry));
  const subjects = [...new Set(all.map((video) => video.subject))];
  if (!subjects.includes(chosen.subject)) chosen.subject = "";
  options("study", data.studies.map((each, i) => [i, `${each.label}: ${each.name}`]), chosen.study);
  options("seed", seeds.map((each, i) => [i, each.seed]), chosen.seed);
  options("subject", [["", "all subjects"], ...subjects.map((subject) => [subject, subject])], chosen.subject);
  byId("choose-show").value = chosen.show;
  shown = all.filter(matches);
  byId("count").textContent = `${shown.length} of ${all.length} videos`;
  const list = clear(byId("list"));
  shown.forEach((video, i) => {
    const what = make("span", { class: "what", title: video.name }, video.name.includes(video.subject) ? video.name : `${video.subject} ${video.name}`);
    const button = make("button", { type: "button", "data-index": i }, what, counts(video));
    list.append(make("li", {}, button));
  });
  show(Math.max(0, shown.findIndex((video) => video.key === chosen.key)));
}

/** Show a video of the list. */
function show(index) {
  for (const button of document.querySelectorAll("#list [aria-current]")) button.removeAttribute("aria-current");
  byId("previous").disabled = index <= 0;
  byId("next").disabled = index >= shown.length - 1;
  if (!shown.length) {
    current = null;
    byId("video-title").textContent = "no video";
    byId("video-summary").textContent = "No video matches this choice.";
    clear(byId("chart"));
    clear(byId("intervals"));
    return;
  }
  const button = byId("list").children[index].firstChild;
  button.setAttribute("aria-current", "true");
  const list = byId("videos-list");
  if (button.offsetTop < list.scrollTop || button.offsetTop + button.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = button.offsetTop - list.clientHeight / 2;
  }
  current = complete({ ...shown[index], index });
  chosen.key = current.key;
  byId("video-title").textContent = `${current.subject} \u00B7 ${current.name}`;
  summarize();
  whole();
  fillTable();
  remember();
}

function summarize() {
  const { hit, alarm, miss, unscored } = current.counts;
  const seconds = (current.frames / current.fps).toFixed(1);
  const parts = [`${seconds} s, ${shortNumber(current.fps)} frames per second, ${current.micro.length} labelled MEs: `];
  const named = [["hit", hit, "hit"], ["alarm", alarm, "false alarm"], ["miss", miss, "miss"]];
  const spans = named.map(([kind, n, word]) => make("span", { class: kind }, `${SIGNS[kind]} ${n} ${word}${n === 1 ? "" : kind === "miss" ? "es" : "s"}`));
  const line = clear(byId("video-summary"));
  line.append(parts[0], make("span", { class: "counts" }, ...spans));
  if (unscored) line.append(` ${unscored} left out`);
  if (!current.curve.levels.length) line.append(" It has no score curve: it is shorter than a window of the network, or none was imported.");
}

function fillTable() {
  const place = clear(byId("intervals"));
  if (!current.rows.length) {
    place.append(make("p", { class: "hint" }, "This video has no labels, and nothing was found in it."));
    return;
  }
  const head = ["", "", "from s", "frames", "ms", "emotion", "labelled as", "IoU", "confidence"];
  const table = make("table", {}, make("caption", {}, "Intervals"));
  table.append(make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)))));
  const body = make("tbody", {});
  for (const row of [...current.rows].sort((a, b) => a.onset - b.onset || a.number - b.number)) {
    const seconds = (row.onset / current.fps).toFixed(2);
    const cells = [
      make("span", { class: row.outcome }, `${SIGNS[row.outcome]} ${NAMES[row.outcome]}`), seconds, `${row.onset}\u2013${row.offset}`,
      milliseconds(current, row.onset, row.offset), row.emotion || "", row.of || "",
      row.iou ? row.iou.toFixed(2) : "", row.confidence === undefined ? "" : row.confidence.toFixed(3),
    ];
    const first = make("th", { scope: "row" }, make("button", { type: "button", class: "link" }, row.kind));
    body.append(make("tr", { "data-row": row.number }, first, ...cells.map((cell) => make("td", {}, cell))));
  }
  table.append(body);
  place.append(table);
}

function draw() {
  if (current) scale = drawVideo(byId("chart"), current, view);
}

function look(low, high) {
  const least = current.fps / 2, span = Math.min(current.frames, Math.max(least, high - low));
  const start = Math.min(Math.max(0, (low + high - span) / 2), current.frames - span);
  view = [start, start + span];
  draw();
}

function whole() {
  look(0, current.frames);
}

function zoom(factor, around = (view[0] + view[1]) / 2) {
  const low = around - (around - view[0]) * factor;
  look(low, low + (view[1] - view[0]) * factor);
}

function pan(share) {
  const by = share * (view[1] - view[0]);
  const start = Math.min(Math.max(0, view[0] + by), current.frames - (view[1] - view[0]));
  look(start, start + view[1] - view[0]);
}

function zoomTo(row) {
  const margin = Math.max(current.fps, 2 * (row.offset - row.onset));
  look(row.onset - margin, row.offset + 1 + margin);
  const box = document.querySelector(`#chart [data-row="${row.number}"]`);
  if (box) box.classList.add("picked");
}

function step(by) {
  const index = current ? current.index + by : -1;
  if (index >= 0 && index < shown.length) show(index);
}

/** Put the shown video into the address. */
function remember() {
  const study = data.studies[chosen.study];
  const parts = [study.label, study.seeds[chosen.seed].seed, current.subject, current.name];
  try {
    history.replaceState(null, "", `#video=${parts.map(encodeURIComponent).join("/")}`);
  } catch {
    // a page inside another page may have no address
  }
}

function recall() {
  if (!location.hash.startsWith("#video=")) return false;
  const [label, seed, subject, name] = location.hash.slice(7).split("/").map(decodeURIComponent);
  const study = data.studies.findIndex((each) => each.label === label);
  if (study < 0) return false;
  const index = data.studies[study].seeds.findIndex((each) => String(each.seed) === seed);
  Object.assign(chosen, { study, seed: Math.max(0, index), subject: "", show: "all", key: JSON.stringify([subject, name]) });
  return true;
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || !current) return;
  if (event.target.closest("select, input, textarea")) return;
  const actions = {
    ArrowLeft: () => step(-1), ArrowRight: () => step(1), "+": () => zoom(0.5), "=": () => zoom(0.5),
    "-": () => zoom(2), "\u2212": () => zoom(2), Escape: whole,
  };
  const scrolls = event.target.closest(".scroll, pre");
  if (!actions[event.key] || (scrolls && scrolls.scrollWidth > scrolls.clientWidth && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  actions[event.key]();
}

function onPoint(event) {
  const picture = byId("chart").firstChild;
  if (!current || !picture) return;
  const at = event.clientX - picture.getBoundingClientRect().left;
  const frame = Math.floor(scale.frame(at));
  const inside = at >= LEFT && at <= LEFT + scale.pixels && frame < current.frames;
  const cross = picture.querySelector(".cross");
  const sample = Math.floor(frame / current.span);
  cross.setAttribute("d", inside ? `M${at} ${FOUND}V${BOTTOM}` : "");
  const level = current.curve.levels[sample], number = current.curve.classes[sample];
  const said = number === NO_SCORE ? "no score" : `score ${scoreOf(current.curve, level).toFixed(2)}`;
  const emotion = data.emotions[number];
  byId("cursor").textContent = inside
    ? `${(frame / current.fps).toFixed(2)} s, frame ${frame}${level === undefined ? "" : `, ${said}${emotion ? `, ${emotion}` : ""}`}`
    : "";
}

function start() {
  for (const name of ["study", "seed", "subject", "show"]) {
    byId(`choose-${name}`).addEventListener("change", (event) => {
      chosen[name] = name === "study" || name === "seed" ? Number(event.target.value) : event.target.value;
      refresh();
    });
  }
  const buttons = {
    previous: () => step(-1), next: () => step(1), "zoom-whole": whole, "zoom-out": () => zoom(2), "zoom-in": () => zoom(0.5),
    "pan-left": () => pan(-0.5), "pan-right": () => pan(0.5),
  };
  for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener("click", () => current && action());
  byId("list").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(Number(button.dataset.index));
  });
  for (const id of ["intervals", "chart"]) {
    byId(id).addEventListener("click", (event) => {
      const row = event.target.closest("[data-row]");
      if (row) zoomTo(current.rows[Number(row.dataset.row)]);
    });
  }
  for (const button of document.querySelectorAll("button[data-subject]")) {
    button.addEventListener("click", () => {
      const study = data.studies.findIndex((each) => each.label === button.dataset.study);
      Object.assign(chosen, { study, subject: button.dataset.subject, show: "all", key: "" });
      refresh();
      byId("videos").scrollIntoView();
    });
  }
  byId("chart").addEventListener("pointermove", onPoint);
  byId("chart").addEventListener("pointerleave", onPoint);
  document.addEventListener("keydown", onKey);
  window.addEventListener("resize", draw);
  window.addEventListener("hashchange", () => recall() && refresh());
  const linked = recall();
  refresh();
  if (linked) byId("videos").scrollIntoView();
}

start();
