// When samples are taken, and when one may look at them. Both are chosen so that a verdict needs no assumption about
// the machine's noise; docs/bench.md says it at length.

/**
 * The order of one round: all arms once in random order, then once more in the reverse of it. For two arms that is ABBA
 * or BAAB by the toss of a coin. A drift that is linear over the round hits both alike; whatever else the machine does
 * is as likely to hit one arm as the other, in each round anew, however much rounds that follow each other are alike.
 */
export function mirroredOrder(arms: number, random: () => number): number[] {
  const order = randomOrder(arms, random)
  return [...order, ...order.toReversed()]
}

/** The numbers below `count`, each order as likely as any. */
export function randomOrder(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, at) => at)
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return order
}

/**
 * The part of a permitted error that the k-th look may spend, k from 1: error / (k (k + 1)). All of them add up to
 * `error`, so all the intervals that are ever looked at hold together with that confidence, and stopping may depend on
 * anything that was seen. Who looks again and again with the whole error each time finds a difference in the end,
 * where there is none.
 */
export function errorOfLook(error: number, look: number): number {
  return error / (look * (look + 1))
}
