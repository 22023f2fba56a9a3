import { randomBytes } from 'node:crypto'
import { close, createReadStream, fstatSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { OpscopeError } from '../errors.js'

export interface PageServer {
  /** Of the page; nobody guesses it. */
  readonly url: string
  /** From now on the page is what this file holds. The descriptor is closed with the server. */
  show(fd: number): void
  close(): Promise<void>
}

interface Refusal {
  status: number
  text: string
}

const NOTHING: Refusal = { status: 404, text: 'There is nothing here.' }
// A page of elsewhere may have the name of its own machine lead here, and ask for what is here by that name.
const OWN_NAMES = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/i

/**
 * Serves one page to browsers on this machine, once there is one.
 * @param port 0: any that is free
 * @throws OpscopeError ERR_OPSCOPE_LISTEN
 */
export async function servePage(port: number): Promise<PageServer> {
  const path = `/${randomBytes(18).toString('base64url')}/`
  let page: number | undefined
  const server = createServer((request, response) => answer(request, response, path, page))
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'it is in use' : code === 'EACCES' ? 'permission denied' : code
    const hint = 'Name another one, or none: then a free one is taken.'
    throw new OpscopeError('ERR_OPSCOPE_LISTEN', `Cannot listen on port ${port}: ${reason}.`, hint, { cause })
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    show(fd) {
      page = fd
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => (page === undefined ? resolve() : close(page, () => resolve())))
        server.closeAllConnections()
      }),
  }
}

function answer(request: IncomingMessage, response: ServerResponse, path: string, fd: number | undefined): void {
  request.resume()
  const refusal = refusalOf(request, path)
  if (refusal !== undefined || fd === undefined) {
    const { status, text } = refusal ?? NOTHING
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', allow: 'GET, HEAD' }
    response.writeHead(status, headers).end(`${text}\n`)
    return
  }
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': fstatSync(fd).size,
    'cache-control': 'no-store',
    'content-security-policy': "frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  // From the start for each request, whoever else reads.
  const page = createReadStream('', { fd, start: 0, autoClose: false })
  page.on('error', () => response.destroy())
  page.pipe(response)
}

function refusalOf({ headers, method, url }: IncomingMessage, path: string): Refusal | undefined {
  if (!OWN_NAMES.test(headers.host ?? '')) return { status: 403, text: 'Ask for 127.0.0.1.' }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'There is a page here, to be read.' }
  return url === path ? undefined : NOTHING
}
