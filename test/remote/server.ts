// A capture server on loopback, and a program that does something meanwhile.
import { onTestFinished } from 'vitest'

import { op } from '../../src/index.js'
import { type CaptureServer, type CaptureServerOptions, startCaptureServer } from '../../src/remote/index.js'

export interface Told {
  code: string
  text: string
}
export interface Served {
  server: CaptureServer
  /** As stock clients take it. */
  address: string
  told: Told[]
}

export async function serve(options: CaptureServerOptions = {}): Promise<Served> {
  const told: Told[] = []
  const server = await startCaptureServer({ port: 0, onWarning: (code, text) => told.push({ code, text }), ...options })
  onTestFinished(() => server.close())
  return { server, address: `localhost:${server.port}`, told }
}

/** Spans of the name `served`, until the test is over. */
export function work(): void {
  const served = op('served', { category: 'request' })
  const timer = setInterval(() => {
    served.begin()
    served.end()
  }, 1)
  onTestFinished(() => clearInterval(timer))
}
