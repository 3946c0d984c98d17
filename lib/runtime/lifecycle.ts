/**
 * Starts the parts of a process in order and stops them in reverse, each within its named limit.
 * `createLifecycle` is the order alone, for anything that runs a shop inside another process
 * (tests, the command line); `runProcess` adds signals, exit codes and what happens when all is
 * lost:
 *
 * SIGTERM, SIGINT     stop in order, exit 0; a second signal exits at once with 143 or 130
 * a part fails        its sentence is printed, stop in order, exit 1
 * a bug escapes       its stack is logged, exit 70 at once: what is in memory is not to be trusted,
 *                     and what was answered is durable; the watchdog starts the process again
 */
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

/** A part that has started. */
export interface Running {
  stop(): Promise<void> | void
}

export interface Part {
  readonly name: string
  start(): Promise<Running> | Running
  /** How long its `stop` may take before the next part is stopped without waiting for it. */
  readonly stopWithinMs: number
}

export interface Lifecycle {
  /** Parts start in the order in which they were added. */
  add(part: Part): void
  /** Rejects with what the first failing part threw, after the parts before it have stopped. */
  start(): Promise<void>
  /**
   * Never rejects: a stop that fails or takes too long is logged. Later calls wait for the first.
   */
  stop(): Promise<void>
  /** Called by a part that cannot go on, for example because its disk has failed. */
  fail(error: Error): void
  /** Resolves with the first error given to `fail`. */
  readonly failed: Promise<Error>
}

export function createLifecycle({ log, clock }: { log: Log; clock: Clock }): Lifecycle {
  const parts: Part[] = []
  const running: (Part & Running)[] = []
  const failed = Promise.withResolvers<Error>()
  let starting: Promise<void> = Promise.resolve()
  let stopping: Promise<void> | undefined

  async function startAll(): Promise<void> {
    for (const part of parts) {
      if (stopping) return
      const started = await part.start()
      running.push({ ...part, stop: () => started.stop() })
      log.debug('Started', { part: part.name })
    }
  }

  async function stopAll(): Promise<void> {
    // A part that is starting must be waited for: only then is there something to stop.
    await starting.catch(() => {})
    for (const part of running.toReversed()) await stopOne(part)
  }

  async function stopOne({ name, stop, stopWithinMs }: Part & Running): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = clock.after(stopWithinMs, () => {
      log.error('A part did not stop in time', { part: name, ms: stopWithinMs })
      late.resolve()
    })
    const stopped = Promise.try(stop).then(
      () => log.debug('Stopped', { part: name }),
      (error: unknown) => log.error('A part failed to stop', { part: name, error }),
    )
    await Promise.race([stopped, late.promise])
    timer.cancel()
  }

  const lifecycle: Lifecycle = {
    add: (part) => void parts.push(part),
    async start() {
      starting = startAll()
      try {
        await starting
      } catch (error) {
        await lifecycle.stop()
        throw error
      }
    },
    stop() {
      stopping ??= stopAll()
      return stopping
    },
    fail: failed.resolve,
    failed: failed.promise,
  }
  return lifecycle
}

/** What `runProcess` needs of a process. Tests give another one. */
export interface Host {
  on(event: string, run: (what: unknown) => void): unknown
  exit(code: number): void
  /** The code if the process runs dry before `exit`: a part that hangs need not keep it alive. */
  endsWith(code: number): void
  /** Says a sentence to whoever started the process. */
  print(sentence: string): void
}

export const exitCodes = {
  stopped: 0,
  failed: 1,
  broken: 70,
  SIGINT: 130,
  SIGTERM: 143,
} as const

const thisProcess: Host = {
  on: (event, run) => process.on(event, run),
  exit: (code) => process.exit(code),
  endsWith(code) {
    process.exitCode = code
  },
  print: (sentence) => void process.stderr.write(`${sentence}\n`),
}

/**
 * Starts everything and binds it to the fate of the process. Resolves when all parts have started.
 */
export async function runProcess(
  lifecycle: Lifecycle,
  { log, host = thisProcess }: { log: Log; host?: Host },
): Promise<void> {
  let signalled = false

  async function end(code: number): Promise<void> {
    host.endsWith(code)
    await lifecycle.stop()
    host.exit(code)
  }

  async function giveUp(error: unknown): Promise<void> {
    const sentence = error instanceof Error ? error.message : String(error)
    log.fatal('A part of the shop failed', { error })
    host.print(sentence)
    await end(exitCodes.failed)
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    host.on(signal, () => {
      if (signalled) {
        host.exit(exitCodes[signal])
        return
      }
      signalled = true
      log.info('Stopping', { signal })
      void end(exitCodes.stopped)
    })
  }
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    host.on(event, (error) => {
      log.fatal('A bug ends this process', { event, error })
      host.exit(exitCodes.broken)
    })
  }
  void lifecycle.failed.then(giveUp)
  await lifecycle.start().catch(giveUp)
}
