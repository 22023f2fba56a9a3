// Traces of requests on their way to the native side: numbers in one block of memory, texts as they are. The layout of
// the block is that of RequestTraceBatch (binding/format/request_trace_json.h).

/** One trace that is over, as a trace file has it. Times are CLOCK_MONOTONIC ns. */
export interface TraceRecord {
  id: number
  /** 0: none */
  parentId: number
  modelName: string
  /** -1: the latest, or none named */
  modelVersion: number
  /** '': none */
  requestId: string
  /** Stamps in the order in which they were taken; names in the spelling of Triton 2 (HTTP_RECV_START…) or custom. */
  stampNames: readonly string[]
  stampNs: readonly bigint[]
  tensors?: readonly TraceTensor[]
  /** What it was computed together with: the number of the batch, and how many requests were in it. */
  batch?: { readonly id: number; readonly size: number } | undefined
}
/** What went into a model or came out of it, all as text. */
export interface TraceTensor {
  /** TENSOR_QUEUE_INPUT, TENSOR_BACKEND_INPUT or TENSOR_BACKEND_OUTPUT */
  activity: string
  name: string
  /** Values with commas between them. */
  data: string
  shape: string
  dtype: string
}

const HEAD_WORDS = 6
// 64 KiB, some 280 traces with a dozen stamps.
const WORD_COUNT = 8192
// Texts of tensors may be of any size: so many characters at a time are copied without a noticeable pause.
const MAX_TEXT_CHARS = 1 << 20
// A program has a dozen models and stamps; one that makes names up must not grow without bound.
const MAX_NAMES = 10_000

export class TraceBatch {
  readonly #spell: (stampName: string) => string
  /** The block, also as {@link words} and as halves of words. */
  #numbers = new Float64Array(WORD_COUNT)
  #words = new BigInt64Array(this.#numbers.buffer)
  #halves = new Uint32Array(this.#numbers.buffer)
  #wordCount = 0
  #traceCount = 0
  #texts: string[] = []
  #textChars = 0
  #modelNames = new Map<string, number>()
  #stampNames = new Map<string, number>()
  #nameCount = 0
  #firstName = 0
  #newNames: string[] = []

  /** `spell`: how the file has the name of a stamp. */
  constructor(spell: (stampName: string) => string) {
    this.#spell = spell
  }

  get traceCount(): number {
    return this.#traceCount
  }
  get isFull(): boolean {
    return this.#textChars > MAX_TEXT_CHARS
  }
  hasRoomFor(stampCount: number): boolean {
    return this.#wordCount + HEAD_WORDS + 2 * stampCount <= this.#numbers.length
  }

  /** Throws for a record of another kind, and is then as before. An empty batch has room for any record. */
  put(record: TraceRecord): void {
    const { stampNames, stampNs, tensors, requestId } = record
    const stampCount = Math.min(stampNames.length, stampNs.length)
    if (!this.hasRoomFor(stampCount)) this.#grow(HEAD_WORDS + 2 * stampCount)
    const numbers = this.#numbers
    const words = this.#words
    const halves = this.#halves
    let at = this.#wordCount
    numbers[at] = record.id
    numbers[at + 1] = record.parentId
    numbers[at + 2] = record.modelVersion
    halves[2 * at + 6] = this.#modelNames.get(record.modelName) ?? this.#modelId(record.modelName)
    halves[2 * at + 7] = stampCount
    halves[2 * at + 8] = requestId === '' ? 0 : 1
    halves[2 * at + 9] = tensors === undefined ? 0 : tensors.length
    halves[2 * at + 10] = record.batch === undefined ? 0 : record.batch.id
    halves[2 * at + 11] = record.batch === undefined ? 0 : record.batch.size
    at += HEAD_WORDS
    for (let i = 0; i < stampCount; i++, at += 2) {
      const name = stampNames[i] as string
      halves[2 * at] = this.#stampNames.get(name) ?? this.#stampId(name)
      words[at + 1] = stampNs[i] as bigint
    }
    if (tensors !== undefined) this.#putTexts(requestId, tensors)
    else if (requestId !== '') {
      this.#texts.push(requestId)
      this.#textChars += requestId.length
    }
    this.#wordCount = at
    this.#traceCount++
  }

  /** Gives the batch away; what `take` answers is whether its names are known from now on. */
  handOver(
    take: (
      words: Float64Array,
      wordCount: number,
      traceCount: number,
      texts: string[],
      firstName: number,
      newNames: string[],
    ) => boolean,
  ): void {
    const areNamesKnown = take(
      this.#numbers,
      this.#wordCount,
      this.#traceCount,
      this.#texts,
      this.#firstName,
      this.#newNames,
    )
    this.#wordCount = this.#traceCount = this.#textChars = 0
    this.#texts = []
    this.#newNames = []
    if (!areNamesKnown || this.#nameCount > MAX_NAMES) {
      this.#nameCount = 0
      this.#modelNames.clear()
      this.#stampNames.clear()
    }
    this.#firstName = this.#nameCount
  }

  #putTexts(requestId: string, tensors: readonly TraceTensor[]): void {
    const texts = requestId === '' ? [] : [requestId]
    for (const { activity, name, data, shape, dtype } of tensors) texts.push(activity, name, data, shape, dtype)
    for (const text of texts) this.#textChars += text.length
    this.#texts.push(...texts)
  }

  #grow(wordCount: number): void {
    const numbers = new Float64Array(Math.max(this.#wordCount + wordCount, 2 * this.#numbers.length))
    numbers.set(this.#numbers)
    this.#numbers = numbers
    this.#words = new BigInt64Array(numbers.buffer)
    this.#halves = new Uint32Array(numbers.buffer)
  }

  #modelId(name: string): number {
    this.#modelNames.set(name, this.#nameCount)
    return this.#newName(name)
  }
  #stampId(name: string): number {
    this.#stampNames.set(name, this.#nameCount)
    return this.#newName(this.#spell(name))
  }
  #newName(text: string): number {
    this.#newNames.push(text)
    return this.#nameCount++
  }
}
