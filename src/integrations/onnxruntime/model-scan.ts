// Walks the protobuf of an ONNX model (onnx.proto3) for what a profiled twin must know beforehand,
// without reading the weights. Ignored: everything but nodes, their types and their subgraphs.

/** Reads up to `length` bytes at `offset`; fewer only at the end. */
export type ReadBytes = (offset: number, length: number) => Uint8Array

export interface ModelScan {
  graphName: string
  /** Nodes as written, with those of subgraphs and functions. */
  nodeCount: number
  /** If, Loop, Scan or functions: the nodes of a run are not known beforehand. */
  hasSubgraphs: boolean
  /** Draws random numbers, so two sessions of the same model do not answer alike. */
  isRandom: boolean
}

const RANDOM_OPS = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
])

// Field numbers of onnx.proto3.
const MODEL = { graph: 7, functions: 25 }
const GRAPH = { node: 1, name: 2 }
const FUNCTION_NODE = 7
const NODE = { opType: 4, attribute: 5 }
const ATTRIBUTE = { graph: 6, graphs: 11 }
const HEADER_BYTES = 20

/** What the model holds, or undefined when these bytes are no ONNX protobuf (ORT's own format, say). */
export function scanModel(read: ReadBytes, byteLength: number): ModelScan | undefined {
  const scan: ModelScan = { graphName: '', nodeCount: 0, hasSubgraphs: false, isRandom: false }
  try {
    for (const field of fieldsOf(read, 0, byteLength)) {
      if (field.number === MODEL.graph) scanGraph(read, field, scan, true)
      else if (field.number === MODEL.functions) {
        scan.hasSubgraphs = true
        for (const inner of fieldsOf(read, field.start, field.end)) {
          if (inner.number === FUNCTION_NODE) scanNode(read, inner, scan)
        }
      }
    }
  } catch {
    return undefined
  }
  return scan.nodeCount === 0 ? undefined : scan
}

function scanGraph(read: ReadBytes, graph: Field, scan: ModelScan, isMain: boolean): void {
  for (const field of fieldsOf(read, graph.start, graph.end)) {
    if (field.number === GRAPH.node) scanNode(read, field, scan)
    else if (field.number === GRAPH.name && isMain) scan.graphName = textOf(read, field)
  }
}

function scanNode(read: ReadBytes, node: Field, scan: ModelScan): void {
  scan.nodeCount++
  for (const field of fieldsOf(read, node.start, node.end)) {
    if (field.number === NODE.opType) scan.isRandom ||= RANDOM_OPS.has(textOf(read, field))
    else if (field.number === NODE.attribute) {
      for (const inner of fieldsOf(read, field.start, field.end)) {
        if (inner.number !== ATTRIBUTE.graph && inner.number !== ATTRIBUTE.graphs) continue
        scan.hasSubgraphs = true
        scanGraph(read, inner, scan, false)
      }
    }
  }
}

/** A length-delimited field and where its content lies; other wire types are walked over. */
interface Field {
  number: number
  start: number
  end: number
}

function* fieldsOf(read: ReadBytes, start: number, end: number): Generator<Field> {
  let at = start
  while (at < end) {
    const header = read(at, HEADER_BYTES)
    const key = varint(header, 0)
    const number = Math.floor(key.value / 8)
    const wireType = key.value % 8
    if (number === 0) throw new Error('not protobuf')
    at += key.length
    if (wireType === 0) at += varint(header, key.length).length
    else if (wireType === 1) at += 8
    else if (wireType === 5) at += 4
    else if (wireType === 2) {
      const size = varint(header, key.length)
      at += size.length
      if (at + size.value > end) throw new Error('cut')
      yield { number, start: at, end: at + size.value }
      at += size.value
    } else throw new Error('not protobuf')
  }
}

function varint(bytes: Uint8Array, start: number): { value: number; length: number } {
  let value = 0
  for (let length = 1; length <= 10; length++) {
    const byte = bytes[start + length - 1]
    if (byte === undefined) break
    value += (byte & 127) * 2 ** (7 * (length - 1))
    if (byte < 128) return { value, length }
  }
  throw new Error('not a varint')
}

function textOf(read: ReadBytes, field: Field): string {
  return Buffer.from(read(field.start, field.end - field.start)).toString('utf8', 0, field.end - field.start)
}
