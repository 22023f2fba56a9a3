// About 2 ms of arithmetic whose amount varies by 2 % from call to call.
const NOISE = 0.02
const LENGTH = 1000
const left = Float64Array.from({ length: LENGTH }, (_, at) => Math.sin(at))
const right = Float64Array.from({ length: LENGTH }, (_, at) => Math.cos(at))

// A small function that is called often is compiled alike in every process; a long loop in one call is not.
function product(length) {
  let sum = 0
  for (let at = 0; at < length; at++) sum += left[at] * right[at]
  return sum
}

/** Makes a body; `random` gives numbers in [0, 1). */
export function workload(slowdown, random = Math.random) {
  return () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const elements = Math.round(1_800_000 * (1 + slowdown) * (1 + NOISE * normal))
    let sum = 0
    for (let left = elements; left > 0; left -= LENGTH) sum += product(Math.min(left, LENGTH))
    return sum
  }
}
