import { readFile } from 'node:fs/promises'

import { OpscopeError, reasonOf } from '../errors.js'
import { type BenchData, BenchResults } from './results.js'
import { isWhole } from './whole-results.js'

/**
 * Reads results that were saved as JSON.
 * @throws OpscopeError ERR_OPSCOPE_FILE_READ, ERR_OPSCOPE_FILE_FORMAT, ERR_OPSCOPE_FILE_DAMAGED
 * @example
 * await writeFile('base.json', JSON.stringify(results))
 * const base = await loadResults('base.json')
 */
export async function loadResults(path: string): Promise<BenchResults> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new OpscopeError('ERR_OPSCOPE_FILE_READ', `Cannot read ${path}: ${reasonOf(error)}`)
  }
  let data: Partial<BenchData>
  try {
    data = JSON.parse(text) as Partial<BenchData>
  } catch (error) {
    throw new OpscopeError('ERR_OPSCOPE_FILE_DAMAGED', `${path} is no JSON: ${reasonOf(error)}`)
  }
  if (data?.format !== 'opscope-bench') {
    throw new OpscopeError(
      'ERR_OPSCOPE_FILE_FORMAT',
      `${path} holds no benchmark results.`,
      'Write them by opscope bench FILE --json OUT.',
    )
  }
  if (data.version !== 1) {
    throw new OpscopeError('ERR_OPSCOPE_FILE_FORMAT', `${path} was written by a newer opscope.`, 'Update opscope.')
  }
  if (!isWhole(data)) throw new OpscopeError('ERR_OPSCOPE_FILE_DAMAGED', `${path} lacks parts of its results.`)
  return new BenchResults(data)
}
