import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** Threads that launch (worker.mjs), ready for jobs. */
export async function startWorkers(count) {
  const workers = Array.from(
    { length: count },
    (_, i) => new Worker(new URL('worker.mjs', import.meta.url), { workerData: i }),
  )
  await Promise.all(workers.map(worker => once(worker, 'message')))
  return {
    /** Gives each worker its job; resolves when all are done. */
    run: jobs =>
      Promise.all(
        jobs.map(async (job, i) => {
          workers[i].postMessage(job)
          await once(workers[i], 'message')
        }),
      ),
    end: () => Promise.all(workers.map(worker => worker.terminate())),
  }
}
