/** Options of the server, by environment; a value that is none ends it at once. */
export function readOptions(env = process.env) {
  return {
    host: env.HOST || '127.0.0.1',
    httpPort: whole(env, 'HTTP_PORT', 8000, 0),
    grpcPort: whole(env, 'GRPC_PORT', 8001, 0),
    /** Images computed together, at most. */
    maxBatch: whole(env, 'MAX_BATCH', 8, 1),
    /** How long the first image of a batch waits for others. */
    maxDelayMs: whole(env, 'MAX_DELAY_MS', 5, 0),
    /** Images that may wait; those beyond are rejected. */
    maxQueue: whole(env, 'MAX_QUEUE', 64, 1),
    /** All requests are measured then, traced or not. */
    hasMetrics: env.METRICS === '1',
    trace: {
      // Without a file, traced requests are spans of a recording: opscope run --profile-path server.pftrace server.mjs
      ...(env.TRACE_FILE && { file: env.TRACE_FILE }),
      rate: whole(env, 'TRACE_RATE', 1000, 0),
      level: env.TRACE_LEVEL || 'TIMESTAMPS',
      serverTiming: env.SERVER_TIMING === '1',
    },
  }
}

function whole(env, name, fallback, least) {
  const value = Number(env[name] || fallback)
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`${name} must be a whole number from ${least}, and is ${JSON.stringify(env[name])}`)
}
