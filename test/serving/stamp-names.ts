// The stamps of a request that went through all its stages, in their order.
export const INFERENCE_STAMPS: string[] = [
  'REQUEST_START',
  'QUEUE_START',
  'COMPUTE_START',
  'COMPUTE_INPUT_END',
  'COMPUTE_OUTPUT_START',
  'COMPUTE_END',
  'INFER_RESPONSE_COMPLETE',
  'REQUEST_END',
]
export const HTTP_STAMPS: string[] = [
  'HTTP_RECV_START',
  'HTTP_RECV_END',
  ...INFERENCE_STAMPS,
  'HTTP_SEND_START',
  'HTTP_SEND_END',
]
export const GRPC_STAMPS: string[] = [
  'GRPC_WAITREAD_START',
  'GRPC_WAITREAD_END',
  ...INFERENCE_STAMPS,
  'GRPC_SEND_START',
  'GRPC_SEND_END',
]
