import { OpscopeError } from './errors.js'
import { beginRecord, type RecordOptions, runIn } from './record.js'
import { Span } from './span.js'

export interface IteratorOptions extends RecordOptions {
  /** Name of an event at each item: when the tokens of an answer came, say. @default none */
  itemEvent?: string
}

/**
 * The same items, recorded as one span: from the first that is asked for until there are no more, the consumer stops, or
 * the source throws. What the source does meanwhile is inside it, also across awaits.
 * @param iterable an async iterable: what an async generator function gives, a stream
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE when it is none
 * @example
 * for await (const token of recordIterator('generate', model.generate(prompt), { itemEvent: 'token' })) send(token)
 */
export function recordIterator<T>(
  name: string,
  iterable: AsyncIterable<T>,
  options: IteratorOptions = {},
): AsyncIterableIterator<T> {
  if (typeof (iterable as Partial<AsyncIterable<T>> | null)?.[Symbol.asyncIterator] !== 'function')
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected an async iterable.')
  return new RecordedIterator(name, iterable, options)
}

type Step<T> = Promise<IteratorResult<T>>

class RecordedIterator<T> implements AsyncIterableIterator<T> {
  readonly #name: string
  readonly #iterable: AsyncIterable<T>
  readonly #options: RecordOptions
  readonly #itemEvent: string | undefined
  #lazySource: AsyncIterator<T> | undefined
  #span: Span | undefined

  constructor(name: string, iterable: AsyncIterable<T>, { itemEvent, ...options }: IteratorOptions) {
    this.#name = name
    this.#iterable = iterable
    this.#options = options
    this.#itemEvent = itemEvent
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Step<T> {
    return this.#step(source => source.next())
  }
  return(value?: unknown): Step<T> {
    return this.#step(source => source.return?.(value) ?? Promise.resolve({ done: true, value }))
  }
  throw(error?: unknown): Step<T> {
    return this.#step(source => source.throw?.(error) ?? Promise.reject(error))
  }

  async #step(call: (source: AsyncIterator<T>) => Promise<IteratorResult<T>>): Step<T> {
    try {
      const result = await this.#run(() => call(this.#source))
      if (result.done) this.#end(false)
      else if (this.#itemEvent !== undefined) this.#span?.event(this.#itemEvent)
      return result
    } catch (error) {
      this.#end(true)
      throw error
    }
  }

  // While an op of the consumer is open, spans of the source hang on that: the stack goes before the async context.
  #run<R>(body: () => R): R {
    if (this.#span !== undefined) return this.#span.isRecording ? runIn(this.#span, body) : body()
    const { span, result } = beginRecord(this.#name, this.#options, () => {
      try {
        return { value: body() }
      } catch (error) {
        return { error }
      }
    })
    this.#span = span
    if ('error' in result) throw result.error
    return result.value
  }

  get #source(): AsyncIterator<T> {
    this.#lazySource ??= this.#iterable[Symbol.asyncIterator]()
    return this.#lazySource
  }
  #end(hasFailed: boolean): void {
    if (this.#span !== undefined) Span.end(this.#span, hasFailed)
  }
}
