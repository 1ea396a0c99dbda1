// A matrix as a grid that the arrow keys walk through: a heat map with its numbers in it.

import { element } from "./elements.js";
import { brief } from "./format.js";
import { keyOf, sameEntry } from "./arithmetic.js";

const WINDOW = { rows: 32, cols: 32 }; // as many entries are shown at a time
const PAGE = 8; // rows that Page Up and Page Down pass

const STEPS = {
  ArrowUp: ([r, c]) => [r - 1, c],
  ArrowDown: ([r, c]) => [r + 1, c],
  ArrowLeft: ([r, c]) => [r, c - 1],
  ArrowRight: ([r, c]) => [r, c + 1],
  PageUp: ([r, c]) => [r - PAGE, c],
  PageDown: ([r, c]) => [r + PAGE, c],
  Home: ([r]) => [r, 0],
  End: ([r]) => [r, Infinity],
};

// options: row, the chosen example; selected, the entry whose arithmetic is shown; factors, keys of entries to mark;
// choose(entry), called on a click or Enter.
export class MatrixGrid {
  constructor(view, options) {
    this.view = view;
    this.options = options;
    this.cell = (options.selected && view.cellOf(options.selected)) || [0, 0];
    this.corner = [0, 0];
    this.box = element("div", { class: "matrix-box" });
    this.root = element(
      "figure",
      { class: "matrix" },
      this.caption(),
      this.box,
      (this.more = element("p", { class: "more" })),
    );
    this.draw();
  }

  caption() {
    const { title, rows, cols } = this.view;
    const shape = rows * cols === 1 ? "" : ` (${rows}, ${cols})`;
    return element("figcaption", {}, element("code", {}, title), element("span", { class: "shape" }, shape));
  }

  draw() {
    const { view, options } = this;
    this.corner = [0, 1].map((axis) => {
      const [size, shown] = [[view.rows, view.cols][axis], [WINDOW.rows, WINDOW.cols][axis]];
      const first = Math.min(this.corner[axis], this.cell[axis]);
      return Math.max(0, Math.min(Math.max(first, this.cell[axis] - shown + 1), size - shown));
    });
    const rows = span(this.corner[0], WINDOW.rows, view.rows);
    const cols = span(this.corner[1], WINDOW.cols, view.cols);
    this.cells = new Map();
    const header = element(
      "tr",
      {},
      element("td", { class: "corner" }),
      cols.map((c) => this.head(view.colHead(c), "col")),
    );
    const body = rows.map((r) =>
      element(
        "tr",
        { "aria-rowindex": r + 2 },
        this.head(view.rowHead(r), "row"),
        cols.map((c) => this.entryCell(r, c)),
      ),
    );
    const label = `${view.title}, ${view.rows} by ${view.cols}`;
    const listeners = {
      click: (event) => this.clicked(event.target.closest("[data-entry]")),
      keydown: (event) => this.pressed(event),
    };
    this.box.replaceChildren(
      element(
        "table",
        {
          role: "grid",
          "aria-label": label,
          "aria-rowcount": view.rows + 1,
          "aria-colcount": view.cols + 1,
          on: listeners,
        },
        element("thead", {}, header),
        element("tbody", {}, body),
      ),
    );
    const hidden = rows.length < view.rows || cols.length < view.cols;
    this.more.hidden = !hidden;
    this.more.textContent = hidden
      ? `Rows ${rows[0]} to ${rows.at(-1)} of ${view.rows} and columns ${cols[0]} to ${cols.at(-1)} of ${view.cols} ` +
        "are shown; the arrow keys go on to the others."
      : "";
    if (options.selected) this.mark(options.selected, options.factors);
  }

  head({ text, name, row }, scope) {
    const chosen = row !== undefined && row === this.options.row;
    return element(
      "th",
      { scope, class: chosen ? "chosen" : null, title: name || null },
      text,
      name ? element("span", { class: "unit" }, name) : null,
    );
  }

  entryCell(r, c) {
    const { view } = this;
    const of = view.entryAt(r, c);
    const value = view.valueOf(of);
    const tone = Number.isFinite(value) ? (value < 0 ? "below" : "above") : "not-finite";
    const share = view.largest > 0 && Number.isFinite(value) ? Math.min(1, Math.abs(value) / view.largest) : 0;
    const here = r === this.cell[0] && c === this.cell[1];
    const cell = element(
      "td",
      {
        role: "gridcell",
        "aria-colindex": c + 2,
        class: tone,
        tabindex: here ? 0 : -1,
        "data-entry": keyOf(of),
        "aria-selected": "false",
        vars: { "--share": `${(100 * share).toFixed(1)}%` },
      },
      brief(value),
    );
    this.cells.set(`${r},${c}`, cell);
    return cell;
  }

  // Show which entry is chosen and which ones it is made from.
  mark(selected, factors) {
    this.options = { ...this.options, selected, factors };
    for (const [place, cell] of this.cells) {
      const of = this.view.entryAt(...place.split(",").map(Number));
      cell.setAttribute("aria-selected", String(sameEntry(of, selected)));
      cell.classList.toggle("factor", factors.has(keyOf(of)));
    }
  }

  clicked(cell) {
    if (!cell) return;
    for (const [place, one] of this.cells) {
      if (one === cell) this.moveTo(place.split(",").map(Number));
    }
    this.options.choose(this.view.entryAt(...this.cell));
  }

  pressed(event) {
    if (event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.options.choose(this.view.entryAt(...this.cell));
      return;
    }
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    const [r, c] = event.ctrlKey && event.key === "Home" ? [0, 0] : STEPS[event.key](this.cell);
    const last = event.ctrlKey && event.key === "End" ? this.view.rows - 1 : r;
    this.moveTo([clamped(last, this.view.rows), clamped(c, this.view.cols)]);
  }

  moveTo(place) {
    const before = this.cells.get(this.cell.join(","));
    if (before) before.tabIndex = -1;
    this.cell = place;
    if (!this.cells.has(place.join(","))) this.draw();
    this.focus();
  }

  focus() {
    const cell = this.cells.get(this.cell.join(","));
    cell.tabIndex = 0;
    cell.focus();
  }
}

function span(first, most, size) {
  return Array.from({ length: Math.min(most, size - first) }, (_, i) => first + i);
}

function clamped(index, size) {
  return Math.max(0, Math.min(index, size - 1));
}
