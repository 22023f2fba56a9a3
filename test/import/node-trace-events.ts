/** What node writes, made by hand: 80 µs from `startUs` + 10 on. */
export function nodeTrace(startUs = 0) {
  const event = (ph: string, cat: string, name: string, ts: number, more = {}) => {
    return { pid: 44, tid: 44, ts: startUs + ts, tts: 1, ph, cat, name, dur: 0, tdur: 0, args: {}, ...more }
  }
  const hook = (ph: string, name: string, id: string, ts: number) => {
    const args = ph === 'b' ? { data: { triggerAsyncId: 1, executionAsyncId: 0 } } : {}
    return event(ph, 'node,node.async_hooks', name, ts, { id, args })
  }
  const gc = (ph: string, ts: number) => event(ph, 'devtools.timeline,v8', 'MinorGC', ts)
  const http = (ph: string, ts: number) => event(ph, 'node,node.http', 'http.server.request', ts, { id: '0x1' })
  return {
    traceEvents: [
      hook('b', 'TickObject', '0x5', 10),
      hook('b', 'PROMISE', '0x6', 12), // never destroyed
      hook('b', 'TickObject_CALLBACK', '0x5', 15),
      event('B', 'node,node.fs,node.fs.sync', 'fs.sync.open', 20),
      event('E', 'node,node.fs,node.fs.sync', 'fs.sync.open', 30),
      gc('B', 32),
      gc('E', 35),
      hook('e', 'TickObject_CALLBACK', '0x5', 40),
      hook('e', 'TickObject', '0x5', 50),
      hook('e', 'PROMISE', '0x2', 55), // older than the trace
      http('b', 60),
      http('e', 90),
      event('M', '__metadata', 'process_name', 0, { args: { name: 'node' } }),
      event('M', '__metadata', 'thread_name', 0, { args: { name: 'JavaScriptMainThread' } }),
    ],
  }
}
