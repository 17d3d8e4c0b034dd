"use strict";
// Draws one video: found intervals, score curve, labelled expressions, emotions. Frames are source frames; a frame f
// covers f to f + 1, so an interval of inclusive frames is drawn from its onset to its offset + 1.

const OUTCOMES = ["hit", "alarm", "unscored"];
const SIGNS = { hit: "\u2713", alarm: "\u2717", miss: "\u25CB", unscored: "\u2013", macro: "" };
const NEUTRAL = 4, NO_SCORE = 15, NO_SPREAD = 255;
const LEFT = 56, RIGHT = 8, FOUND = 20, TOP = 50, PLOT = 150, LABELLED = TOP + PLOT + 8, EMOTION = LABELLED + 34;
const BOTTOM = EMOTION + 16, HEIGHT = BOTTOM + 36;

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function unpack(packed) {
  if (!packed.levels) {
    packed.levels = bytes(packed.score);
    const halves = bytes(packed.emotion);
    packed.classes = packed.levels.map((_, i) => (i % 2 ? halves[i >> 1] & 15 : halves[i >> 1] >> 4));
    packed.spreads = packed.spread === undefined ? null : bytes(packed.spread);
  }
  return packed;
}

function svg(name, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function clear(node) {
  node.replaceChildren();
  return node;
}

/** About `count` round numbers between two values. */
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9; i++) found.push(i * step);
  return found;
}

function shortNumber(value) {
  return String(Math.round(value * 1e6) / 1e6);
}

/** The score that a level (0 to 255) of a curve stands for. */
function scoreOf(curve, level) {
  return curve.range[0] + (level / 255) * (curve.range[1] - curve.range[0]);
}

/**
 * Path of the samples between two frames, with gaps where there is no score; samples closer than pixels become their
 * lowest and highest per pixel.
 */
function curvePath(curve, span, view, x, y) {
  const first = Math.max(0, Math.floor(view[0] / span) - 1);
  const last = Math.min(curve.levels.length - 1, Math.ceil(view[1] / span) + 1);
  const width = Math.max(1, Math.floor((last - first + 1) / (2 * x.pixels)));
  let path = "", joined = false;
  const point = (i) => {
    path += `${joined ? "L" : "M"}${x((i + 0.5) * span).toFixed(1)} ${y(curve.levels[i] / 255).toFixed(1)}`;
    joined = true;
  };
  for (let start = first; start <= last; start += width) {
    let low = -1, high = -1;
    for (let i = start; i < Math.min(start + width, last + 1); i++) {
      if (curve.classes[i] === NO_SCORE) continue;
      if (low < 0 || curve.levels[i] < curve.levels[low]) low = i;
      if (high < 0 || curve.levels[i] > curve.levels[high]) high = i;
    }
    if (low < 0) {
      joined = false;
      continue;
    }
    point(Math.min(low, high));
    if (low !== high) point(Math.max(low, high));
  }
  return path;
}

/** Area of one standard deviation of overlapping windows around the score, per pixel; "" where it is not known. */
function spreadPath(curve, span, view, x, y) {
  if (!curve.spreads) return "";
  const first = Math.max(0, Math.floor(view[0] / span) - 1);
  const last = Math.min(curve.levels.length - 1, Math.ceil(view[1] / span) + 1);
  const width = Math.max(1, Math.floor((last - first + 1) / (2 * x.pixels)));
  const place = (i, level) => `${x((i + 0.5) * span).toFixed(1)} ${y(Math.min(255, Math.max(0, level)) / 255).toFixed(1)}`;
  let path = "", upper = [], lower = [];
  const close = () => {
    if (upper.length > 1) path += `M${upper.concat(lower.reverse()).join("L")}Z`;
    upper = [];
    lower = [];
  };
  for (let start = first; start <= last; start += width) {
    let low = Infinity, high = -Infinity;
    for (let i = start; i < Math.min(start + width, last + 1); i++) {
      if (curve.classes[i] === NO_SCORE || curve.spreads[i] === NO_SPREAD) continue;
      low = Math.min(low, curve.levels[i] - curve.spreads[i]);
      high = Math.max(high, curve.levels[i] + curve.spreads[i]);
    }
    if (low === Infinity) {
      close();
      continue;
    }
    upper.push(place(start, high));
    lower.push(place(start, low));
  }
  close();
  return path;
}

/** Stretches of one emotion other than neutral: [first frame, end, class]. */
function emotionRuns(curve, span) {
  const runs = [];
  for (let i = 0, start = 0; i <= curve.classes.length; i++) {
    if (i === curve.classes.length || curve.classes[i] !== curve.classes[start]) {
      if (curve.classes[start] < NEUTRAL) runs.push([start * span, i * span, curve.classes[start]]);
      start = i;
    }
  }
  return runs;
}

