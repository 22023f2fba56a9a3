import { fileURLToPath } from 'node:url'

import { native, type RecordingHandle } from './binding.js'
import { Capture } from './capture.js'
import { OpscopeError } from './errors.js'
import { importChrome } from './import/chrome.js'
import { type CpuSamples, readCpuSamples } from './import/cpu-samples.js'
import { importCpuProfile } from './import/cpuprofile.js'
import { InputFile } from './import/input-file.js'
import { importPaddle } from './import/paddle.js'
import { importProfileLog } from './import/profile-log.js'
import { WireError } from './import/wire-reader.js'
import { importXplane } from './import/xplane.js'
import { ownError } from './native-error.js'
import type { RowsBuilder } from './rows-builder.js'

const READABLE =
  'opscope reads .pftrace, .json, .json.gz, .cpuprofile, .xplane.pb and .paddle.pb files, profiles of PyTorch and ONNX Runtime, ' +
  'and logs with stage lines of Paddle Serving.'

const DAMAGES = ['file-cut', 'events-damaged', 'stages-damaged', 'stages-unpaired']

/**
 * Reads a capture back, or imports a trace of another tool: Chrome traces, PyTorch and ONNX Runtime profiles, CPU
 * profiles of V8, Paddle's profile, TensorBoard's XPlane, stage lines of Paddle Serving. The content decides, not the
 * name. A file that ends in the middle gives what is whole of it, with a warning in `capture.warnings`.
 *
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ when the file cannot be opened or read, ERR_OPSCOPE_FILE_FORMAT when
 * it is no trace, ERR_OPSCOPE_FILE_DAMAGED when nothing in it can be read.
 * @example
 * const capture = await loadCapture('trace.json.gz')
 * console.log(capture.report({ sortedKey: 'total' }))
 */
export async function loadCapture(path: string | URL): Promise<Capture> {
  if (typeof path !== 'string' && !(path instanceof URL)) {
    throw new OpscopeError('ERR_OPSCOPE_OPTION_VALUE', 'Expected the path of a file, as a string or URL.')
  }
  return Capture.fromHandle(await loadRecording(typeof path === 'string' ? path : fileURLToPath(path)))
}

/** The same without what a capture computes. @internal */
export async function loadRecording(path: string): Promise<RecordingHandle> {
  const file = await InputFile.open(path)
  try {
    return await read(file)
  } catch (error) {
    throw ownError(error, `Cannot read ${file.path}`)
  } finally {
    await file.close()
  }
}

/** What a merge takes: a recording, or samples to lay under one. @internal */
export async function loadMergeInput(path: string): Promise<{ recording: RecordingHandle } | { samples: CpuSamples }> {
  const file = await InputFile.open(path)
  try {
    if (file.kind !== 'cpuprofile') return { recording: await read(file) }
    const samples = await readCpuSamples(file.chunks())
    if (samples !== undefined) return { samples }
    throw new OpscopeError('ERR_OPSCOPE_FILE_FORMAT', `${file.path} is no CPU profile.`, READABLE)
  } catch (error) {
    throw ownError(error, `Cannot read ${file.path}`)
  } finally {
    await file.close()
  }
}

async function read(file: InputFile): Promise<RecordingHandle> {
  switch (file.kind) {
    case 'perfetto':
      return native().readPerfetto(await file.plainPath())
    case 'json':
      return build(file, await importChrome(file.chunks()))
    case 'cpuprofile':
      return build(file, await importCpuProfile(file.chunks(), file.path))
    case 'paddle':
      return build(file, await importPaddle(file.chunks()).catch(error => failWire(file, 'a Paddle profile', error)))
    case 'xplane':
      return build(file, await importXplane(file.chunks()).catch(error => failWire(file, 'an XSpace', error)))
    case 'profile-log':
      return build(file, await importProfileLog(file.chunks()))
    case 'empty':
      throw new OpscopeError(
        'ERR_OPSCOPE_FILE_DAMAGED',
        `${file.path} is empty.`,
        'A run that was killed before it wrote anything leaves such a file.',
      )
    case 'gzip':
      throw new OpscopeError(
        'ERR_OPSCOPE_FILE_FORMAT',
        `${file.path} is compressed twice.`,
        'Unpack it with gunzip first.',
      )
    default:
      throw new OpscopeError('ERR_OPSCOPE_FILE_FORMAT', `${file.path} is ${file.kind.foreign}.`, READABLE)
  }
}

async function build(file: InputFile, builder: RowsBuilder | undefined): Promise<RecordingHandle> {
  if (builder === undefined) {
    throw new OpscopeError(
      'ERR_OPSCOPE_FILE_FORMAT',
      `${file.path} is JSON, but no trace: it has no "traceEvents".`,
      READABLE,
    )
  }
  const rows = builder.rows()
  if (builder.rowCount === 0 && rows.warnings.some(({ code }) => DAMAGES.includes(code))) {
    throw new OpscopeError('ERR_OPSCOPE_FILE_DAMAGED', `${file.path} has no whole event in it.`)
  }
  return native().build(rows)
}

function failWire(file: InputFile, what: string, error: unknown): never {
  if (error instanceof WireError) {
    const message = `${file.path} begins like ${what}, but holds ${error.message}.`
    throw new OpscopeError('ERR_OPSCOPE_FILE_DAMAGED', message, undefined, { cause: error })
  }
  throw error
}
