import { extname } from 'node:path'

import { OpscopeError } from '../errors.js'
import { nameHint } from '../nearest-name.js'

export const EXPORT_FORMATS = [
  'perfetto',
  'chrome',
  'paddle',
  'pprof',
  'otlp',
  'xplane',
  'arrow',
  'parquet',
  'csv',
  'html',
] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
/** Those that have the rows of the capture as a table. */
export const TABLE_FORMATS: readonly ExportFormat[] = ['arrow', 'parquet', 'csv']

export interface FileFormat {
  format: ExportFormat
  gzip: boolean
}

// Longest first: ".json.gz" before ".gz", ".paddle.pb" before ".pb".
const BY_SUFFIX: [suffix: string, FileFormat][] = [
  ['.xplane.pb.gz', { format: 'xplane', gzip: true }],
  ['.xplane.pb', { format: 'xplane', gzip: false }],
  ['.paddle.pb.gz', { format: 'paddle', gzip: true }],
  ['.paddle.pb', { format: 'paddle', gzip: false }],
  ['.otlp.json.gz', { format: 'otlp', gzip: true }],
  ['.otlp.json', { format: 'otlp', gzip: false }],
  ['.pftrace.gz', { format: 'perfetto', gzip: true }],
  ['.html.gz', { format: 'html', gzip: true }],
  ['.parquet', { format: 'parquet', gzip: false }],
  ['.json.gz', { format: 'chrome', gzip: true }],
  ['.csv.gz', { format: 'csv', gzip: true }],
  ['.pftrace', { format: 'perfetto', gzip: false }],
  ['.arrow', { format: 'arrow', gzip: false }],
  ['.html', { format: 'html', gzip: false }],
  ['.json', { format: 'chrome', gzip: false }],
  ['.csv', { format: 'csv', gzip: false }],
  ['.pb.gz', { format: 'pprof', gzip: true }],
  ['.pprof', { format: 'pprof', gzip: true }],
]
// Compressed under any name: their readers expect it.
const ALWAYS_GZIP: readonly ExportFormat[] = ['pprof']

/** The part of a path that tells the format, as `.json.gz`, else what `extname` says. */
export function suffixOf(path: string): string {
  const known = BY_SUFFIX.find(([suffix]) => path.toLowerCase().endsWith(suffix))
  return known === undefined ? extname(path) : path.slice(-known[0].length)
}

/**
 * The format of a file by its name; a name without a known suffix gets the canonical one, Perfetto.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for a format that there is not.
 */
export function formatOf(path: string, format?: string): FileFormat {
  const name = path.toLowerCase()
  if (format !== undefined) {
    if (!EXPORT_FORMATS.includes(format as ExportFormat)) {
      throw new OpscopeError(
        'ERR_OPSCOPE_OPTION_VALUE',
        `Unknown format ${JSON.stringify(format)}.`,
        nameHint(format, EXPORT_FORMATS),
      )
    }
    return {
      format: format as ExportFormat,
      gzip: name.endsWith('.gz') || ALWAYS_GZIP.includes(format as ExportFormat),
    }
  }
  return BY_SUFFIX.find(([suffix]) => name.endsWith(suffix))?.[1] ?? { format: 'perfetto', gzip: false }
}

/** `trace.json.gz` and `7` make `trace.7.json.gz`. */
export function beforeSuffix(path: string, text: string): string {
  const suffix = suffixOf(path)
  return `${path.slice(0, path.length - suffix.length)}.${text}${suffix}`
}

/**
 * The name under which the same file is packed.
 * @throws OpscopeError ERR_OPSCOPE_OPTION_VALUE for a format that has no packed form.
 */
export function packedPath(path: string, format?: string): string {
  const plain = formatOf(path, format)
  if (plain.gzip) return path
  const packed = formatOf(`${path}.gz`, format)
  if (packed.gzip && packed.format === plain.format) return `${path}.gz`
  throw new OpscopeError(
    'ERR_OPSCOPE_OPTION_VALUE',
    `A file in format ${plain.format} is not packed with gzip.`,
    "Leave compress: 'gzip' out.",
  )
}
