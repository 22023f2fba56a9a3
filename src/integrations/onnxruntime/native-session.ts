// The native session class of onnxruntime-node (its dist/binding.js), as far as it is used here.

export type Feeds = Readonly<Record<string, unknown>>
export type Fetches = Readonly<Record<string, unknown>>
export type Results = Record<string, unknown>
export type RunOptions = Readonly<Record<string, unknown>> | undefined

export interface NativeSession {
  /** (path, options) or (buffer, byteOffset, byteLength, options). */
  loadModel(...args: unknown[]): void
  /** Synchronous: blocks until the results are there. */
  run(feeds: Feeds, fetches: Fetches, options: RunOptions): Results
  endProfiling(): void
  dispose(): void
}
export type NativeSessionClass = new () => NativeSession

/** What dist/binding.js exports as `binding`: a plain object whose members may be replaced. */
export interface OrtBinding {
  InferenceSession: NativeSessionClass
}
