// The arithmetic of one entry: its equation, its terms, and where each factor comes from.
//
// Notation, examples as rows or columns, learning rate and entry are chosen here, and the terms of all entries would make
// the page many times larger; so a choice is put together here, of Python's arrays and sums. Python's arithmetic.py
// defines what is right: tests read every entry of a page and compare it.
//
// An entry is {name, layer, row, col}, in the places of the trace whatever the notation. A term is a list of parts,
// texts and numbers; a number that stands in an array has the entry it comes from.

import { bracketed, full } from "./format.js";

export function entry(name, layer, row, col) {
  return { name, layer, row, col };
}

export function sameEntry(a, b) {
  return Boolean(a && b) && keyOf(a) === keyOf(b);
}

export function keyOf({ name, layer, row, col }) {
  return `${name}:${layer}:${row}:${col}`;
}

// -> {place, equation, terms: [{parts, value}], from: entries of what has no terms, value}
export function arithmetic(content, letters, of, rate) {
  const { name, layer, row, col } = of;
  const { equation, terms, from = [] } = ruleOf(name)(new Working(content, letters, rate), layer, row, col);
  const value = valueOf(content, letters, of, rate);
  return { place: letters.place(name, layer, row, col), equation, terms, from, value };
}

export function valueOf(content, letters, { name, layer, row, col }, rate) {
  if (name.startsWith("new")) return content.updated(name.slice(3), layer, row, col, rate);
  return letters.at(name, layer, row, col);
}

// A term as text, as Python's Term.said has it.
export function said(term) {
  return term.parts.map((part) => (typeof part === "string" ? part : part.text)).join("");
}

class Working {
  constructor(content, letters, rate) {
    this.content = content;
    this.letters = letters;
    this.rate = rate;
  }

  at(name, layer, row, col) {
    return this.letters.at(name, layer, row, col);
  }

  place(name, layer, row, col) {
    return this.letters.place(name, layer, row, col);
  }

  // A number with the entry it comes from; plain where it is no factor of a product or term of a sum.
  number(name, layer, row, col, plain = false) {
    const value = this.at(name, layer, row, col);
    return { text: plain ? full(value) : bracketed(value), to: entry(name, layer, row, col), value };
  }

  product(...factors) {
    const parts = factors.flatMap((factor, i) => (i ? [" * ", factor] : [factor]));
    return { parts, value: factors.reduce((all, { value }) => all * value, 1) };
  }

  single(factor) {
    return { parts: [factor], value: factor.value };
  }

  // 1/m, which the theta notation keeps out of its deltas
  oneOverM() {
    const value = this.content.at("share", 0, 0, 0);
    return this.letters.theta ? [{ text: full(value), value, label: "1/m" }] : [];
  }

  units(layer) {
    return range(this.content.n[layer]);
  }

  examples() {
    return range(this.content.m);
  }
}

function range(count) {
  return Array.from({ length: count }, (_, k) => k);
}

function given(what) {
  return () => ({ equation: what, terms: [] });
}

// A sum of products, as Python wrote down what it is made of (sums, in arithmetic.py).
function sumOf(name) {
  return (w, l, row, col) => {
    const { index, count, factors } = w.content.sums[l][name];
    const at = (k) => factors.map(([V, layer, r, c]) => [V, layer, ...[r, c].map((p) => ({ row, col, [index]: k })[p])]);
    const front = index === "i" ? w.oneOverM() : [];
    const terms = range(count).map((k) => w.product(...front, ...at(k).map((factor) => w.number(...factor))));
    const places = at(index).map((factor) => w.place(...factor));
    if (w.letters.transposed && factors[0][0] === "W") places.reverse();
    return { equation: `${front.length ? "1/m " : ""}sum_${index} ${places.join(" ")}`, terms };
  };
}

function weightedSum(w, l, j, i) {
  const { equation, terms } = sumOf("Z")(w, l, j, i);
  const bias = w.letters.theta ? w.place("b", l, j, 0) : `b[${l}][${j}]`;
  return { equation: `${equation} + ${bias}`, terms: [...terms, w.single(w.number("b", l, j, 0))] };
}

