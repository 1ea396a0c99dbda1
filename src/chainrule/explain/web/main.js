// The walk: what is chosen, and drawing it.

import { arithmetic, entry, keyOf, said } from "./arithmetic.js";
import { drawBelow, drawRates } from "./below.js";
import { Controls } from "./controls.js";
import { readContent } from "./data.js";
import { element, mathElement, plural, replaceChildren } from "./elements.js";
import { full } from "./format.js";
import { isBefore, Letters } from "./letters.js";
import { MatrixGrid } from "./matrix.js";
import { networkPicture } from "./network-picture.js";
import { viewsOf } from "./views.js";

const PAUSE = 1800; // milliseconds at a station while playing
const FIRST_TERMS = 12; // that the arithmetic shows before one asks for all
const START_RATE = 4; // the middle of the nine
const NAMED = { newW: "update", newb: "update", loss: "J", W: "Z", b: "Z", codes: "X" };
// The array of a station of layer 0 whose first entry is shown, where there are input layers.
const FIRST_BEFORE = {
  X: ({ given }) => given[0],
  dinputs: ({ columns }) => `d${Object.keys(columns)[0]}`,
  update: ({ columns }) => `new${Object.keys(columns)[0]}`,
};

class Walk {
  constructor(content) {
    this.content = content;
    this.state = { station: 0, row: 0, rate: START_RATE, notation: "W,b", examples: "columns", playing: false };
    this.selected = null;
    this.trail = []; // entries one came from
    this.allTerms = false;
    this.controls = new Controls(
      content,
      {
        back: () => this.moveBy(-1),
        step: () => this.moveBy(1),
        play: () => this.play(!this.state.playing),
        station: (i) => this.goTo(i),
        row: (i) => this.chooseRow(i),
        rate: (i) => this.set({ rate: i }),
        notation: (name) => this.set({ notation: name }),
        examples: (name) => this.set({ examples: name }),
      },
      this.titles(),
    );
    this.notes();
    this.goTo(0, false);
  }

  get letters() {
    return new Letters(this.content, this.state.notation, this.state.examples);
  }

  get rate() {
    return this.content.rates[this.state.rate];
  }

  // The station's short names in the notation, for the list of stations.
  titles() {
    const { letters } = this;
    return this.content.stations.map(({ name, layer }, i) => `${i + 1}. ${titleOf(letters, name, layer)}`);
  }

  notes() {
    const { content } = this;
    document.getElementById("lead").textContent =
      `A network of n = (${content.n.join(", ")}) with ${plural(content.m, "row")}: forward to the cost, ` +
      "backward to every slope, and the step that gradient descent takes. Choose a number to see where it comes from.";
    const notes = content.notes.map((text) => element("p", { class: "note" }, text));
    if (content.notFinite) {
      const show = () => this.jump(content.notFinite);
      notes.push(
        element(
          "button",
          { type: "button", id: "not-finite", on: { click: show } },
          "Show the first number that is not finite",
        ),
      );
    }
    replaceChildren("notes", notes);
  }

  set(change) {
    Object.assign(this.state, change);
    this.draw();
    this.say(this.spoken());
  }

  moveBy(steps) {
    const to = this.state.station + steps;
    if (to >= 0 && to < this.content.stations.length) this.goTo(to);
  }

  // To a station, with the first entry of its result that belongs to the chosen row.
  goTo(station, speak = true) {
    this.trail = [];
    this.state.station = station;
    if (station === this.content.stations.length - 1) this.play(false);
    this.select(this.firstEntry(this.content.stations[station]), speak);
  }

  firstEntry({ name, layer }) {
    if (layer === 0 && name in FIRST_BEFORE) return entry(FIRST_BEFORE[name](this.content.before), 0, 0, this.rowOf(name));
    if (name === "update") return entry("newW", layer, 0, 0);
    if (name === "J") return entry("J", 0, 0, 0);
    return entry(name, layer, 0, this.rowOf(name));
  }

  // The column of an entry of a quantity: the chosen row's, or the first.
  rowOf(name) {
    return this.letters.isOfExamples(name) ? this.state.row : 0;
  }

  select(of, speak = true) {
    this.selected = of;
    this.allTerms = false;
    this.draw();
    if (speak) this.say(this.spoken());
  }

