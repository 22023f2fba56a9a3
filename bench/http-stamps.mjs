/** The stamps of a request over HTTP that went through all its stages, in their order. */
export const HTTP_STAMPS = [
  'HTTP_RECV_START',
  'HTTP_RECV_END',
  'REQUEST_START',
  'QUEUE_START',
  'COMPUTE_START',
  'COMPUTE_INPUT_END',
  'COMPUTE_OUTPUT_START',
  'COMPUTE_END',
  'INFER_RESPONSE_COMPLETE',
  'REQUEST_END',
  'HTTP_SEND_START',
  'HTTP_SEND_END',
]