function activation(w, l, j, i) {
  const { content, letters } = w;
  if (l === 0 && content.before) return unitBefore(w, j, i);
  if (l === 0) return { equation: `X, unit ${j} (${content.inputs[j]}) of row ${i}`, terms: [] };
  const value = w.at("A", l, j, i);
  if (l === content.L && !content.elementwise) {
    const inputs = w.units(l).map((k) => w.number("Z", l, k, i, true));
    const all = letters.transposed ? `${letters.symbol("Z", l)}[${i},:]` : `${letters.symbol("Z", l)}[:,${i}]`;
    const between = inputs.flatMap((number, k) => (k ? [", ", number] : [number]));
    return {
      equation: `${content.link}(${all})[${j}]`,
      terms: [{ parts: [`${content.link}(`, ...between, `)[${j}]`], value }],
    };
  }
  return {
    equation: `g(${w.place("Z", l, j, i)}), g = ${content.activation[l - 1]}`,
    terms: [{ parts: ["g(", w.number("Z", l, j, i, true), ")"], value }],
  };
}

function slopeByZ(w, l, j, i) {
  return l < w.content.L ? hiddenDelta(w, l, j, i) : outputDelta(w, l, j, i);
}

function hiddenDelta(w, l, j, i) {
  const dA = w.number("dA", l, j, i);
  const slope = w.content.at("slope", l, j, i);
  const Z = w.place("Z", l, j, i);
  const factor = { text: bracketed(slope), to: entry("Z", l, j, i), value: slope, label: `g'(${Z})` };
  return {
    equation: `${w.place("dA", l, j, i)} g'(${Z}), g = ${w.content.activation[l - 1]}`,
    terms: [w.product(dA, factor)],
  };
}

function outputDelta(w, l, j, i) {
  const { content, letters } = w;
  const value = content.at("dZ", l, j, i);
  const share = content.at("share", 0, 0, i);
  const y = content.at("Y", 0, j, i);
  const A = w.number("A", l, j, i, true);
  const weight = { text: full(share), value: share, label: `share_${i} = 1/m` };
  const front = letters.theta ? [] : [weight, " * "];
  const share_i = letters.theta ? "" : `share_${i} `;
  const shown = w.at("dZ", l, j, i);
  if (content.at("isDifference", 0, j, i)) {
    const target = { text: bracketed(y), to: entry("Y", 0, j, i), value: y };
    const [open, close] = letters.theta ? ["", ""] : ["(", ")"];
    return {
      equation: `${share_i}${open}${w.place("A", l, j, i)} - ${w.place("Y", 0, j, i)}${close}, for ${content.loss}`,
      terms: [{ parts: [...front, open, A, " - ", target, close], value: shown }],
    };
  }
  const slope = value / share;
  const Z = w.place("Z", l, j, i);
  const factor = { text: bracketed(slope), to: entry("Z", l, j, i), value: slope, label: `dloss/d${Z}` };
  return {
    equation: `${share_i}dloss/d${Z}, for ${content.loss}`,
    terms: [{ parts: [...front, factor], value: shown }],
  };
}

function slopeByW(w, l, j, k) {
  const { content } = w;
  let { equation, terms } = sumOf("dW")(w, l, j, k);
  content.penalties.forEach((spec, p) => {
    const value = content.at(`penalty${p}`, l, j, k);
    const label = `slope of ${spec} at ${w.place("W", l, j, k)}`;
    terms.push(w.single({ text: bracketed(value), to: entry("W", l, j, k), value, label }));
    equation += ` + slope of ${spec}`;
  });
  return { equation, terms };
}

function cost(w) {
  const { content } = w;
  const terms = w.examples().map((i) => {
    const [share, loss] = [content.at("share", 0, 0, i), content.at("loss", 0, 0, i)];
    const parts = [
      { text: full(share), value: share, label: `share_${i} = 1/m` },
      " * ",
      { text: full(loss), value: loss, label: `loss_${i}`, to: entry("loss", 0, 0, i) },
    ];
    return { parts, value: share * loss };
  });
  let equation = `sum_i share_i loss_i, for ${content.loss}`;
  if (content.penalties.length) {
    const value = content.at("penalty", 0, 0, 0);
    terms.push({ parts: [{ text: bracketed(value), value, label: "the penalties" }], value });
    equation += ` + ${content.penalties.join(" + ")}`;
  }
  return { equation, terms };
}

