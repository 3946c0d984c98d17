/**
 * Work shared out among threads of Node's own: each does one job at a time and takes the next when
 * it has done it. A history depends on its seed alone, so who ran it makes no difference.
 *
 * Promise: `do` rejects with what its job threw; once a thread has died, every job rejects.
 */
import { parentPort, Worker } from 'node:worker_threads'

/** Three times a nursery that stays in a core's cache: a larger one made histories slower. */
const youngMegabytes = 48

interface Waiting<Job, Result> {
  readonly job: Job
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

type Answer<Result> = { readonly result: Result } | { readonly error: unknown }

export class Crew<Job, Result> {
  readonly #workers: readonly Worker[]
  readonly #idle: Worker[]
  readonly #waiting: Waiting<Job, Result>[] = []
  readonly #busy = new Map<Worker, Waiting<Job, Result>>()
  #death: unknown

  /** `file` calls `work`; `size` threads run it. */
  constructor(file: URL, size: number) {
    this.#workers = Array.from({ length: size }, () => this.#hire(file))
    this.#idle = [...this.#workers]
  }

  get size(): number {
    return this.#workers.length
  }

  do(job: Job): Promise<Result> {
    if (this.#death !== undefined) return Promise.reject(this.#death)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      this.#handOut()
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #hire(file: URL): Worker {
    const resourceLimits = { maxYoungGenerationSizeMb: youngMegabytes }
    const worker = new Worker(file, { resourceLimits })
    worker.on('message', (answer: Answer<Result>) => {
      const { resolve, reject } = this.#busy.get(worker)!
      this.#busy.delete(worker)
      this.#idle.push(worker)
      if ('error' in answer) reject(answer.error)
      else resolve(answer.result)
      this.#handOut()
    })
    worker.on('error', (error) => {
      this.#death = error
      for (const { reject } of [...this.#busy.values(), ...this.#waiting.splice(0)]) reject(error)
    })
    return worker
  }

  #handOut(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const worker = this.#idle.pop()!
      const next = this.#waiting.shift()!
      this.#busy.set(worker, next)
      worker.postMessage(next.job)
    }
  }
}

/** What a crew's file calls: answers each job with what `run` makes of it. */
export function work<Job, Result>(run: (job: Job) => Promise<Result>): void {
  parentPort!.on('message', async (job: Job) => {
    const answer: Answer<Result> = await run(job).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    )
    parentPort!.postMessage(answer)
  })
}