  // A click on an entry: it stays at its station; its arithmetic is shown.
  choose(of) {
    this.selected = of;
    this.allTerms = false;
    const factors = this.factorKeys();
    for (const grid of this.grids) grid.mark(of, factors);
    this.drawArithmetic();
    this.say(this.spokenArithmetic());
  }

  // To where an entry is worked out (or, a parameter, used), and to the entry itself.
  jump(of, remember = true) {
    const trail =
      remember && this.selected ? [...this.trail, { ...this.selected, station: this.state.station }] : this.trail;
    this.state.station = of.station ?? this.stationOf(of);
    this.play(false);
    this.trail = trail;
    if (this.letters.isOfExamples(of.name)) this.state.row = of.col;
    this.select(of);
    const grid = this.grids.find(({ view }) => view.cellOf(of));
    if (grid) grid.focus();
  }

  stationOf({ name, layer }) {
    const { stations, L } = this.content;
    if (name === "Y") return stations.findIndex((s) => s.name === "dZ" && s.layer === L);
    const wanted = NAMED[name] ?? (isBefore(name) && name !== "X" ? stationBefore(name) : name);
    return stations.findIndex((s) => s.name === wanted && (wanted === "J" || s.layer === layer));
  }

  chooseRow(row) {
    const of = this.selected;
    this.state.row = row;
    this.select(this.letters.isOfExamples(of.name) ? entry(of.name, of.layer, of.row, row) : of);
  }

  play(on) {
    clearInterval(this.timer);
    if (on && this.state.station === this.content.stations.length - 1) this.goTo(0);
    this.state.playing = on;
    if (on) this.timer = setInterval(() => this.moveBy(1), PAUSE);
    this.controls.show(this.state, this.titles());
  }

  // Drawing ------------------------------------------------------------------------------------------------------

  draw() {
    const focused = document.activeElement?.closest?.("[data-entry]");
    this.controls.show(this.state, this.titles());
    this.drawPicture();
    this.drawStation();
    drawRates(this.content, this.state.rate, this.content.J);
    const shown = [this.state.row, this.state.notation].join();
    if (shown !== this.below) drawBelow(this.content, this.letters, this.state.row);
    this.below = shown;
    if (focused) this.grids.find(({ view }) => view.cellOf(this.selected))?.focus();
  }

  drawPicture() {
    const { name, layer } = this.content.stations[this.state.station];
    const backward = phaseOf(name) === "backward";
    const what = {
      units: backward ? "dZ" : "A",
      weights: ["dW", "db", "update"].includes(name) ? "dW" : "W", // what leads back through a layer is W
      layer: name === "dA" ? layer + 1 : name === "J" || layer === 0 ? null : layer,
      row: this.state.row,
    };
    replaceChildren(
      "picture",
      networkPicture(this.content, this.letters, what, (of) => this.jump(of)),
    );
  }

  drawStation() {
    const { content, letters, state } = this;
    const { name, layer } = content.stations[state.station];
    const written = content.equations[`${state.notation} ${state.examples}`][state.station];
    const { result, from } = viewsOf(content, letters, content.stations[state.station], this.rate);
    const options = {
      row: state.row,
      selected: this.selected,
      factors: this.factorKeys(),
      choose: (of) => this.choose(of),
    };
    const [results, sources] = [result, from].map((views) => views.map((view) => new MatrixGrid(view, options)));
    this.grids = [...results, ...sources];
    const equation = written
      ? element(
          "div",
          { class: "equation", tabindex: 0, role: "region", "aria-label": "Equation" },
          mathElement(written.mathml, written.text),
        )
      : null;
    replaceChildren(
      "station",
      element("p", { class: "where" }, `${this.where()} · ${phaseOf(name)}`),
      element("h2", { id: "station-title" }, titleOf(letters, name, layer)),
      equation,
      element("p", { class: "words" }, wordsFor(content, letters, name, layer, this.rate)),
      written ? element("p", { class: "sizes" }, `Shapes: ${written.sizes}, with m = ${content.m}`) : null,
      name === "update" || name === "J" ? this.costLine(name) : null,
      element(
        "div",
        { class: "matrices result" },
        results.map(({ root }) => root),
      ),
      element("section", { id: "arithmetic", "aria-labelledby": "arithmetic-title" }),
      sources.length
        ? element("h3", {}, this.state.station === 0 ? "The targets" : "Made from")
        : null,
      element(
        "div",
        { class: "matrices" },
        sources.map(({ root }) => root),
      ),
    );
    this.drawArithmetic();
  }