function lossOfRow(w, _, __, i) {
  const { L, formula } = w.content;
  const inputs = w.units(L).flatMap((k) => [entry("A", L, k, i), entry("Y", 0, k, i)]);
  return { equation: `${formula}, of row ${i}`, terms: [], from: inputs };
}

function updated(name) {
  return (w, l, row, col) => {
    const [from, slope] = [w.number(name, l, row, col), w.number(`d${name}`, l, row, col)];
    const rate = { text: full(w.rate), value: w.rate, label: "learning rate" };
    return {
      equation: `${w.place(name, l, row, col)} - alpha ${w.place(`d${name}`, l, row, col)}`,
      terms: [{ parts: [from, " - ", rate, " * ", slope], value: from.value - w.rate * slope.value }],
    };
  };
}

// Before A[0]: the rows, and the parameters of input layers with their slopes, as Python wrote down what each is made of.

function unitBefore(w, j, i) {
  const { given, equation, left } = w.content.before.made[j];
  const from = w.number(given[0], 0, given[1], i, true);
  if (!equation) {
    const handedOn = w.number(given[0], 0, given[1], i);
    return { equation: `${w.place(given[0], 0, given[1], i)}, which is handed on`, terms: [w.single(handedOn)] };
  }
  const numbers = [...parametersOf(w, j, i).map(([name, row, col]) => w.number(name, 0, row, col, true)), from];
  return { equation, terms: [{ parts: [`${left} at `, ...listed(w, numbers)], value: w.at("A", 0, j, i) }] };
}

function parametersOf(w, j, i) {
  const { factors = [] } = w.content.before.made[j];
  return factors.length === 1 ? factors[0] : (factors[i] ?? []);
}

// "dA[0][0,1] = 0.5, X[2,1] = 3", each number leading to its place
function listed(w, numbers) {
  return numbers.flatMap((number, k) => {
    const { name, layer, row, col } = number.to;
    return [`${k ? ", " : ""}${w.place(name, layer, row, col)} = `, number];
  });
}

function givenBefore(name) {
  return (w, _, row, col) => {
    const names = name === "X" ? w.content.inputs : w.content.before.categories;
    return { equation: `column ${row}${names.length ? ` (${names[row]})` : ""} of row ${col}`, terms: [] };
  };
}

function slopeBefore(name) {
  const plain = name.slice(1);
  return (w, _, row, col) => {
    const { columns, made, slopes } = w.content.before;
    const place = row * columns[plain].length + col;
    const terms = w.examples().flatMap((i) => {
      const numbers = new Map();
      made.forEach(({ given }, j) => {
        if (!parametersOf(w, j, i).some((p) => p[0] === plain && p[1] === row && p[2] === col)) return;
        for (const number of [w.number("dA", 0, j, i, true), w.number(given[0], 0, given[1], i, true)])
          numbers.set(keyOf(number.to), number);
      });
      if (!numbers.size) return [];
      const value = w.content.at(`${name} by row`, 0, place, i);
      const own = { text: bracketed(value), value };
      return [{ parts: [own, " (", ...listed(w, [...numbers.values()]), ")"], value }];
    });
    return { equation: slopes[name], terms };
  };
}

function ruleOf(name) {
  if (RULES[name]) return RULES[name];
  if (name === "X" || name === "codes") return givenBefore(name);
  if (name.startsWith("new")) return updated(name.slice(3));
  return name.startsWith("d") ? slopeBefore(name) : given("a parameter of the network");
}

const RULES = {
  W: given("a parameter of the network"),
  b: given("a parameter of the network"),
  Y: (w, _, k, i) => ({ equation: `the target of row ${i}, output ${k} (${w.content.outputs[k]})`, terms: [] }),
  Z: weightedSum,
  A: activation,
  J: cost,
  loss: lossOfRow,
  dZ: slopeByZ,
  dA: sumOf("dA"),
  dW: slopeByW,
  db: sumOf("db"),
  newW: updated("W"),
  newb: updated("b"),
};
