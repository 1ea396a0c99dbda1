// How quantities are called, which way round they lie, and how they are scaled, in each notation.
//
//   W,b      layers from 0, dV = dJ/dV
//   theta    layers from 1; Theta has the biases in column 0, D likewise; delta and dA are of one example: m dZ, m dA
//
// With examples as rows everything that has a number for each example is transposed; parameters stay as they are.

const OF_EXAMPLES = ["X", "codes", "Z", "A", "dZ", "dA", "Y", "loss", "share"];

// What stands before A[0] has no number of a layer: the rows, and the parameters of input layers, "inputs[0].s".
export function isBefore(name) {
  return /^(X|codes)$|^(d|new)?inputs\[/.test(name);
}

export class Letters {
  constructor(content, notation, examples) {
    this.content = content;
    this.theta = notation === "theta";
    this.transposed = examples === "rows";
  }

  isOfExamples(name) {
    return OF_EXAMPLES.includes(name);
  }

  isTransposed(name) {
    return this.transposed && this.isOfExamples(name);
  }

  symbol(name, layer) {
    if (["Y", "loss", "share", "J"].includes(name)) return name;
    const after = name.startsWith("new");
    const plain = after ? name.slice(3) : name;
    if (isBefore(name)) return `${plain}${after ? " after" : ""}`;
    if (!this.theta) return `${plain}[${layer}]${after ? " after" : ""}`;
    const letter = { W: "Theta", b: "Theta", dW: "D", db: "D", dZ: "delta" }[plain] ?? plain;
    const number = ["Theta", "D"].includes(letter) ? layer : layer + 1;
    return `${letter}(${number})${after ? " after" : ""}`;
  }

  // Indices may be numbers or letters.
  indices(name, row, col) {
    const plain = name.replace(/^new/, "");
    if (this.theta && ["W", "dW"].includes(plain)) return [row, typeof col === "number" ? col + 1 : `${col}+1`];
    if (this.theta && ["b", "db"].includes(plain)) return [row, 0];
    if (this.isTransposed(name)) return [col, row];
    return [row, col];
  }

  place(name, layer, row, col) {
    if (name === "J") return "J";
    if (["loss", "share"].includes(name)) return `${name}_${col}`;
    const after = name.startsWith("new");
    const symbol = this.symbol(after ? name.slice(3) : name, layer);
    return `${symbol}[${this.indices(name, row, col).join(",")}]${after ? " after" : ""}`;
  }

  // What the notation's numbers are times those of the trace.
  scale(name) {
    return this.theta && ["dZ", "dA"].includes(name) ? this.content.m : 1;
  }

  at(name, layer, row, col) {
    return this.content.at(name, layer, row, col) * this.scale(name);
  }

  layerNumber(layer) {
    return this.theta ? layer + 1 : layer;
  }

  unitName(layer, unit) {
    if (layer === 0) return this.content.units[unit];
    if (layer === this.content.L) return this.content.outputs[unit];
    return "";
  }
}
