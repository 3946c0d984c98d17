/**
 * The only door to time. Durations and timers only: wall times of two machines are never compared.
 * The simulator gives another Clock; everything that waits takes one as a parameter.
 */

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since some fixed moment; never runs backwards. */
  now(): number
  /** Wall time in ms since 1970: for people to read and for retention in hours, never for order. */
  wallTime(): number
  after(ms: number, run: () => void): Timer
  every(ms: number, run: () => void): Timer
  sleep(ms: number): Promise<void>
}

/** Timers do not keep the process alive: servers and storages do. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(ms, run) {
    const handle = setTimeout(run, ms).unref()
    return { cancel: () => clearTimeout(handle) }
  },
  every(ms, run) {
    const handle = setInterval(run, ms).unref()
    return { cancel: () => clearInterval(handle) }
  },
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
