// The buttons and choices above the walk.

import { element, replaceChildren } from "./elements.js";

const NOTATIONS = [
  ["W,b", "W, b: layers from 0"],
  ["theta", "Θ, δ: layers from 1"],
];
const EXAMPLES = [
  ["columns", "columns"],
  ["rows", "rows"],
];

// does: {back, play, step, station(i), row(i), rate(i), notation(name), examples(name)}
export class Controls {
  constructor(content, does, stationTitles) {
    this.content = content;
    this.back = button("Back", "◀", does.back);
    this.play = button("Play", "▶", does.play);
    this.step = button("Step", "▶▏", does.step);
    this.station = choice(
      "station-choice",
      "Station",
      stationTitles.map((title, i) => [i, title]),
      (i) => does.station(Number(i)),
    );
    this.row = choice(
      "row-choice",
      "Row",
      content.rows.map((name, i) => [i, rowTitle(content, name, i)]),
      (i) => does.row(Number(i)),
    );
    this.notation = choice("notation-choice", "Notation", NOTATIONS, does.notation);
    this.examples = choice("examples-choice", "Examples as", EXAMPLES, does.examples);
    this.progress = element("progress", {
      max: stationTitles.length,
      value: 1,
      "aria-label": "Way through the stations",
    });
    this.rate = element("input", {
      type: "range",
      id: "rate-choice",
      min: 0,
      max: content.rates.length - 1,
      step: 1,
      on: { input: (event) => does.rate(Number(event.target.value)) },
    });
    this.rateText = element("output", { for: "rate-choice", id: "rate-text" });
    replaceChildren(
      "steps",
      element("div", { class: "buttons" }, this.back, this.play, this.step),
      this.station.parentElement,
      this.progress,
    );
    replaceChildren(
      "settings",
      this.row.parentElement,
      element(
        "div",
        { class: "field rate" },
        element("label", { for: "rate-choice" }, "Learning rate"),
        element("div", {}, this.rate, this.rateText),
      ),
      this.notation.parentElement,
      this.examples.parentElement,
    );
  }

  show(state, titles) {
    const { content } = this;
    this.back.setAttribute("aria-disabled", String(state.station === 0));
    this.step.setAttribute("aria-disabled", String(state.station === titles.length - 1));
    this.play.setAttribute("aria-pressed", String(state.playing));
    this.play.lastChild.textContent = state.playing ? "Pause" : "Play";
    this.play.firstChild.textContent = state.playing ? "❚❚" : "▶";
    titles.forEach((title, i) => {
      this.station.options[i].textContent = title;
    });
    this.station.value = String(state.station);
    this.row.value = String(state.row);
    this.notation.value = state.notation;
    this.examples.value = state.examples;
    this.progress.value = state.station + 1;
    this.rate.value = String(state.rate);
    this.rate.setAttribute("aria-valuetext", String(content.rates[state.rate]));
    this.rateText.textContent = String(content.rates[state.rate]);
  }
}

function button(text, sign, press) {
  return element(
    "button",
    { type: "button", id: `${text.toLowerCase()}-button`, on: { click: press } },
    element("span", { "aria-hidden": "true", class: "sign" }, sign),
    element("span", {}, text),
  );
}

function choice(id, text, options, choose) {
  const select = element(
    "select",
    { id, on: { change: (event) => choose(event.target.value) } },
    options.map(([value, title]) => element("option", { value }, title)),
  );
  element("div", { class: "field" }, element("label", { for: id }, text), select);
  return select;
}

function rowTitle(content, name, i) {
  return String(i) === name ? `row ${i}` : `row ${i} (${name} in the table)`;
}
