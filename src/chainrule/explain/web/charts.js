// Small charts as SVG: curves, histograms, the cost by learning rate, the decision boundary.

import { element, svgElement } from "./elements.js";
import { brief } from "./format.js";
import { unpacked } from "./data.js";

const SIZE = { width: 420, height: 230, left: 58, right: 14, top: 14, bottom: 38 };
const BINS = 20;
const MARKS = ["circle", "square", "triangle", "diamond", "cross", "plus"];

function axes(size, label, { x, y, xTicks, yTicks, xName, yName }) {
  const chart = svgElement("svg", {
    viewBox: `0 0 ${size.width} ${size.height}`,
    role: "img",
    "aria-label": label,
    class: "chart",
  });
  const bottom = size.height - size.bottom;
  for (const [value, text] of yTicks) {
    chart.append(
      svgElement("line", { x1: size.left, x2: size.width - size.right, y1: y(value), y2: y(value), class: "rule" }),
      svgElement("text", { x: size.left - 6, y: y(value) + 4, "text-anchor": "end" }, text),
    );
  }
  for (const [value, text] of xTicks) {
    const half = 3.4 * text.length; // so that the last one is not cut off
    chart.append(
      svgElement("text", { x: Math.min(x(value), size.width - half), y: bottom + 15, "text-anchor": "middle" }, text),
    );
  }
  chart.append(
    svgElement("line", { x1: size.left, x2: size.width - size.right, y1: bottom, y2: bottom, class: "axis" }),
    svgElement(
      "text",
      { x: (size.left + size.width - size.right) / 2, y: size.height - 6, "text-anchor": "middle", class: "axis-name" },
      xName,
    ),
  );
  if (yName)
    chart.append(svgElement("text", { x: size.left, y: 10, "text-anchor": "start", class: "axis-name" }, yName));
  return chart;
}

function scaled(low, high, from, to) {
  const range = high - low || 1;
  return (value) => from + ((value - low) / range) * (to - from);
}

function ends(values) {
  const finite = values.filter((v) => v !== null && Number.isFinite(v));
  return finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
}

function ticks(low, high) {
  return [low, (low + high) / 2, high].map((v) => [v, String(Number(v.toPrecision(3)))]);
}

// curves: {name: values}, one value every ``stride`` epochs; null where it was not finite
export function lossChart({ curves, stride, best, epochs }) {
  const [low, high] = ends(Object.values(curves).flat());
  const size = SIZE;
  const x = scaled(1, Math.max(2, epochs), size.left, size.width - size.right);
  const y = scaled(low, high, size.height - size.bottom, size.top + 8);
  const names = Object.keys(curves).join(" and ");
  const label = `Cost by epoch over ${epochs} epochs, ${names}: from ${brief(high)} to ${brief(low)}.`;
  const chart = axes(size, label, {
    x,
    y,
    xTicks: [
      [1, "1"],
      [Math.max(2, epochs), String(Math.max(2, epochs))],
    ],
    yTicks: ticks(low, high),
    xName: "epoch",
    yName: "cost",
  });
  Object.entries(curves).forEach(([, values], c) => {
    let path = "";
    let pen = "M";
    values.forEach((v, i) => {
      if (v === null) pen = "M";
      else {
        path += `${pen}${x(1 + i * stride).toFixed(1)} ${y(v).toFixed(1)}`;
        pen = "L";
      }
    });
    chart.append(svgElement("path", { d: path, class: `curve curve-${c}` }));
  });
  if (best > 1 && best < epochs) {
    chart.append(
      svgElement("line", { x1: x(best), x2: x(best), y1: size.top + 8, y2: size.height - size.bottom, class: "best" }),
    );
  }
  return chart;
}

