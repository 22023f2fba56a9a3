/** What TRTIS 1.9 calls a stamp of Triton 2; absent: it does not have it. */
export const V1_STAMP_NAMES: ReadonlyMap<string, string> = new Map([
  ['HTTP_RECV_START', 'http recv start'],
  ['HTTP_RECV_END', 'http recv end'],
  ['GRPC_WAITREAD_START', 'grpc wait/read start'],
  ['GRPC_WAITREAD_END', 'grpc wait/read end'],
  ['REQUEST_START', 'request handler start'],
  ['QUEUE_START', 'queue start'],
  ['COMPUTE_START', 'compute start'],
  ['COMPUTE_INPUT_END', 'compute input end'],
  ['COMPUTE_OUTPUT_START', 'compute output start'],
  ['COMPUTE_END', 'compute end'],
  ['REQUEST_END', 'request handler end'],
  ['HTTP_SEND_START', 'http send start'],
  ['HTTP_SEND_END', 'http send end'],
  ['GRPC_SEND_START', 'grpc send start'],
  ['GRPC_SEND_END', 'grpc send end'],
])
