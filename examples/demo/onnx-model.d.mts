export interface Node {
  op: string
  name: string
  inputs: string[]
  outputs: string[]
  attributes: Record<string, Attribute>
}
export type Attribute = number | number[] | { float: number } | Graph
export interface Value {
  name: string
  dims: (number | string)[]
  /** Element type of onnx.proto3. @default 1, float */
  type?: number
}
export interface Constant {
  name: string
  dims: number[]
  data: Float32Array | BigInt64Array
}
export interface Graph {
  name: string
  nodes: Node[]
  constants?: Constant[]
  inputs: Value[]
  outputs: Value[]
}
export function encodeModel(graph: Graph): Buffer<ArrayBuffer>
export function node(
  op: string,
  name: string,
  inputs: string[],
  outputs: string[],
  attributes?: Record<string, Attribute>,
): Node
export function float(value: number): { float: number }
export function value(name: string, dims: (number | string)[], type?: number): Value
export function constant(name: string, dims: number[], data: Float32Array | BigInt64Array): Constant