export function histogram(values, title) {
  const finite = Array.from(values).filter(Number.isFinite);
  if (finite.length === 0) return element("p", {}, `${title}: no finite number`);
  let [low, high] = ends(finite);
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const counts = new Array(BINS).fill(0);
  for (const v of finite) counts[Math.min(BINS - 1, Math.floor(((v - low) / (high - low)) * BINS))] += 1;
  const most = Math.max(...counts);
  const size = { ...SIZE, width: 260, height: 150, left: 34, top: 8 };
  const x = scaled(low, high, size.left, size.width - size.right);
  const y = scaled(0, most, size.height - size.bottom, size.top);
  const mean = finite.reduce((sum, v) => sum + v, 0) / finite.length;
  const range = `from ${brief(low)} to ${brief(high)}, mean ${brief(mean)}`;
  const label = `Histogram of ${title}: ${finite.length} numbers ${range}.`;
  const chart = axes(size, label, {
    x,
    y,
    xTicks: ticks(low, high),
    yTicks: [
      [0, "0"],
      [most, String(most)],
    ],
    xName: title,
  });
  const wide = (size.width - size.left - size.right) / BINS;
  counts.forEach((count, b) => {
    const middle = low + ((b + 0.5) * (high - low)) / BINS;
    chart.append(
      svgElement("rect", {
        x: size.left + b * wide + 0.5,
        y: y(count),
        width: wide - 1,
        height: size.height - size.bottom - y(count),
        class: middle < 0 ? "bar below" : "bar above",
      }),
    );
  });
  return chart;
}

// The cost after a step with each learning rate; ``chosen`` is the place of the one at work.
export function rateChart(rates, costs, before, chosen) {
  const size = { ...SIZE, width: 540 };
  const cap = Number.isFinite(before)
    ? before + 4 * Math.max(0.05 * Math.abs(before), before - Math.min(...costs.filter(Number.isFinite), before))
    : Infinity;
  const kept = costs.map((c) => (Number.isFinite(c) ? Math.min(c, cap) : null));
  const [low, high] = ends([...kept, before]);
  const x = scaled(0, rates.length - 1, size.left + 14, size.width - size.right - 14);
  const y = scaled(low, high, size.height - size.bottom, size.top + 12);
  const list = rates.map((rate, i) => `${rate}: ${brief(costs[i])}`).join(", ");
  const chart = axes(size, `Cost after the step by learning rate. Before: ${brief(before)}. ${list}.`, {
    x,
    y,
    xTicks: rates.map((rate, i) => [i, String(rate)]),
    yTicks: ticks(low, high),
    xName: "learning rate",
    yName: "cost after the step",
  });
  if (Number.isFinite(before)) {
    chart.append(
      svgElement("line", { x1: size.left, x2: size.width - size.right, y1: y(before), y2: y(before), class: "before" }),
      svgElement(
        "text",
        { x: size.width - size.right, y: y(before) - 5, "text-anchor": "end", class: "axis-name" },
        "before",
      ),
    );
  }
  kept.forEach((cost, i) => {
    if (cost === null) {
      chart.append(svgElement("text", { x: x(i), y: size.top + 8, "text-anchor": "middle" }, brief(costs[i])));
      return;
    }
    const beyond = costs[i] > cap;
    const mark = beyond
      ? svgElement("path", { d: `M ${x(i)} ${y(cost) - 7} l 6 10 h -12 z`, class: i === chosen ? "dot chosen" : "dot" })
      : svgElement("circle", {
          cx: x(i),
          cy: y(cost),
          r: i === chosen ? 7 : 4.5,
          class: i === chosen ? "dot chosen" : "dot",
        });
    mark.append(svgElement("title", {}, `${rates[i]}: ${brief(costs[i])}`));
    chart.append(mark);
  });
  return chart;
}

