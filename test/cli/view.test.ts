import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { commandFor } from '../../src/cli/open-browser.js'
import { buildCapture } from '../../src/index.js'
import { modelIn } from '../page/page-text.js'
import { until } from '../until.js'
import { cli, startCli } from './run-cli.js'

const folder = mkdtempSync(join(tmpdir(), 'opscope-view-test-'))
const at = (name: string) => join(folder, name)
const NO_DISPLAY = { BROWSER: '', DISPLAY: '', WAYLAND_DISPLAY: '' }

beforeAll(async () => {
  for (const processId of [1, 2]) {
    const spans = Array.from({ length: 10 }, (_, i) => ({ thread: 0, name: 'op', startNs: 10 * i, endNs: 10 * i + 5 }))
    const threads = [{ name: 'main', osThreadId: processId, jsThreadId: 0 }]
    const capture = await buildCapture({ threads, spans, processId, host: 'h', originEpochNs: 10n ** 18n })
    await capture.export(at(`${processId}.pftrace`))
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs until the address is printed. */
async function view(args: string[], env: NodeJS.ProcessEnv = NO_DISPLAY) {
  const child = startCli(['view', ...args], env)
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout!.on('data', chunk => (said.out += chunk))
  child.stderr!.on('data', chunk => (said.err += chunk))
  await until('the address', () => said.out.endsWith('\n') || child.exitCode !== null)
  return { child, said, url: new URL(said.out.trim()) }
}

interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: string
}
async function ask(url: URL, options: { method?: string; path?: string; host?: string } = {}): Promise<Reply> {
  const { method = 'GET', path = url.pathname, host = url.host } = options
  const call = request({ port: url.port, host: '127.0.0.1', method, path, headers: { host } }).end()
  const [response] = await once(call, 'response')
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, headers: response.headers, body }
}

describe('opscope view', () => {
  it('serves the page at an address that it prints, until Ctrl-C', async () => {
    const { child, said, url } = await view([at('1.pftrace')])
    expect(url.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/$/)
    const { status, headers, body } = await ask(url)
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(modelIn(body)).toMatchObject({ title: '1.pftrace', spanCount: 10 })
    expect((await ask(url)).body).toBe(body)

    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([0, null])
    await expect(ask(url)).rejects.toThrow('ECONNREFUSED')
    expect(said.out).toBe(`${url.href}\n`)
  })
  it('leaves no file behind while it serves', async () => {
    const before = readdirSync(tmpdir())
    const { url } = await view([at('1.pftrace')])
    expect((await ask(url)).status).toBe(200)
    const left = readdirSync(tmpdir()).filter(name => /^opscope-view-\w{6}$/.test(name) && !before.includes(name))
    expect(left).toEqual([])
  })
  it('ends by Ctrl-C while it still reads, and leaves no file behind', async () => {
    const before = readdirSync(tmpdir())
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const port = String((holder.address() as AddressInfo).port)
    await new Promise(resolve => holder.close(resolve))
    const child = startCli(['view', '-', '--port', port], NO_DISPLAY)
    onTestFinished(() => void child.kill('SIGKILL'))
    const url = new URL(`http://127.0.0.1:${port}/`)
    // There is nothing to show yet.
    await until('the port to answer', () =>
      ask(url).then(
        ({ status }) => status === 404,
        () => false,
      ),
    )
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
    const left = readdirSync(tmpdir()).filter(name => /^opscope-view-\w{6}$/.test(name) && !before.includes(name))
    expect(left).toEqual([])
  })
  it('merges several files', async () => {
    const { url } = await view([at('1.pftrace'), at('2.pftrace')])
    const { processes, spanCount } = modelIn((await ask(url)).body)
    expect([processes.length, spanCount]).toEqual([2, 20])
  })
  it('has nothing for others: names, paths and methods', async () => {
    const { url } = await view([at('1.pftrace')])
    const status = async (options: Parameters<typeof ask>[1]) => (await ask(url, options)).status
    expect(await status({ host: `localhost:${url.port}` })).toBe(200)
    expect(await status({ host: `rebound.example:${url.port}` })).toBe(403)
    expect(await status({ host: `127.0.0.1.example:${url.port}` })).toBe(403)
    expect(await status({ path: '/' })).toBe(404)
    expect(await status({ path: `${url.pathname}../../etc/passwd` })).toBe(404)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect(await status({ method })).toBe(405)
  })
  it('answers HEAD as GET, without the page', async () => {
    const { url } = await view([at('1.pftrace')])
    const { body, headers } = await ask(url)
    const head = await ask(url, { method: 'HEAD' })
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', headers['content-length']])
    expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body))
  })
  it('opens the browser that BROWSER names', async () => {
    writeFileSync(
      at('browser.mjs'),
      `import { writeFileSync } from 'node:fs'\nwriteFileSync(process.argv[2], process.argv[3])`,
    )
    const BROWSER = `${process.execPath} ${at('browser.mjs')} ${at('opened')} %s`
    const { url } = await view([at('1.pftrace')], { BROWSER })
    await until('the browser', () => existsSync(at('opened')) && readFileSync(at('opened'), 'utf8') !== '')
    expect(readFileSync(at('opened'), 'utf8')).toBe(url.href)
  })
  it('goes on without a browser, and says so', async () => {
    const { said, url } = await view([at('1.pftrace')])
    await until('a word', () => said.err.includes('no browser was opened, as there is no display'))
    expect((await ask(url)).status).toBe(200)
  })
  it.each([
    ['no-such-browser', 'there is no no-such-browser'],
    [`${process.execPath} -e process.exit(3)`, 'ended with code 3'],
  ])('goes on when %s fails, and says so', async (BROWSER, words) => {
    const { said, url } = await view([at('1.pftrace')], { BROWSER })
    await until('a word', () => said.err.includes(words))
    expect((await ask(url)).status).toBe(200)
  })
  it('opens none when told so', async () => {
    const { said, child } = await view([at('1.pftrace'), '--no-open'], { BROWSER: 'no-such-browser' })
    await until('a word', () => said.err !== '')
    child.kill('SIGTERM')
    await once(child, 'close')
    expect(said.err).toBe('opscope: the page is there until Ctrl-C\n')
  })
  it('writes the page to a file instead, and ends', async () => {
    expect(await cli(['view', at('1.pftrace'), '--html', at('page.html')])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(modelIn(readFileSync(at('page.html'), 'utf8')).title).toBe('1.pftrace')
  })
  it('takes the port that is asked for, and says when it cannot', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const port = String((taken.address() as AddressInfo).port)
    // Before it reads anything: the file is missing, and that is not what is told.
    const { code, stderr } = await cli(['view', at('missing.pftrace'), '--port', port])
    expect([code, stderr]).toEqual([1, expect.stringContaining(`Cannot listen on port ${port}: it is in use.`)])
    taken.close()
    await once(taken, 'close')
    expect((await view([at('1.pftrace'), '--port', port])).url.port).toBe(port)
  })
  it.each([
    [['--port', '0'], 2, /from 1 to 65535/],
    [['--port', '65536'], 2, /from 1 to 65535/],
    [['--html', '/no/such/folder/page.html'], 1, /its directory does not exist/],
  ])('refuses %j', async (args, expected, message) => {
    const { code, stdout, stderr } = await cli(['view', at('1.pftrace'), ...args])
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
  })
})

describe('the browser', () => {
  const URL = 'http://127.0.0.1:1/x/'

  it('is the command of BROWSER, with the address where it has %s, else behind it', () => {
    expect(commandFor(URL, { BROWSER: 'firefox --new-window' }, 'linux')).toEqual(['firefox', '--new-window', URL])
    expect(commandFor(URL, { BROWSER: 'lynx -url=%s -x' }, 'linux')).toEqual(['lynx', `-url=${URL}`, '-x'])
  })
  it('is what the system has where there is a display', () => {
    expect(commandFor(URL, { DISPLAY: ':0' }, 'linux')).toEqual(['xdg-open', URL])
    expect(commandFor(URL, { WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toEqual(['xdg-open', URL])
    expect(commandFor(URL, {}, 'linux')).toEqual([])
    expect(commandFor(URL, {}, 'darwin')).toEqual(['open', URL])
  })
})
