// Where a capture goes. A regular file appears whole or not at all: the bytes go to a sibling that takes the name
// when it is complete, so that neither a full disk nor a crash leaves half a file or costs the old one.
// Pipes and devices are written as they are.
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { threadId } from 'node:worker_threads'

import { OpscopeError } from '../errors.js'
import { ownError } from '../native-error.js'
import { pageFiles } from '../report/html.js'
import { type ExportFormat, formatOf, TABLE_FORMATS } from './formats.js'
import { checkInstalled, PARQUET_WRITER } from './optional-package.js'

/** A place that was found writable; nothing is open or created yet. */
export interface Place {
  /** As the user named it. */
  readonly path: string
  /** The file behind all links. */
  readonly target: string
  /** A pipe or a device. */
  readonly isSpecial: boolean
  /** Whether the target is written as it is: a pipe, a device, or a file in a directory that takes no new ones. */
  readonly isDirect: boolean
  /** Permissions of the file that will be replaced. */
  readonly mode: number
}
/** A place that gets a capture. */
export interface Output extends Place {
  readonly format: ExportFormat
  readonly gzip: boolean
  /** Whether the times in a table are since the Unix epoch. */
  readonly absolute: boolean
}

/**
 * Checks that a capture can be written to this path, before anything is recorded. Leaves nothing behind.
 * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE saying what is in the way, ERR_OPSCOPE_OPTION_VALUE for a
 * format that is not written, ERR_OPSCOPE_PACKAGE_MISSING for one that needs a package, ERR_OPSCOPE_FILE_READ for a
 * page that was not built.
 */
export function openOutput(path: string | URL, options: { format?: string; absolute?: boolean } = {}): Output {
  const given = pathOf(path)
  const kind = formatOf(given, options.format)
  const { absolute = false } = options
  if (absolute && !TABLE_FORMATS.includes(kind.format)) {
    throw new OpscopeError(
      'ERR_OPSCOPE_OPTION_VALUE',
      `The "absolute" option is for ${TABLE_FORMATS.join(', ')} files, not for ${kind.format}.`,
      'Other formats hold the time of day anyway.',
    )
  }
  if (kind.format === 'parquet') checkInstalled(PARQUET_WRITER)
  if (kind.format === 'html') pageFiles()
  return { ...kind, absolute, ...openPlace(given) }
}

function pathOf(path: string | URL): string {
  const given = path instanceof URL ? fileURLToPath(path) : path
  if (typeof given === 'string' && given !== '') return given
  throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected the path of a file, as a string or URL.')
}

/**
 * Checks that a file of any kind can be written to this path. Leaves nothing behind.
 * @throws OpscopeError ERR_OPSCOPE_FILE_WRITE saying what is in the way, ERR_OPSCOPE_OPTION_VALUE for no path
 */
export function openPlace(path: string | URL): Place {
  const given = pathOf(path)
  try {
    const target = targetOf(given)
    const stats = statOf(target)
    if (stats?.isDirectory() || (stats === undefined && /[/\\]$/.test(given))) {
      throw new OpscopeError(
        'ERR_OPSCOPE_FILE_WRITE',
        `Cannot write ${given}: it is a directory.`,
        'Name a file in it.',
      )
    }
    if (stats !== undefined) {
      accessSync(target, constants.W_OK)
    }
    const isSpecial = isDevicePath(given) || (stats !== undefined && !stats.isFile())
    const isDirect = isSpecial || !takesSiblings(target, stats !== undefined)
    const isRegular = stats?.isFile() === true
    const mode = isRegular ? stats.mode & 0o777 : 0o666
    return { path: given, target, isSpecial, isDirect, mode }
  } catch (error) {
    throw writeError(given, error)
  }
}

/** A new file beside the target, or in the temporary directory when the target has no room beside it. */
export function openSibling(output: Output, suffix: string): { path: string; fd: number } {
  const folder = output.isDirect ? tmpdir() : dirname(output.target)
  const path = siblingPath(join(folder, basename(output.target)), suffix)
  return { path, fd: openSync(path, 'wx', output.mode) }
}
/** Puts the sibling in the target's place; never over a device or pipe, which as root would be lost to everyone. */
export function replace(sibling: string, output: Output): void {
  if (statOf(output.target)?.isFile() === false) {
    throw new OpscopeError('ERR_OPSCOPE_FILE_WRITE', `Cannot write ${output.path}: it is no regular file any more.`)
  }
  renameSync(sibling, output.target)
}

let siblingCount = 0
function siblingPath(target: string, suffix: string): string {
  // A long name plus our own part may be longer than a file name may be.
  const name = basename(target).slice(0, 100)
  return join(dirname(target), `.${name}.${process.pid}-${threadId}-${siblingCount++}${suffix}`)
}

function takesSiblings(target: string, exists: boolean): boolean {
  const probe = siblingPath(target, '.check')
  try {
    closeSync(openSync(probe, 'wx'))
    rmSync(probe)
    return true
  } catch (error) {
    if (exists && ['EACCES', 'EPERM', 'EROFS'].includes(String((error as NodeJS.ErrnoException).code))) {
      return false
    }
    throw error
  }
}

// A rename would replace a link instead of the file that it points to, which may not exist yet.
function targetOf(path: string): string {
  let target = resolve(path)
  for (let hops = 0; hops < 40; hops++) {
    try {
      return realpathSync(target)
    } catch {
      const isLink = lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true
      if (!isLink) {
        return target
      }
      target = resolve(dirname(target), readlinkSync(target))
    }
  }
  return target
}
function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}
// What /dev/stdout points to may be a regular file that the shell has open: it must not be replaced.
function isDevicePath(path: string): boolean {
  return /^\/(dev\/(std(out|err)|fd\/)|proc\/)/.test(resolve(path))
}

/** Writes all of it, as one write may take a part only; returns how many bytes. */
export function writeWhole(fd: number, bytes: Uint8Array): number {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
  return bytes.length
}

const REASONS: Record<string, [reason: string, hint?: string]> = {
  ENOENT: ['its directory does not exist', 'Create it first, or choose another path.'],
  ENOTDIR: ['a part of the path is a file, not a directory'],
  EACCES: ['permission denied', 'Choose a path that this user may write.'],
  EPERM: ['not permitted', 'Choose a path that this user may write.'],
  EROFS: ['the file system is read-only'],
  ENOSPC: ['the disk is full'],
  EDQUOT: ['the disk quota is used up'],
  ENAMETOOLONG: ['the name is too long'],
  EISDIR: ['it is a directory', 'Name a file in it.'],
  EPIPE: ['the reader is gone'],
  ELOOP: ['too many links'],
}
export function writeError(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code
  if (error instanceof OpscopeError || code === undefined || code.startsWith('ERR_')) {
    return ownError(error, `Cannot write ${path}`)
  }
  const [reason, hint] = REASONS[code] ?? [code]
  return new OpscopeError('ERR_OPSCOPE_FILE_WRITE', `Cannot write ${path}: ${reason}.`, hint, { cause: error })
}