  costLine(name) {
    const { content } = this;
    if (name === "J") return element("p", {}, "J = ", element("b", { id: "cost" }, full(content.J)));
    const after = full(content.at("after", 0, 0, this.state.rate));
    return element(
      "p",
      {},
      `With learning rate ${this.rate} the cost goes from ${full(content.J)} to `,
      element("b", {}, after),
      ".",
    );
  }

  working() {
    return arithmetic(this.content, this.letters, this.selected, this.rate);
  }

  factorKeys() {
    const { terms, from } = this.working();
    const entries = terms.flatMap((term) => term.parts.filter((part) => part.to).map((part) => part.to));
    return new Set([...entries, ...from].map(keyOf));
  }

  drawArithmetic() {
    const { place, equation, terms, from, value } = this.working();
    const shown = this.allTerms ? terms : terms.slice(0, FIRST_TERMS);
    const rest = terms.slice(shown.length);
    const list = shown.map((term, i) => this.termLine(term, i));
    if (rest.length) {
      const sum = rest.reduce((all, term) => all + term.value, 0);
      const all = () => {
        this.allTerms = true;
        this.drawArithmetic();
        document.getElementById("arithmetic").querySelectorAll("li button")[0]?.focus();
      };
      list.push(
        element(
          "li",
          { class: "rest" },
          element("span", { class: "sign" }, "+"),
          element("span", {}, `(${rest.length} more terms: ${full(sum)}) `),
          element("button", { type: "button", on: { click: all } }, `show all ${terms.length}`),
        ),
      );
    }
    const last = this.trail.at(-1);
    const back = last
      ? element(
          "button",
          { type: "button", id: "return", on: { click: () => this.goBack() } },
          `↩ back to ${this.letters.place(last.name, last.layer, last.row, last.col)}`,
        )
      : null;
    replaceChildren(
      "arithmetic",
      element(
        "h3",
        { id: "arithmetic-title" },
        "Where ",
        element("code", { id: "arithmetic-place" }, place),
        " comes from",
      ),
      element(
        "p",
        { class: "line" },
        element("code", {}, place),
        " = ",
        element("code", { id: "arithmetic-equation" }, equation),
      ),
      list.length ? element("ol", { class: "terms", "aria-label": "Terms of the sum" }, list) : null,
      from.length
        ? element(
            "p",
            { class: "factors" },
            "Out of ",
            from.map((of) =>
              this.factorButton({ text: full(this.letters.at(of.name, of.layer, of.row, of.col)), to: of }),
            ),
          )
        : null,
      element("p", { class: "line total" }, "= ", element("b", { id: "arithmetic-value" }, full(value))),
      back,
    );
  }

  termLine(term, i) {
    const parts = term.parts.map((part) => {
      if (typeof part === "string") return element("span", { class: "op" }, part);
      return part.to ? this.factorButton(part) : plainNumber(part);
    });
    const sign = element("span", { class: "sign" }, i ? "+" : "=");
    return element("li", {}, sign, parts);
  }

  factorButton({ text, to, label }) {
    const place = label ?? this.letters.place(to.name, to.layer, to.row, to.col);
    const origin = this.letters.place(to.name, to.layer, to.row, to.col);
    const from = origin === place ? "" : `, from ${origin}`;
    return element(
      "button",
      { type: "button", class: "factor", "data-to": keyOf(to), on: { click: () => this.jump(to) } },
      element("span", { class: "num" }, text),
      element("span", { class: "of" }, place, from ? element("span", { class: "unseen" }, from) : null),
    );
  }

  goBack() {
    const last = this.trail.at(-1);
    this.trail = this.trail.slice(0, -1);
    this.jump(last, false);
  }

  // Saying -------------------------------------------------------------------------------------------------------

  say(text) {
    document.getElementById("live").textContent = text;
  }

  where() {
    return `Station ${this.state.station + 1} of ${this.content.stations.length}`;
  }

  spoken() {
    const { name, layer } = this.content.stations[this.state.station];
    return `${this.where()}: ${titleOf(this.letters, name, layer)}. ${this.spokenArithmetic()}`;
  }

