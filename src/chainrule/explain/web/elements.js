// Making elements. Text always goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, does] of Object.entries(value)) made.addEventListener(event, does);
    } else if (name === "vars") {
      for (const [property, number] of Object.entries(value)) made.style.setProperty(property, number);
    } else {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// MathML that Python wrote, as elements; as plain text where it cannot be read.
export function mathElement(mathml, text) {
  const read = new DOMParser().parseFromString(mathml, "application/xml");
  if (read.querySelector("parsererror")) return element("code", {}, text);
  return document.importNode(read.documentElement, true);
}

export function replaceChildren(id, ...children) {
  const place = document.getElementById(id);
  place.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  return place;
}

export function plural(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
