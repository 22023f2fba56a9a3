/** A request that gets no result; `httpStatus` and `grpcCode` say why, each in its protocol. */
export class RequestError extends Error {
  constructor(message, httpStatus, grpcCode) {
    super(message)
    this.httpStatus = httpStatus
    this.grpcCode = grpcCode
  }
}

// Codes of gRPC: https://grpc.io/docs/guides/status-codes
export const badRequest = message => new RequestError(message, 400, 3)
export const notFound = message => new RequestError(message, 404, 5)
export const cancelled = () => new RequestError('The client is gone.', 499, 1)
export const queueIsFull = () => new RequestError('Too many requests are waiting.', 429, 8)
