// Scripts for the fake CUDA libraries (binding/test/fake/script.h has the grammar), and the environment in which a
// child process finds them. Times are ns since the script starts.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Where it lies in time. Without any of them: after what came before on its thread or stream. */
export interface When {
  at?: number
  dur?: number
  /** `from` and `to` say the same as `at` and `dur`. */
  from?: number
  to?: number
}
export interface Where {
  stream?: number
  context?: number
  device?: number
}
export interface CallOptions extends When {
  correlation?: number
  result?: number
  /** A function of the driver, as `cuLaunchKernel`. */
  driver?: boolean
}
/** What can be odd about a piece of GPU work. */
export type Oddity = 'incomplete' | 'running' | 'zerotime' | 'negative' | 'twice' | 'nullname'
export interface WorkOptions extends When, Where {
  /** Default: that of the last call. */
  correlation?: number
  node?: number
  graph?: number
  odd?: Oddity
}
export interface KernelOptions extends WorkOptions {
  grid?: [number, number?, number?]
  block?: [number, number?, number?]
  registers?: number
  staticShared?: number
  dynamicShared?: number
}
export type Direction =
  | 'htod'
  | 'dtoh'
  | 'dtod'
  | 'htoh'
  | 'htoa'
  | 'atoh'
  | 'atoa'
  | 'atod'
  | 'dtoa'
  | 'ptop'
  | 'unknown'
export type Memory = 'unknown' | 'pageable' | 'pinned' | 'device' | 'array' | 'managed'
export interface CopyOptions extends WorkOptions {
  bytes: number
  memory?: [Memory, Memory]
  async?: boolean
}
export interface GraphOptions extends When {
  correlation?: number
  graph?: number
  /** So many kernels of `nodeDur` ns, besides those that follow. */
  nodes?: number
  nodeDur?: number
}

/** Immutable: each call gives a longer script. */
export class FakeGpuScript {
  constructor(private readonly lines: readonly string[] = []) {}

  /** Any line of the language, for what has no method here. */
  line(text: string): FakeGpuScript {
    return new FakeGpuScript([...this.lines, text])
  }
  /** Following calls are made by this thread; 0 is the one that runs the script. */
  thread(number: number): FakeGpuScript {
    return this.line(`thread ${number}`)
  }
  call(name: string, options: CallOptions = {}): FakeGpuScript {
    return this.line(
      words(
        'api',
        name,
        options.driver && 'driver',
        time(options),
        pair('corr', options.correlation),
        pair('result', options.result),
      ),
    )
  }
  kernel(name: string, options: KernelOptions = {}): FakeGpuScript {
    return this.line(
      words(
        'kernel',
        quoted(name),
        work(options),
        pair('grid', options.grid?.join(',')),
        pair('block', options.block?.join(',')),
        pair('regs', options.registers),
        pair('static', options.staticShared),
        pair('dynamic', options.dynamicShared),
      ),
    )
  }
  /** A call and its kernel. */
  launch(name: string, options: KernelOptions = {}): FakeGpuScript {
    return this.call('cudaLaunchKernel', callOf(options)).kernel(name, options)
  }
  memcpy(direction: Direction, options: CopyOptions): FakeGpuScript {
    const memory = options.memory ?? []
    return this.line(
      words('memcpy', direction, ...memory, pair('bytes', options.bytes), options.async && 'async', work(options)),
    )
  }
  /** A copy call and its copy. */
  copy(direction: Direction, options: CopyOptions): FakeGpuScript {
    return this.call(options.async ? 'cudaMemcpyAsync' : 'cudaMemcpy', callOf(options)).memcpy(direction, options)
  }
  peer(fromDevice: number, toDevice: number, options: CopyOptions): FakeGpuScript {
    return this.line(
      words('peer', fromDevice, toDevice, pair('bytes', options.bytes), options.async && 'async', work(options)),
    )
  }
  memset(options: WorkOptions & { bytes: number }): FakeGpuScript {
    return this.line(words('memset', pair('bytes', options.bytes), work(options)))
  }
  /** Work that follows, up to the next call, belongs to its nodes. */
  graphLaunch(options: GraphOptions = {}): FakeGpuScript {
    return this.line(
      words(
        'graphlaunch',
        pair('graph', options.graph),
        pair('n', options.nodes),
        pair('node-dur', options.nodeDur),
        time(options),
        pair('corr', options.correlation),
      ),
    )
  }
  /** Without `dur`: until the GPU is done. */
  sync(
    form: 'device' | 'context' | 'stream' | 'event' | 'wait',
    options: When & Where & { correlation?: number } = {},
  ): FakeGpuScript {
    return this.line(words('sync', form, time(options), place(options), pair('corr', options.correlation)))
  }
  marker(name: string, options: When & { domain?: string } = {}): FakeGpuScript {
    return this.line(words('marker', quoted(name), time(options), options.domain && `domain=${quoted(options.domain)}`))
  }
  burst(launches: number, options: { threads?: number; name?: string; dur?: number } = {}): FakeGpuScript {
    return this.line(
      words(
        'burst',
        launches,
        pair('threads', options.threads),
        options.name && `name=${quoted(options.name)}`,
        pair('dur', options.dur),
      ),
    )
  }
  sleep(ns: number): FakeGpuScript {
    return this.line(`sleep ${ns}`)
  }
  flush(forced = false): FakeGpuScript {
    return this.line(words('flush', forced && 'forced'))
  }
  drop(records: number): FakeGpuScript {
    return this.line(`drop ${records}`)
  }

