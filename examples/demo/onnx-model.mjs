// A small encoder of ONNX models (onnx.proto3 of github.com/onnx/onnx), so that examples and tests
// need no model file. It knows float and int64 tensors and the attributes that common operators need.

const FLOAT = 1
const INT64 = 7
const ATTRIBUTE_FLOAT = 1
const ATTRIBUTE_INT = 2
const ATTRIBUTE_GRAPH = 5
const ATTRIBUTE_INTS = 7

/** Bytes of a ModelProto: IR version 8, opset 17. */
export function encodeModel(graph) {
  const opset = message([text(1, ''), integer(2, 17)])
  return message([integer(1, 8), text(2, 'opscope'), bytes(7, encodeGraph(graph)), bytes(8, opset)])
}

/** `{ op, name, inputs, outputs, attributes }`: an attribute is a number, a list of integers, `float(x)` or a graph. */
export function node(op, name, inputs, outputs, attributes = {}) {
  return { op, name, inputs, outputs, attributes }
}

/** Marks an attribute as a float: a plain number is an integer. */
export function float(value) {
  return { float: value }
}

/** Input or output of a graph; a dimension is a number or the name of a free one, `type` is a number of onnx.proto3. */
export function value(name, dims, type = FLOAT) {
  return { name, dims, type }
}

/** A constant: Float32Array or BigInt64Array in row-major order. */
export function constant(name, dims, data) {
  return { name, dims, data }
}

function encodeGraph({ name, nodes, constants = [], inputs, outputs }) {
  return message([
    ...nodes.map(each => bytes(1, encodeNode(each))),
    text(2, name),
    ...constants.map(each => bytes(5, encodeConstant(each))),
    ...inputs.map(each => bytes(11, encodeValue(each))),
    ...outputs.map(each => bytes(12, encodeValue(each))),
  ])
}

function encodeNode({ op, name, inputs, outputs, attributes }) {
  return message([
    ...inputs.map(each => text(1, each)),
    ...outputs.map(each => text(2, each)),
    text(3, name),
    text(4, op),
    ...Object.entries(attributes).map(([key, each]) => bytes(5, encodeAttribute(key, each))),
  ])
}

function encodeAttribute(name, given) {
  if (typeof given === 'number') return message([text(1, name), integer(3, given), integer(20, ATTRIBUTE_INT)])
  if (Array.isArray(given)) {
    return message([text(1, name), ...given.map(each => integer(8, each)), integer(20, ATTRIBUTE_INTS)])
  }
  if ('nodes' in given) return message([text(1, name), bytes(6, encodeGraph(given)), integer(20, ATTRIBUTE_GRAPH)])
  const single = Buffer.alloc(4)
  single.writeFloatLE(given.float)
  return message([text(1, name), key(2, 5), single, integer(20, ATTRIBUTE_FLOAT)])
}

function encodeConstant({ name, dims, data }) {
  const type = data instanceof BigInt64Array ? INT64 : FLOAT
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return message([...dims.map(each => integer(1, each)), integer(2, type), text(8, name), bytes(9, raw)])
}

function encodeValue({ name, dims, type }) {
  const shape = message(dims.map(each => bytes(1, typeof each === 'number' ? integer(1, each) : text(2, each))))
  return message([text(1, name), bytes(2, bytes(1, message([integer(1, type), bytes(2, shape)])))])
}

// The protobuf wire: a key of field number and wire type, then a varint or length and bytes.

function message(fields) {
  return Buffer.concat(fields)
}

function key(field, wireType) {
  return varint(field * 8 + wireType)
}

function integer(field, number) {
  return Buffer.concat([key(field, 0), varint(number)])
}

function bytes(field, content) {
  return Buffer.concat([key(field, 2), varint(content.length), content])
}

function text(field, string) {
  return bytes(field, Buffer.from(string))
}

function varint(number) {
  let rest = BigInt.asUintN(64, BigInt(number))
  const out = []
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  out.push(Number(rest))
  return Buffer.from(out)
}