/** The parts of a picture that depend on the view, in drawing order. */
function layers(video, view, x) {
  const y = (height) => TOP + PLOT * (1 - height);
  const parts = [];
  const add = (name, attributes, tip) => {
    const node = svg(name, attributes);
    if (tip) node.append(svg("title", {}, tip));
    parts.push(node);
    return node;
  };
  const visible = (onset, offset) => offset + 1 > view[0] && onset < view[1];
  const box = (row, top, height) => {
    if (!visible(row.onset, row.offset)) return;
    const left = x(row.onset), right = x(row.offset + 1);
    const width = Math.max(3, right - left);
    add("rect", { x: left, y: top, width, height, rx: 2, class: `box ${row.outcome}`, "data-row": row.number }, row.tip);
    if (SIGNS[row.outcome]) {
      const middle = left + width / 2;
      const place = row.kind === "found" ? top - 4 : top + height + 12;
      add("text", { x: middle, y: place, class: `sign ${row.outcome}` }).textContent = SIGNS[row.outcome];
    }
  };
  for (const [top, height] of [[FOUND, 16], [LABELLED, 16], [EMOTION, 10]]) {
    add("rect", { x: LEFT, y: top, width: x.pixels, height, class: "lane" });
  }
  for (const height of [0, 0.5, 1]) {
    add("path", { d: `M${LEFT} ${y(height)}h${x.pixels}`, class: "grid" });
    const score = Number(scoreOf(video.curve, 255 * height).toPrecision(3));
    add("text", { x: LEFT - 5, y: y(height) + 4, "text-anchor": "end" }).textContent = score;
  }
  for (const row of video.labelled) {
    if (!visible(row.onset, row.offset) || row.outcome === "macro") continue;
    const left = x(row.onset);
    add("rect", { x: left, y: TOP, width: x(row.offset + 1) - left, height: PLOT, class: `band ${row.outcome}` });
  }
  const spread = spreadPath(video.curve, video.span, view, x, y);
  if (spread) add("path", { d: spread, class: "spread" }, "one standard deviation of overlapping windows around the score");
  add("path", { d: curvePath(video.curve, video.span, view, x, y), class: "curve" });
  for (const row of [...video.found, ...video.labelled]) {
    if (row.apex === null || !visible(row.apex, row.apex) || !["hit", "alarm", "miss"].includes(row.outcome)) continue;
    const [from, to] = row.kind === "found" ? [FOUND + 16, y(row.height)] : [y(row.height), LABELLED];
    add("path", { d: `M${x(row.apex + 0.5)} ${from}V${to}`, class: `apex ${row.outcome}` });
  }
  for (const row of video.found) box(row, FOUND, 16);
  for (const row of video.labelled) box(row, LABELLED, 16);
  for (const [onset, end, number] of emotionRuns(video.curve, video.span)) {
    if (!visible(onset, end)) continue;
    const left = Math.max(LEFT, x(onset)), width = Math.min(LEFT + x.pixels, x(end)) - left;
    add("rect", { x: left, y: EMOTION, width: Math.max(0.7, width), height: 10, class: `e${number}` }, video.emotions[number]);
    if (width > 12) {
      add("text", { x: left + width / 2, y: EMOTION + 8.7, class: "on" }).textContent = video.emotions[number][0].toUpperCase();
    }
  }
  return parts;
}

/** Draw the frames of a view and return the horizontal scale with its inverse. */
function drawVideo(place, video, view) {
  const total = Math.max(280, place.clientWidth || 700);
  const pixels = total - LEFT - RIGHT;
  const x = (frame) => LEFT + ((Math.min(Math.max(frame, view[0]), view[1]) - view[0]) / (view[1] - view[0])) * pixels;
  x.pixels = pixels;
  x.frame = (pixel) => view[0] + ((pixel - LEFT) / pixels) * (view[1] - view[0]);
  const picture = svg("svg", { viewBox: `0 0 ${total} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": video.label });
  picture.append(...layers(video, view, x));
  for (const [text, row] of [["found", FOUND + 12], ["labelled", LABELLED + 12], ["emotion", EMOTION + 9]]) {
    picture.append(svg("text", { x: LEFT - 5, y: row, "text-anchor": "end" }, text));
  }
  const axis = svg("path", { d: `M${LEFT} ${BOTTOM}h${pixels}`, class: "axis" });
  picture.append(axis);
  for (const second of ticks(view[0] / video.fps, view[1] / video.fps, pixels / 80)) {
    const at = x(second * video.fps);
    picture.append(svg("path", { d: `M${at} ${BOTTOM}v4`, class: "tick" }));
    picture.append(svg("text", { x: at, y: BOTTOM + 16, "text-anchor": "middle" }, shortNumber(second)));
  }
  picture.append(svg("text", { x: LEFT + pixels / 2, y: BOTTOM + 31, "text-anchor": "middle", class: "title" }, "seconds"));
  picture.append(svg("path", { d: "", class: "cross" }));
  clear(place).append(picture);
  return x;
}
