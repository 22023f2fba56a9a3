// The tests by number; numbers that are missing need another machine or another tool (docs/gpu-validation.md).
const FILES = {
  1: '01-durations',
  2: '02-launches',
  3: '03-copies',
  4: '04-bandwidth',
  5: '05-threads',
  6: '06-graphs',
  7: '07-clock-skew',
  9: '09-late-attach',
  10: '10-overhead',
  11: '11-pressure',
  12: '12-conflicts',
  13: '13-torch',
  14: '14-endings',
  15: '15-peers',
  16: '16-occupancy',
  18: '18-correlation',
  19: '19-ranges',
  20: '20-raw-buffers',
  21: '21-busy-and-idle',
  22: '22-memory',
}
/** The most valuable ones first: a lent machine may be taken away. */
export const NUMBERS = [1, 2, 3, 7, 10, 18, 20, 6, 5, 9, 11, 16, 21, 22, 4, 12, 14, 13, 19, 15]

/** @returns {Promise<{ title: string, truth: string, environment?: (facts: { cupti: string }) => Record<string, string>,
 *   run: (context: object) => Promise<void> }>} */
export function testOf(number) {
  return import(`./tests/${FILES[number]}.mjs`)
}