  toString(): string {
    return this.lines.map(line => `${line}\n`).join('')
  }
}
export function fakeGpu(): FakeGpuScript {
  return new FakeGpuScript()
}

/** Folder that the C++ test build puts the fakes in. */
export const FAKES = fileURLToPath(new URL('../../build/test-fakes', import.meta.url))
/** There are none off Linux. On Linux a missing one is a broken build, which must not pass as a skipped test. */
export function hasFakes(): boolean {
  if (process.platform !== 'linux') return false
  if (existsSync(`${FAKES}/libfakegpu.so`)) return true
  throw new Error(`The scripted GPU is not in ${FAKES}: npm run test:cpp builds it.`)
}

export interface FakeMachine {
  /** @default 'cupti-13' */
  cupti?: 'cupti-11.8' | 'cupti-12' | 'cupti-13' | 'cupti-incomplete' | 'none'
  /** `false`: no driver at all. @default true */
  driver?: boolean
  /** Another release than the file's, as '12.0' or '12.9'. */
  release?: string
  /** Entries as `cuptiSubscribe=39`, `no-driver`, `cuInit=100`. */
  errors?: string[]
  devices?: number
  driverVersion?: number
  /** A tool that is subscribed already. */
  holder?: string
  /** A file with a script that runs when kernels are first recorded. */
  scriptFile?: string
}
/** Variables for a child process that is to see this machine. */
export function fakeMachine(machine: FakeMachine = {}): Record<string, string> {
  const cupti = machine.cupti ?? 'cupti-13'
  const variables: Record<string, string | undefined> = {
    OPSCOPE_CUPTI_PATH: cupti === 'none' ? `${FAKES}/no-cupti` : `${FAKES}/${cupti}`,
    OPSCOPE_CUDA_PATH: machine.driver === false ? `${FAKES}/no-driver.so` : `${FAKES}/cuda/libcuda.so.1`,
    FAKECUPTI_PERSONALITY: machine.release,
    FAKECUPTI_ERRORS: machine.errors?.join(','),
    FAKECUDA_DEVICES: machine.devices?.toString(),
    FAKECUDA_DRIVER: machine.driverVersion?.toString(),
    FAKECUPTI_HOLDER: machine.holder,
    FAKECUPTI_SCRIPT: machine.scriptFile,
  }
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** The fake of this very process; use it in children only, whose environment is a `fakeMachine`. */
export interface FakeGpuControls {
  run(script: string): void
  violations(): string
  calls(): string
  count(what: string): number
  hostNs(): bigint
  reset(): void
}
export function fakeGpuControls(): FakeGpuControls {
  return createRequire(import.meta.url)(`${FAKES}/opscope_fake_gpu.node`) as FakeGpuControls
}

const words = (...parts: (string | number | false | undefined)[]) =>
  parts.filter(part => part !== undefined && part !== false && part !== '').join(' ')
const pair = (key: string, value: string | number | undefined) => (value === undefined ? '' : `${key}=${value}`)
// A quoted word is never taken for a flag.
const FLAGS = new Set(['driver', 'async', 'incomplete', 'running', 'zerotime', 'negative', 'twice', 'nullname'])
const quoted = (text: string) =>
  !FLAGS.has(text) && /^[\w.:-]+$/.test(text)
    ? text
    : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`

function time({ at, dur, from, to }: When): string {
  const start = from ?? at
  const length = from !== undefined && to !== undefined ? to - from : dur
  return words(start !== undefined && `at=+${start}`, pair('dur', length))
}
const place = ({ stream, context, device }: Where) =>
  words(pair('stream', stream), pair('ctx', context), pair('device', device))
const work = (options: WorkOptions) =>
  words(
    time(options),
    place(options),
    pair('corr', options.correlation),
    pair('node', options.node),
    pair('graph', options.graph),
    options.odd,
  )
/** The call that causes a piece of work: its time is its own. */
const callOf = ({ correlation }: WorkOptions): CallOptions => (correlation === undefined ? {} : { correlation })
