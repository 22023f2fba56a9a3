// Builds the shared libraries that a GPU is driven by in tests and in the demo: CUDA sources with the nvcc of the
// user's toolkit, plain C++ with the compiler that builds opscope. Nothing here is part of the package.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

// Code for the data-centre and desktop GPUs of the last years; others compile the PTX of 7.5 when they load it.
const ARCHITECTURES = ['80', '90', '100', '120']

/** The nvcc of CUDA_HOME, CUDA_PATH, the search path or /usr/local/cuda; undefined where there is none. */
export function findNvcc() {
  const homes = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda'].filter(Boolean)
  const candidates = [...homes.map(home => join(home, 'bin/nvcc')), 'nvcc']
  return candidates.find(nvcc => spawnSync(nvcc, ['--version'], { stdio: 'ignore' }).status === 0)
}

/**
 * All `.cu` files of a folder as one library, unless it is newer than they are.
 * @param {{ folder: string, output: string, isNative?: boolean }} options isNative: for the GPU of this machine alone
 * @returns {{ path: string } | { reason: string }}
 */
export function buildCuda({ folder, output, isNative = false }) {
  const sources = filesOf(folder, ['.cu'])
  if (isFresh(output, filesOf(folder, ['.cu', '.cuh']))) return { path: output }
  const nvcc = findNvcc()
  if (nvcc === undefined) return { reason: 'no-nvcc: the kernels are not built, and no CUDA toolkit was found' }
  const targets = isNative
    ? ['-arch=native']
    : [
        ...ARCHITECTURES.flatMap(number => ['-gencode', `arch=compute_${number},code=sm_${number}`]),
        '-gencode',
        'arch=compute_75,code=compute_75',
      ]
  const hostFlags = ['-Xcompiler', '-fPIC,-fvisibility=hidden,-Wall']
  // For one GPU only: for several, parallel steps of nvcc 13.0 link into the same temporary file, and fail now and then.
  const threads = isNative ? ['-t', '0'] : []
  return compile(nvcc, ['-shared', '-std=c++17', '-O2', ...threads, ...hostFlags, ...targets, ...sources], output)
}

/**
 * All `.cc` files of a folder as one library, unless it is newer than they are.
 * @param {{ folder: string, output: string }} options
 * @returns {{ path: string } | { reason: string }}
 */
export function buildHost({ folder, output }) {
  const sources = filesOf(folder, ['.cc'])
  if (isFresh(output, sources)) return { path: output }
  const flags = ['-std=c++17', '-O2', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra']
  return compile(process.env.CXX ?? 'c++', [...flags, ...sources, '-ldl'], output)
}

function filesOf(folder, suffixes) {
  const path = join(ROOT, folder)
  if (!existsSync(path)) return []
  const files = readdirSync(path).filter(file => suffixes.some(suffix => file.endsWith(suffix)))
  return files.sort().map(file => join(path, file))
}

// A packed suite has the libraries and no sources.
function isFresh(output, sources) {
  if (!existsSync(output)) return false
  const built = statSync(output).mtimeMs
  return sources.every(source => statSync(source).mtimeMs <= built)
}

// Put in place when complete: a process that has the old library loaded must not see its code change.
function compile(compiler, args, output) {
  mkdirSync(dirname(output), { recursive: true })
  const unfinished = `${output}.${process.pid}`
  const { status, error, stderr } = spawnSync(compiler, [...args, '-o', unfinished], { encoding: 'utf8' })
  if (status === 0) {
    renameSync(unfinished, output)
    return { path: output }
  }
  rmSync(unfinished, { force: true })
  const lines = (error?.message ?? stderr).trim().split('\n')
  return { reason: `not-built: ${compiler} failed: ${lines.slice(-5).join(' / ')}` }
}
