import type { TraceTensor } from './trace-batch.js'

/** A tensor as runtimes have it: `Tensor` of onnxruntime and of tfjs fit. */
export interface TensorLike {
  readonly data: ArrayLike<unknown>
  readonly dims?: readonly number[]
  readonly shape?: readonly number[]
  readonly type?: string
  readonly dtype?: string
}

// Triton's names of element types, by those of ONNX Runtime and of TensorFlow.js.
const DTYPES: Record<string, string> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  bfloat16: 'BF16',
  string: 'BYTES',
}

/** A tensor of which something cannot be read, its data on a GPU say, is without that in the dump. */
export function tensorDump(activity: string, name: string, tensor: TensorLike): TraceTensor {
  const type = text(() => tensor.type ?? tensor.dtype ?? '')
  return {
    activity: text(() => activity),
    name: text(() => name),
    data: text(() => Array.prototype.join.call(tensor.data, ',')),
    shape: text(() => Array.prototype.join.call(tensor.dims ?? tensor.shape ?? [], ',')),
    dtype: DTYPES[type] ?? type.toUpperCase(),
  }
}

function text(read: () => unknown): string {
  try {
    return String(read())
  } catch {
    return ''
  }
}
