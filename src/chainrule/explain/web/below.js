// What stands below the walk: the model's summary, its loss curves, the gradient check, histograms, the boundary.

import { element, plural, replaceChildren } from "./elements.js";
import { boundaryChart, classLegend, histogram, lossChart, rateChart } from "./charts.js";
import { full } from "./format.js";

export function drawRates(content, chosen, J) {
  const rate = content.rates[chosen];
  const after = content.at("after", 0, 0, chosen);
  replaceChildren(
    "rates",
    element("h2", { id: "rates-title" }, "The step, at nine learning rates"),
    element(
      "p",
      {},
      "All parameters move at once: theta − rate · dtheta. With learning rate ",
      element("b", {}, String(rate)),
      ` the cost of these rows goes from ${full(J)} to `,
      element("b", { id: "cost-after" }, full(after)),
      after < J ? ": it falls." : after > J ? ": it rises." : ".",
    ),
    element(
      "div",
      { class: "chart-box" },
      rateChart(content.rates, Array.from(content.array("after").values), J, chosen),
    ),
  );
}

export function drawBelow(content, letters, row) {
  const cards = [summaryCard(content), curvesCard(content), checkCard(content), boundaryCard(content, row)];
  replaceChildren("below", cards, histogramsCard(content, letters));
}

function card(title, ...children) {
  return element("section", { class: "card" }, element("h2", {}, title), ...children);
}

function summaryCard(content) {
  const [heading, ...rows] = content.summary;
  const head = element(
    "tr",
    {},
    heading.map((text) => element("th", { scope: "col" }, text)),
  );
  const body = rows.map(([layer, ...cells]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, layer),
      cells.map((text) => element("td", {}, text)),
    ),
  );
  const table = element("table", { class: "summary" }, element("thead", {}, head), element("tbody", {}, body));
  const box = element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Summary of the model" },
    table,
  );
  return card(
    "The model",
    box,
    content.said.map((line) => element("p", {}, line)),
  );
}

function curvesCard(content) {
  const { history } = content;
  if (!history) return card("Training", element("p", {}, "This model has no record of its training."));
  const names = Object.keys(history.curves);
  const legend = names.map((name, c) => element("span", {}, element("i", { class: `key curve-${c}` }), name));
  const thinned = history.stride > 1 ? ` Every ${history.stride}th epoch is drawn.` : "";
  return card(
    "Training",
    element("div", { class: "chart-box" }, lossChart(history)),
    element("p", { class: "legend" }, legend),
    element(
      "p",
      {},
      `${plural(history.epochs, "epoch")}, the best being ${history.best}. Stopped: ${history.stopped}.${thinned}`,
    ),
  );
}

function checkCard(content) {
  const { check } = content;
  const verdict = { true: "Passed", false: "Not passed", null: "Not done" }[String(check.ok)];
  return card(
    "Gradient check",
    element("p", {}, element("b", { class: check.ok === false ? "bad" : "good", id: "check" }, verdict)),
    element(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Report of the gradient check" },
      element("pre", { class: check.ok === null ? "prose" : null }, check.text),
    ),
  );
}

function boundaryCard(content, row) {
  if (!content.boundary) return null;
  const said = content.boundary.winner
    ? "Colour: the class predicted; the stronger, the more certain."
    : `Colour: what is predicted for ${content.outputs[0]}, from low (blue) to high (orange).`;
  return card(
    "Predictions over the two inputs",
    boundaryChart(content, row),
    classLegend(content),
    element("p", { class: "caption" }, `${said} Marks: the rows; the large one is row ${row}.`),
  );
}

function histogramsCard(content, letters) {
  const charts = [];
  for (let l = 0; l <= content.L; l += 1) {
    if (l > 0)
      charts.push(
        histogram(content.array("W", l).values, `${letters.theta ? "weights of " : ""}${letters.symbol("W", l)}`),
      );
    charts.push(histogram(content.array("A", l).values, letters.symbol("A", l)));
  }
  return element(
    "section",
    { class: "card wide" },
    element("h2", {}, "Weights and activations, by layer"),
    element("div", { class: "histograms" }, charts),
  );
}
