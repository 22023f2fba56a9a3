import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import type { NativeWarning } from '../binding.js'
import type { Capture } from '../capture.js'
import { loadCapture } from '../load-capture.js'

/** loadCapture(), where "-" is standard input. */
export async function loadInput(path: string): Promise<Capture> {
  return readInput(path, loadCapture)
}

/** Runs `read` with the path, or where that is "-" with the path of a file that has what came on standard input. */
export async function readInput<T>(path: string, read: (path: string) => Promise<T>): Promise<T> {
  if (path !== '-') {
    return read(path)
  }
  // A file in between, since standard input may be a socket, which cannot be opened by a path.
  return withFolder(async folder => {
    const file = join(folder, 'stdin')
    await pipeline(process.stdin, createWriteStream(file))
    return read(file)
  })
}

/** Runs `write` with a path; what it wrote there goes to standard output when the path is "-". */
export async function writeOutput<T>(path: string, write: (path: string) => Promise<T>): Promise<T> {
  if (path !== '-') {
    return write(path)
  }
  return withFolder(async folder => {
    const file = join(folder, 'stdout')
    const result = await write(file)
    await pipeline(createReadStream(file), process.stdout, { end: false })
    return result
  })
}

/** Trouble that did not stop the work: to standard error, one line each. */
export function tell(warnings: readonly (NativeWarning & { message?: string })[]): void {
  for (const { code, count, detail, message } of warnings) {
    process.stderr.write(`opscope: warning: ${message ?? `${detail || code} (${count})`}\n`)
  }
}

async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'opscope-'))
  try {
    return await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
