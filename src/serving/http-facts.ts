import type { IncomingMessage } from 'node:http'

import type { Attributes } from '../span.js'
import type { RequestFacts } from './request.js'

/** What a framework knows better than the server below it. */
export interface FrameworkFacts {
  requestId?: string
  /** The pattern of the URL, known once the request was routed. */
  route?: () => string | undefined
}

/** What is known of a request of node:http; read from it when it is asked for, as most of it never is. */
export class HttpFacts implements RequestFacts {
  readonly #request: IncomingMessage
  readonly model: string | undefined
  readonly isProfiled: boolean
  readonly traceparent: string | undefined
  about: FrameworkFacts

  constructor(
    request: IncomingMessage,
    about: FrameworkFacts,
    { model, traceparent, isProfiled }: Pick<HttpFacts, 'model' | 'traceparent' | 'isProfiled'>,
  ) {
    this.#request = request
    this.about = about
    this.model = model
    this.traceparent = traceparent
    this.isProfiled = isProfiled
  }

  get requestId(): string | undefined {
    return rawHeader(this.#request, 'x-request-id') ?? this.about.requestId
  }
  get tracestate(): string | undefined {
    return rawHeader(this.#request, 'tracestate')
  }
  get name(): string {
    return `${this.#request.method} ${this.about.route?.() ?? this.#path}`
  }
  get attributes(): Attributes {
    return { 'http.request.method': this.#request.method ?? '', 'url.path': this.#path }
  }
  get #path(): string {
    const { url = '' } = this.#request
    const end = url.indexOf('?')
    return end < 0 ? url : url.slice(0, end)
  }
}

/** `request.headers` is made when it is first read, which a server that needs none of them is spared. */
export function rawHeader({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const key = rawHeaders[index]!
    if (key.length === name.length && key.toLowerCase() === name) return rawHeaders[index + 1]
  }
  return undefined
}
export function hasBody(request: IncomingMessage): boolean {
  const length = rawHeader(request, 'content-length')
  return (length !== undefined && length !== '0') || rawHeader(request, 'transfer-encoding') !== undefined
}
