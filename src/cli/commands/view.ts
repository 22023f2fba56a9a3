import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

import { Command, InvalidArgumentError, Option } from 'commander'

import { Capture } from '../../capture.js'
import { openOutput } from '../../export/index.js'
import { mergeCaptures } from '../../merge-captures.js'
import { openBrowser } from '../open-browser.js'
import { servePage } from '../page-server.js'
import { loadInput, tell } from '../streams.js'

interface Options {
  port?: number
  open: boolean
  html?: string
}

// By Ctrl-C, before there was a page: what shells say of a program that SIGINT ended.
const INTERRUPTED = 130

export function viewCommand(): Command {
  return new Command('view')
    .description('Show a capture or trace in your browser.')
    .argument('<files...>', 'captures, or traces of other tools; several are merged; "-" is standard input')
    .addOption(new Option('--port <n>', 'of the address; without it, any that is free').argParser(portNumber))
    .option('--no-open', 'print the address and open no browser')
    .option('--html <file>', 'write the page to this file instead, and end')
    .addHelpText(
      'after',
      `
The page is there for this machine alone, at an address that nobody guesses, until Ctrl-C.

Examples:
  opscope view trace.pftrace
  opscope view worker-*.pftrace
  opscope view trace.json.gz --html report.html
  ssh -L 9100:localhost:9100 gpu-1 npx opscope view trace.pftrace --port 9100 --no-open`,
    )
    .action(async (files: string[], { port = 0, open, html }: Options) => {
      const title = files.length === 1 && files[0] !== '-' ? basename(files[0]!) : undefined
      // What is wrong with the output, or the port, is told before long files are read.
      if (html !== undefined) {
        const output = openOutput(html, { format: 'html' })
        await Capture.write(await load(files), output, title)
        return
      }
      const server = await servePage(port)
      let isShown = false
      const end = interrupted().then(() => {
        if (!isShown) process.exit(INTERRUPTED)
      })
      try {
        server.show(await pageOf(await load(files), title))
      } catch (error) {
        await server.close()
        throw error
      }
      isShown = true
      process.stdout.write(`${server.url}\n`)
      const say = (text: string) => process.stderr.write(`opscope: ${text}\n`)
      say('the page is there until Ctrl-C')
      if (open) openBrowser(server.url, reason => say(`no browser was opened, as ${reason}: open the address yourself`))
      await end
      await server.close()
    })
}

async function load(files: string[]): Promise<Capture> {
  const capture =
    files.length === 1
      ? await loadInput(files[0]!)
      : await mergeCaptures(await Promise.all(files.map(file => (file === '-' ? loadInput(file) : file))))
  tell(capture.warnings)
  return capture
}

/** A file that is nowhere: however the process ends from here on, nothing of it is left. */
async function pageOf(capture: Capture, title: string | undefined): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'opscope-view-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    const path = join(folder, 'page.html')
    await Capture.write(capture, openOutput(path), title)
    return openSync(path, 'r')
  } finally {
    process.off('exit', remove)
    remove()
  }
}

async function interrupted(): Promise<void> {
  await new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('Expected a number from 1 to 65535.')
  }
  return port
}