  spokenArithmetic() {
    const { place, equation, terms, value } = this.working();
    const sum = terms.slice(0, 4).map(said).join(" + ");
    const more = terms.length > 4 ? ` and ${terms.length - 4} more terms` : "";
    return `${place} = ${equation}${sum ? ` = ${sum}${more}` : ""} = ${full(value)}`;
  }
}

// The station at which a parameter of an input layer, its slope, or what it becomes is worked out or used.
function stationBefore(name) {
  if (name.startsWith("new")) return "update";
  return name.startsWith("d") ? "dinputs" : "A";
}

function columnsOf(content) {
  return content.before.given.reduce((all, name) => all + content.array(name).rows, 0);
}

function plainNumber({ text, label }) {
  return element(
    "span",
    { class: "given" },
    element("span", { class: "num" }, text),
    label ? element("span", { class: "of" }, label) : null,
  );
}

function phaseOf(name) {
  if (["dZ", "dA", "dW", "db", "dinputs"].includes(name)) return "backward";
  return { J: "cost", update: "update" }[name] ?? "forward";
}

function titleOf(letters, name, layer) {
  const l = letters.layerNumber(layer);
  const symbol = (of) => letters.symbol(of, layer);
  if (name === "X") return "X: the inputs";
  if (name === "A" && layer === 0) return `${symbol("A")}: ${letters.content.before ? "what the input layers make" : "the inputs"}`;
  if (name === "dinputs") return "Slopes by the parameters of the input layers";
  if (name === "update" && layer === 0) return "The input layers: the step";
  if (name === "update")
    return letters.theta ? `${symbol("W")}: the step` : `${symbol("W")} and ${symbol("b")}: the step`;
  return {
    Z: `${symbol("Z")}: weighted sums of layer ${l}`,
    A: `${symbol("A")}: activations of layer ${l}`,
    J: "J: the cost",
    dZ: `${symbol("dZ")}: slopes by the weighted sums of layer ${l}`,
    dA: `${symbol("dA")}: slopes by the activations of layer ${l}`,
    dW: `${symbol("dW")}: slopes by the weights of layer ${l}`,
    db: `${symbol("db")}: slopes by the biases of layer ${l}`,
  }[name];
}

function wordsFor(content, letters, name, layer, rate) {
  const { L } = content;
  const units = (l) => plural(content.n[l], "unit");
  if (name === "A" && layer === 0 && content.before)
    return (
      `The input layers turn their columns into ${units(0)}, which the weights of the first layer multiply; ` +
      "a column that none of them takes is handed on."
    );
  if (name === "X" || (name === "A" && layer === 0)) {
    const rows = `${plural(content.m, "row")}, one ${letters.transposed ? "row" : "column"} each`;
    const what = name === "X" ? plural(columnsOf(content), "column") : units(0);
    return `The rows as the network takes them: ${what}, ${rows}.`;
  }
  return {
    Z: `Each of ${units(layer)} adds up the activations of the layer before, times its weights, and its bias.`,
    A:
      layer < L
        ? `Each sum goes through ${content.activation[layer - 1]}.`
        : `The link of the loss, ${content.link}, turns the last sums into predictions.`,
    J:
      `How wrong the predictions are: the mean of the rows' losses` +
      `${content.penalties.length ? ", and the penalties" : ""}. The loss of a row: ${content.formula}.`,
    dZ:
      layer < L
        ? "The chain rule through the activation: the slope by A, times the activation's own slope at Z."
        : `Where the way back begins: the loss ${content.loss} gives the slope of the cost by each last sum.`,
    dA:
      `What each activation does to the cost: through every unit of the layer after it, by the weight to it.` +
      (letters.theta ? " The bias unit's row is not needed further back and is left out here." : ""),
    dW: "What each weight does to the cost: the slope at its end times the activation at its start, over all rows.",
    dinputs:
      "What each parameter of an input layer does to the cost: the slopes by the units that it is part of, over all rows.",
    db: "What each bias does to the cost: the slopes by Z, summed over all rows.",
    update: `Every parameter goes against its slope, by the learning rate ${rate}.`,
  }[name];
}

const walk = new Walk(readContent());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  walk.below = null; // the colours of what is drawn on a canvas
  walk.draw();
});
