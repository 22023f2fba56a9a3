/**
 * Prints one figure as a JSON line, as the C++ benchmarks do; scripts/bench.mjs makes the table and the file.
 * `target` bounds the ratio to the floor, or the value where there is no floor: from below for a rate (a unit in
 * "/s"), from above for a cost. A row without a target is a peer, or there to be read.
 */
export function printRow(name, value, unit, { floor = null, target = null } = {}) {
  const ratio = floor === null ? null : value / floor
  const met = target === null ? null : isWithin(ratio ?? value, target, unit)
  console.log(
    JSON.stringify({
      name,
      value: short(value),
      unit,
      floor: short(floor),
      ratio: short(ratio),
      target: short(target),
      met,
    }),
  )
}

export const isRate = unit => unit.endsWith('/s')

function isWithin(measured, target, unit) {
  return isRate(unit) ? measured >= target : measured <= target
}

/** Four digits: the machine's noise begins before the fifth. */
function short(number) {
  return number === null ? null : Number(number.toPrecision(4))
}

/** `await import(name)`, or undefined where the package is not installed: a peer that is left out. */
export async function importPeer(name) {
  try {
    return await import(name)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    console.log(`${name}: peer not installed, left out`)
    return undefined
  }
}
