// Numbers as text, digit for digit as Python's format(x, ".4g") and format(x, ".6g") write them.

export const LIST_DIGITS = 4;
export const FULL_DIGITS = 6;

// The digits and the exponent of |x|, rounded to so many digits; ties go to the even digit, as in Python.
function rounded(x, digits) {
  const [mantissa, exponent] = Math.abs(x)
    .toExponential(digits - 1)
    .split("e");
  const longer = Math.abs(x).toExponential(digits);
  if (longer.slice(0, longer.indexOf("e")).endsWith("5") && Number(longer) === Math.abs(x)) {
    const exact = Math.abs(x).toExponential(60).split("e")[0].replace(".", "");
    const kept = exact.slice(0, digits);
    if (/^50*$/.test(exact.slice(digits)) && Number(kept[digits - 1]) % 2 === 0) {
      return [kept, Number(longer.split("e")[1])];
    }
  }
  return [mantissa.replace(".", ""), Number(exponent)];
}

export function general(x, digits) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  const sign = x < 0 || Object.is(x, -0) ? "-" : "";
  if (x === 0) return `${sign}0`;
  const [all, exponent] = rounded(x, digits);
  const strip = (text) => (text.includes(".") ? text.replace(/\.?0*$/, "") : text);
  if (exponent < -4 || exponent >= digits) {
    const power = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${strip(`${all[0]}.${all.slice(1)}`)}e${exponent < 0 ? "-" : "+"}${power}`;
  }
  if (exponent < 0) return sign + strip(`0.${"0".repeat(-exponent - 1)}${all}`);
  return sign + strip(`${all.slice(0, exponent + 1)}.${all.slice(exponent + 1)}`);
}

// In lists; minus zero is written as zero.
export function brief(x) {
  return x === 0 ? "0" : general(x, LIST_DIGITS);
}

// In the arithmetic.
export function full(x) {
  return general(x, FULL_DIGITS);
}

// As a factor in a product or a term of a sum: negative numbers in brackets.
export function bracketed(x) {
  return x < 0 ? `(${full(x)})` : full(x);
}
