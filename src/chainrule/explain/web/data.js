// What Python wrote into the page: names, equations, and arrays in base64, read only when they are asked for.

// An array (rows, cols), row by row.
export class Matrix {
  constructor(rows, cols, values) {
    this.rows = rows;
    this.cols = cols;
    this.values = values;
  }

  at(row, col) {
    return this.values[row * this.cols + col];
  }

  // The largest absolute value among the finite ones; 0 where there is none.
  get largest() {
    if (this.found === undefined) {
      this.found = 0;
      for (const v of this.values) if (Number.isFinite(v)) this.found = Math.max(this.found, Math.abs(v));
    }
    return this.found;
  }
}

export function unpacked({ shape, bytes, data }) {
  const text = atob(data);
  const raw = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) raw[i] = text.charCodeAt(i);
  const values = bytes === 4 ? Float64Array.from(new Float32Array(raw.buffer)) : new Float64Array(raw.buffer);
  return new Matrix(shape[0], shape[1], values);
}

export class Content {
  constructor(description) {
    Object.assign(this, description);
    this.read = new Map();
  }

  has(name, layer) {
    return `${name}[${layer}]` in this.arrays;
  }

  array(name, layer = 0) {
    const key = `${name}[${layer}]`;
    if (!this.read.has(key)) this.read.set(key, unpacked(this.arrays[key]));
    return this.read.get(key);
  }

  at(name, layer, row, col) {
    return this.array(name, layer).at(row, col);
  }

  // A parameter after the step: theta - rate dtheta.
  updated(name, layer, row, col, rate) {
    return this.at(name, layer, row, col) - rate * this.at(`d${name}`, layer, row, col);
  }

  get J() {
    return this.at("J", 0, 0, 0);
  }
}

export function readContent() {
  return new Content(JSON.parse(document.getElementById("data").textContent));
}