// The predictions over the two inputs, drawn on a canvas, with the rows on it; row: the chosen one
export function boundaryChart(content, row) {
  const { grid, low, high, winner, strength } = content.boundary;
  const values = unpacked(strength).values;
  const canvas = element("canvas", { width: grid, height: grid, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(grid, grid);
  const [least, most] = content.task === "regression" ? ends(Array.from(values)) : [0, 1];
  const style = getComputedStyle(document.documentElement);
  const tone = (name) => hex(style.getPropertyValue(name));
  const classes = [0, 1, 2, 3, 4, 5].map((k) => tone(`--class-${k}`));
  const [paper, below, above] = [tone("--paper"), tone("--below"), tone("--above")];
  for (let r = 0; r < grid; r += 1) {
    for (let c = 0; c < grid; c += 1) {
      const i = r * grid + c;
      let color;
      if (!Number.isFinite(values[i])) color = tone("--soft");
      else if (winner) color = mixed(paper, classes[winner[i] % 6], 0.12 + 0.5 * Math.min(1, values[i]));
      else {
        const t = (2 * (values[i] - least)) / (most - least || 1) - 1;
        color = mixed(paper, t < 0 ? below : above, 0.8 * Math.min(1, Math.abs(t)));
      }
      image.data.set([...color, 255], 4 * ((grid - 1 - r) * grid + c)); // upwards
    }
  }
  pen.putImageData(image, 0, 0);
  const size = { width: 420, height: 380, left: 66, right: 12, top: 12, bottom: 38 };
  const x = scaled(low[0], high[0], size.left, size.width - size.right);
  const y = scaled(low[1], high[1], size.height - size.bottom, size.top);
  const label = `Predictions over the inputs ${content.inputs.join(" and ")}, with the ${content.m} rows as marks.`;
  const chart = svgElement("svg", {
    viewBox: `0 0 ${size.width} ${size.height}`,
    role: "img",
    "aria-label": label,
    class: "chart",
  });
  const place = {
    x: size.left,
    y: size.top,
    width: size.width - size.left - size.right,
    height: size.height - size.top - size.bottom,
  };
  // the picture element would need a data: address, which the page's policy refuses; the canvas lies behind the chart
  for (const [value, text] of ticks(low[0], high[0]))
    chart.append(svgElement("text", { x: x(value), y: size.height - 22, "text-anchor": "middle" }, text));
  for (const [value, text] of ticks(low[1], high[1]))
    chart.append(svgElement("text", { x: size.left - 6, y: y(value) + 4, "text-anchor": "end" }, text));
  chart.append(
    svgElement("rect", { ...place, class: "frame" }),
    svgElement(
      "text",
      { x: place.x + place.width / 2, y: size.height - 6, "text-anchor": "middle", class: "axis-name" },
      content.inputs[0],
    ),
    svgElement(
      "text",
      {
        transform: `translate(13 ${place.y + place.height / 2}) rotate(-90)`,
        "text-anchor": "middle",
        class: "axis-name",
      },
      content.inputs[1],
    ),
  );
  const X = content.array(content.before ? "X" : "A", 0);
  for (let i = 0; i < content.m; i += 1) {
    const k = classOf(content, i);
    const mark = markAt(
      MARKS[k % MARKS.length],
      x(X.at(0, i)),
      y(X.at(1, i)),
      i === row ? 8 : 5,
      `point class-${k % 6}${i === row ? " chosen" : ""}`,
    );
    mark.append(svgElement("title", {}, `row ${i}`));
    chart.append(mark);
  }
  const percent = (part, whole) => `${((100 * part) / whole).toFixed(3)}%`;
  canvas.style.left = percent(place.x, size.width);
  canvas.style.top = percent(place.y, size.height);
  canvas.style.width = percent(place.width, size.width);
  canvas.style.height = percent(place.height, size.height);
  return element("div", { class: "boundary" }, canvas, chart);
}

export function classOf(content, i) {
  const Y = content.array("Y");
  if (content.task === "regression") return 0;
  if (Y.rows === 1) return Y.at(0, i) >= 0.5 ? 1 : 0;
  let best = 0;
  for (let k = 1; k < Y.rows; k += 1) if (Y.at(k, i) > Y.at(best, i)) best = k;
  return best;
}

export function classLegend(content) {
  if (content.task === "regression") return null;
  const samples = content.classes.map((name, k) =>
    element(
      "span",
      {},
      svgElement(
        "svg",
        { viewBox: "0 0 16 16", class: "sample", "aria-hidden": "true" },
        markAt(MARKS[k % MARKS.length], 8, 8, 5, `point class-${k % 6}`),
      ),
      name,
    ),
  );
  return element("p", { class: "legend" }, samples);
}

function markAt(kind, x, y, r, className) {
  const shapes = {
    square: `M ${x - r} ${y - r} h ${2 * r} v ${2 * r} h ${-2 * r} z`,
    triangle: `M ${x} ${y - 1.2 * r} l ${1.2 * r} ${2.1 * r} h ${-2.4 * r} z`,
    diamond: `M ${x} ${y - 1.3 * r} l ${1.2 * r} ${1.3 * r} l ${-1.2 * r} ${1.3 * r} l ${-1.2 * r} ${-1.3 * r} z`,
    cross: `M ${x - r} ${y - r} l ${2 * r} ${2 * r} m 0 ${-2 * r} l ${-2 * r} ${2 * r}`,
    plus: `M ${x} ${y - r} v ${2 * r} m ${-r} ${-r} h ${2 * r}`,
  };
  if (kind === "circle") return svgElement("circle", { cx: x, cy: y, r, class: className });
  return svgElement("path", { d: shapes[kind], class: className });
}

function hex(text) {
  const digits = text.trim().slice(1);
  return [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16));
}

function mixed(a, b, share) {
  return a.map((v, i) => Math.round(v + (b[i] - v) * share));
}
