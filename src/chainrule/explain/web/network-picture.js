// The network as a picture: weights by colour and dash (sign) and width (size), units by the chosen row's numbers.

import { element, svgElement } from "./elements.js";
import { brief } from "./format.js";

const MOST_UNITS = 64; // of a layer that are drawn; a larger layer is folded
const FOLDED = 24; // units that a folded layer still shows
const MOST_LINES = 1200; // between two layers: the strongest
const WIDTH = 680;
const NAME = 15; // letters of a unit's name
const TOP = 44;

// what: {units, weights}: "A" or "dZ", "W" or "dW"; layer: the layer at work, or null; row: the chosen one
export function networkPicture(content, letters, { units, weights, layer, row }, choose) {
  const shown = content.n.map((n) => (n > MOST_UNITS ? FOLDED : n));
  const tallest = Math.max(...shown);
  const gap = Math.max(11, Math.min(46, 460 / tallest));
  const radius = Math.max(4, Math.min(15, gap * 0.4));
  const height = TOP + tallest * gap + 34;
  const [left, right] = [content.units, content.outputs].map((names) => 40 + 7 * Math.min(NAME, longest(names)));
  const x = (l) => left + (l * (WIDTH - left - right)) / content.L;
  const y = (l, j) => TOP + (height - TOP - 34) / 2 + (j - (shown[l] - 1) / 2) * gap;
  const picture = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", class: "network" });
  let thinned = false;
  for (let l = 1; l <= content.L; l += 1) {
    const group = svgElement("g", { class: layer === null || layer === l ? "edges" : "edges aside" });
    const lines = edges(content, weights, l, shown);
    thinned ||= lines.length > MOST_LINES;
    for (const { j, k, value, share } of lines.slice(0, MOST_LINES)) {
      group.append(
        svgElement("line", {
          x1: x(l - 1) + radius,
          y1: y(l - 1, k),
          x2: x(l) - radius,
          y2: y(l, j),
          class: Number.isFinite(value) ? (value < 0 ? "below" : "above") : "not-finite",
          "stroke-width": (0.4 + 4.6 * share).toFixed(2),
          "stroke-opacity": (0.25 + 0.65 * share).toFixed(2),
        }),
      );
    }
    picture.append(group);
  }
  for (let l = 0; l <= content.L; l += 1) {
    picture.append(svgElement("text", { x: x(l), y: 18, class: "layer-name" }, layerName(letters, l)));
    picture.append(
      svgElement(
        "text",
        { x: x(l), y: 33, class: "layer-size" },
        `${content.n[l]} ${l ? activationOf(content, l) : content.before ? "units" : "inputs"}`,
      ),
    );
    for (let j = 0; j < shown[l]; j += 1)
      picture.append(unit(content, letters, { units, l, j, row, radius, x: x(l), y: y(l, j), choose }));
    if (gap >= 12 && (l === 0 || l === content.L)) {
      for (let j = 0; j < shown[l]; j += 1) picture.append(unitName(letters, l, j, x(l), y(l, j), radius));
    }
    if (shown[l] < content.n[l]) {
      picture.append(
        svgElement(
          "text",
          { x: x(l), y: y(l, shown[l] - 1) + gap + 8, class: "layer-size" },
          `and ${content.n[l] - shown[l]} more`,
        ),
      );
    }
  }
  const what = units === "A" ? "activations A" : `slopes ${letters.theta ? "delta" : "dZ"}`;
  const which = weights === "W" ? "the weights" : `the weights' slopes ${letters.theta ? "D" : "dW"}`;
  picture.setAttribute(
    "aria-label",
    `Network of ${content.L + 1} layers, ${content.n.join(", ")} units. ` +
      `Units show the ${what} of row ${row}, lines show ${which}.`,
  );
  const front = content.before ? letters.symbol("dA", 0) : "the inputs themselves";
  const inputs = units === "A" ? "" : `, ${front} in front`;
  const notes = [`Units: ${what} of row ${row}${inputs}. Lines: ${which}; wider is larger.`];
  if (content.n.some((n) => n > MOST_UNITS))
    notes.push(`Of layers with more than ${MOST_UNITS} units the first ${FOLDED} are drawn.`);
  if (thinned) notes.push(`Between two layers the ${MOST_LINES} largest are drawn.`);
  return [
    element(
      "div",
      { class: "picture-box", tabindex: 0, role: "region", "aria-label": "Picture of the network" },
      picture,
    ),
    legend(),
    element("p", { class: "caption" }, notes.join(" ")),
  ];
}

function edges(content, weights, l, shown) {
  const array = content.array(weights, l);
  const lines = [];
  for (let j = 0; j < shown[l]; j += 1) {
    for (let k = 0; k < shown[l - 1]; k += 1) {
      const value = array.at(j, k);
      const share = array.largest > 0 && Number.isFinite(value) ? Math.abs(value) / array.largest : 0;
      lines.push({ j, k, value, share });
    }
  }
  return lines.length > MOST_LINES ? lines.sort((a, b) => b.share - a.share) : lines;
}

function unit(content, letters, { units, l, j, row, radius, x, y, choose }) {
  const slopes = content.before ? "dA" : "A"; // of the inputs, which have none where nothing before them learns
  const name = l > 0 || units === "A" ? units : slopes;
  const array = content.array(name, l);
  const value = array.at(j, row);
  const share = array.largest > 0 && Number.isFinite(value) ? Math.abs(value) / array.largest : 0;
  const tone = Number.isFinite(value) ? (value < 0 ? "below" : "above") : "not-finite";
  const circle = svgElement("circle", {
    cx: x,
    cy: y,
    r: radius,
    class: `unit ${tone}`,
    vars: { "--share": `${(100 * share).toFixed(1)}%` },
    on: { click: () => choose({ name, layer: l, row: j, col: row }) },
  });
  circle.append(svgElement("title", {}, `${letters.place(name, l, j, row)} = ${brief(letters.at(name, l, j, row))}`));
  if (value >= 0 || radius < 8) return circle;
  const sign = svgElement("path", { d: `M ${x - radius / 3} ${y} h ${(2 * radius) / 3}`, class: "minus" });
  return svgElement("g", {}, circle, sign);
}

function unitName(letters, l, j, x, y, radius) {
  const name = letters.unitName(l, j);
  const short = name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name;
  const at = l === 0 ? { x: x - radius - 5, "text-anchor": "end" } : { x: x + radius + 5, "text-anchor": "start" };
  return svgElement("text", { ...at, y: y + 4, class: "unit-name" }, short, svgElement("title", {}, name));
}

function longest(names) {
  return Math.max(...names.map((name) => name.length));
}

function layerName(letters, l) {
  return `layer ${letters.layerNumber(l)}`;
}

function activationOf(content, l) {
  return content.activation[l - 1].replace(/\(.*/, "");
}

function legend() {
  const sample = (tone) =>
    svgElement(
      "svg",
      { viewBox: "0 0 40 12", class: "sample", "aria-hidden": "true" },
      svgElement("line", { x1: 2, y1: 6, x2: 38, y2: 6, class: tone, "stroke-width": 3 }),
    );
  return element(
    "p",
    { class: "legend" },
    element("span", {}, sample("below"), "negative: dashed, units with −"),
    element("span", {}, sample("above"), "positive: solid"),
  );
}
