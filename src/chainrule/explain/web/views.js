// Which matrices a station shows: what it works out, and what that is made from.
//
// A view is a matrix as it is displayed: {title, rows, cols, rowHead(r), colHead(c), entryAt(r, c), valueOf(entry),
// placeOf(entry), largest}, already transposed and put together as the notation wants it.

import { entry, valueOf } from "./arithmetic.js";
import { isBefore } from "./letters.js";

const MADE_FROM = {
  Z: (l) => [
    ["P", l],
    ["A", l - 1],
  ],
  A: (l) => [["Z", l]],
  dA: (l) => [
    ["P", l + 1],
    ["dZ", l + 1],
  ],
  dW: (l) => [
    ["dZ", l],
    ["A", l - 1],
  ],
  db: (l) => [["dZ", l]],
  update: (l) => [
    ["P", l],
    ["dP", l],
  ],
};

// Where a network has input layers: given, the names of the rows' arrays; learned, those of the parameters.
const BEFORE = {
  X: (given) => ({ result: given, from: ["Y"] }),
  A: (given, learned) => ({ result: ["A"], from: [...given, ...learned] }),
  dinputs: (given, learned) => ({ result: learned.map((name) => `d${name}`), from: ["dA", ...given, ...learned] }),
  update: (_, learned) => ({
    result: learned.map((name) => `new${name}`),
    from: [...learned, ...learned.map((name) => `d${name}`)],
  }),
};

export function viewsOf(content, letters, { name, layer }, rate) {
  const make = (kinds) => kinds.flatMap(([kind, l]) => views(content, letters, kind, l, rate));
  const { L } = content;
  if (layer === 0 && content.before && name in BEFORE) {
    const { result, from } = BEFORE[name](content.before.given, Object.keys(content.before.columns));
    const all = (names) => make(names.map((each) => [each, 0]));
    return { result: all(result), from: all(from) };
  }
  if (name === "A" && layer === 0) return { result: make([["A", 0]]), from: make([["Y", 0]]) };
  if (name === "J")
    return {
      result: make([
        ["J", 0],
        ["loss", 0],
      ]),
      from: make([
        ["A", L],
        ["Y", 0],
      ]),
    };
  if (name === "update") return { result: make([["newP", layer]]), from: make(MADE_FROM.update(layer)) };
  if (name === "dZ") {
    const from =
      layer === L
        ? [
            ["A", L],
            ["Y", 0],
          ]
        : [
            ["dA", layer],
            ["Z", layer],
          ];
    return { result: make([["dZ", layer]]), from: make(from) };
  }
  // the theta notation has the slopes of weights and biases in one matrix, D
  const result = letters.theta && ["dW", "db"].includes(name) ? [["dP", layer]] : [[name, layer]];
  return { result: make(result), from: make(MADE_FROM[name](layer)) };
}

// "P" stands for the parameters: W and b, or Theta.
function views(content, letters, kind, layer, rate) {
  const start = { P: "", dP: "d", newP: "new" }[kind];
  if (start === undefined) return [arrayView(content, letters, kind, layer, rate)];
  if (letters.theta) return [thetaView(content, letters, start, layer, rate)];
  return ["W", "b"].map((name) => arrayView(content, letters, start + name, layer, rate));
}

function arrayView(content, letters, name, layer, rate) {
  const array = content.array(name.replace(/^new/, ""), layer);
  const transposed = letters.isTransposed(name);
  const across = letters.isOfExamples(name);
  const unitsOf = name === "Y" ? content.L : layer;
  const unit = (j) => (isBefore(name) ? headBefore(content, name, j) : head(letters, unitsOf, j));
  const example = (i) => ({ text: `row ${i}`, row: i });
  let columnHead = (k) => head(letters, layer - 1, k);
  if (across) columnHead = example;
  else if (isBefore(name)) columnHead = (k) => columnBefore(content, name, k);
  if (["b", "db", "newb"].includes(name)) columnHead = () => ({ text: "bias" });
  if (name === "J") columnHead = () => ({ text: "cost" });
  const rowHead = ["J", "loss"].includes(name) ? () => ({ text: name }) : unit;
  const view = {
    key: `${name}${layer}`,
    title: letters.symbol(name, layer),
    rows: transposed ? array.cols : array.rows,
    cols: transposed ? array.rows : array.cols,
    rowHead: transposed ? columnHead : rowHead,
    colHead: transposed ? rowHead : columnHead,
    entryAt: (r, c) => (transposed ? entry(name, layer, c, r) : entry(name, layer, r, c)),
    cellOf: (of) => (of.name === name && of.layer === layer ? (transposed ? [of.col, of.row] : [of.row, of.col]) : null),
    largest: array.largest * letters.scale(name),
  };
  return shared(view, content, letters, rate);
}

// [b | W], and likewise for the slopes and for the parameters after the step.
function thetaView(content, letters, start, layer, rate) {
  const plain = start === "new" ? "" : start;
  const [W, b] = [content.array(`${plain}W`, layer), content.array(`${plain}b`, layer)];
  const view = {
    key: `${start}Theta${layer}`,
    title: letters.symbol(`${start}W`, layer),
    rows: W.rows,
    cols: W.cols + 1,
    rowHead: (j) => head(letters, layer, j),
    colHead: (c) => (c === 0 ? { text: "bias" } : head(letters, layer - 1, c - 1)),
    entryAt: (r, c) => (c === 0 ? entry(`${start}b`, layer, r, 0) : entry(`${start}W`, layer, r, c - 1)),
    cellOf: (of) => {
      if (of.layer !== layer) return null;
      if (of.name === `${start}b`) return [of.row, 0];
      return of.name === `${start}W` ? [of.row, of.col + 1] : null;
    },
    largest: Math.max(W.largest, b.largest),
  };
  return shared(view, content, letters, rate);
}

function shared(view, content, letters, rate) {
  return {
    ...view,
    valueOf: (of) => valueOf(content, letters, of, rate),
    placeOf: ({ name, layer, row, col }) => letters.place(name, layer, row, col),
  };
}

// A row of X or of the codes has the name of its column; a row of parameters is a unit.
function headBefore(content, name, j) {
  const names = { X: content.inputs, codes: content.before.categories }[name] ?? [];
  return { text: `${j}`, name: names[j] };
}

// A column of parameters belongs to a column of numbers, or to a code.
function columnBefore(content, name, k) {
  return { text: `${k}`, name: content.before.columns[name.replace(/^(d|new)/, "")][k] };
}

function head(letters, layer, unit) {
  const name = letters.unitName(layer, unit);
  return { text: `${unit}`, name };
}
