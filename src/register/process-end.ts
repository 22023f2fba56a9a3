const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * Calls `finish` once, blocking, when the process ends by itself, by `process.exit`, by an error that nobody caught, or
 * by a signal that would end it. Exit code and signal stay what they would be.
 */
export function onProcessEnd(finish: () => void): void {
  let isFinished = false
  const finishOnce = () => {
    if (isFinished) return
    isFinished = true
    finish()
  }
  process.once('exit', finishOnce)
  for (const signal of SIGNALS) coverSignal(signal, finishOnce)
}

/**
 * Handles a signal for as long as the program does not. Libraries such as signal-exit count the listeners and end the
 * process only where theirs is the last: two that wait for each other would make a process that no signal ends. So ours
 * goes when the program's first comes, and is back when the program's last goes.
 */
function coverSignal(signal: (typeof SIGNALS)[number], finish: () => void): void {
  const end = () => {
    stop()
    finish()
    process.kill(process.pid, signal)
  }
  const onNew = (event: string | symbol, listener: unknown) => {
    // Later: the system's handler goes with the last listener, and theirs is not among them yet.
    if (event === signal && listener !== end) process.nextTick(yieldToProgram)
  }
  const yieldToProgram = () => {
    if (process.listenerCount(signal) > 1) process.removeListener(signal, end)
  }
  const onRemoved = (event: string | symbol) => {
    // At once: signal-exit takes its listener off and raises the signal again in one go.
    if (event === signal && process.listenerCount(signal) === 0) process.on(signal, end)
  }
  const stop = () => {
    process.removeListener('newListener', onNew)
    process.removeListener('removeListener', onRemoved)
    process.removeListener(signal, end)
  }
  process.on(signal, end)
  process.on('newListener', onNew)
  process.on('removeListener', onRemoved)
}
