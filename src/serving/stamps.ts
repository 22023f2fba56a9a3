// Names of the moments of a request, in the spelling of Triton's trace files (v2.0 and later).

export const REQUEST_START = 'REQUEST_START'
export const QUEUE_START = 'QUEUE_START'
export const COMPUTE_START = 'COMPUTE_START'
export const COMPUTE_INPUT_END = 'COMPUTE_INPUT_END'
export const COMPUTE_OUTPUT_START = 'COMPUTE_OUTPUT_START'
export const COMPUTE_END = 'COMPUTE_END'
export const INFER_RESPONSE_COMPLETE = 'INFER_RESPONSE_COMPLETE'
export const REQUEST_END = 'REQUEST_END'

/** How a request came in; LOCAL: by a call inside the process. */
export type Protocol = 'HTTP' | 'GRPC' | 'LOCAL'

export interface FrontStamps {
  recvStart: string
  recvEnd: string
  sendStart: string
  sendEnd: string
}
/** A call inside the process has no front end. */
export const FRONT_STAMPS: Record<Protocol, FrontStamps | undefined> = {
  HTTP: {
    recvStart: 'HTTP_RECV_START',
    recvEnd: 'HTTP_RECV_END',
    sendStart: 'HTTP_SEND_START',
    sendEnd: 'HTTP_SEND_END',
  },
  GRPC: {
    recvStart: 'GRPC_WAITREAD_START',
    recvEnd: 'GRPC_WAITREAD_END',
    sendStart: 'GRPC_SEND_START',
    sendEnd: 'GRPC_SEND_END',
  },
  LOCAL: undefined,
}

/** How a request ended: any but `ok` is a stamp of its own in the trace. */
export type Outcome = 'ok' | 'failed' | 'cancelled' | 'rejected'
export const OUTCOME_STAMPS: Record<Exclude<Outcome, 'ok'>, string> = {
  failed: 'OPSCOPE_FAILED',
  cancelled: 'OPSCOPE_CANCELLED',
  rejected: 'OPSCOPE_REJECTED',
}

/** What is none, an error that was handed on say, is told as a failure. */
export function outcomeFrom(given: unknown): Outcome {
  return given === 'ok' || given === 'cancelled' || given === 'rejected' ? given : 'failed'
}

// A stream of a million tokens is no reason to hold two million stamps.
export const MAX_STAMPS = 4096

/** Moments in the order in which they were taken. Times are CLOCK_MONOTONIC ns. */
export class Stamps {
  readonly names: string[] = []
  readonly ns: bigint[] = []

  /** The first of a name. */
  at(name: string): bigint | undefined {
    const index = this.names.indexOf(name)
    return index < 0 ? undefined : this.ns[index]
  }
  last(name: string): bigint | undefined {
    const index = this.names.lastIndexOf(name)
    return index < 0 ? undefined : this.ns[index]
  }
  has(name: string): boolean {
    return this.names.includes(name)
  }
  /** Also of a name that is there already, as for each answer of a stream. Of too many, the last of a name is moved. */
  add(name: string, ns: bigint): void {
    const at = this.names.length < MAX_STAMPS ? -1 : this.names.lastIndexOf(name)
    if (at >= 0) this.ns[at] = ns
    else {
      this.names.push(name)
      this.ns.push(ns)
    }
  }
  /** Once for each name. */
  set(name: string, ns: bigint): void {
    if (!this.has(name)) this.add(name, ns)
  }
  /** Takes the first of a name to a later moment. */
  move(name: string, ns: bigint): void {
    const index = this.names.indexOf(name)
    if (index < 0) this.add(name, ns)
    else this.ns[index] = ns
  }
  /** Adds those of another list, from one place up to another. */
  addFrom(other: Stamps, from = 0, to: number = other.names.length): this {
    for (let index = from; index < to; index++) this.add(other.names[index]!, other.ns[index]!)
    return this
  }
  /** Puts them in the order of time; those of one moment stay as they are. They nearly are: no sort is faster. */
  sort(): this {
    const { names, ns } = this
    for (let index = 1; index < ns.length; index++) {
      const [name, moment] = [names[index]!, ns[index]!]
      let at = index
      for (; at > 0 && ns[at - 1]! > moment; at--) {
        names[at] = names[at - 1]!
        ns[at] = ns[at - 1]!
      }
      names[at] = name
      ns[at] = moment
    }
    return this
  }
}
