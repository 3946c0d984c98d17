/**
 * One failpoint of one process: at the n-th time that it comes to the point after it was told to
 * count (SIGUSR2; points at the start count at once), it leaves a note and ends by SIGKILL,
 * before the next instruction. Only entries of this folder set one; a shop that is
 * started as usual has no way to.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'
import type { Service } from '../../lib/engine/service.ts'
import type { Variant } from '../variants.ts'
import type { Watch } from './moments.ts'
import { pointNamed } from './points.ts'

export interface Failpoint {
  readonly point: string
  readonly variant: Variant
  /** 1: the first time. */
  readonly nth: number
  /** The file for the note. */
  readonly notePath: string
}

/** Where the main thread leaves it for the thread that speaks HTTP (front-watch.ts). */
export const frontFailpoint = 'failpoint'

/** What a process has noted as its last act. */
export interface Note {
  readonly pid: number
  readonly point: string
  readonly service: Service['name']
  readonly transaction?: string
}

export function armed({ point: name, variant, nth, notePath }: Failpoint): Watch {
  const point = pointNamed(name)
  const service = point.service(variant)
  let counts = point.isAtStart === true
  whenTold(() => {
    counts = true
  })
  let left = nth
  return (moment) => {
    if (moment.service !== service) return
    const reached = point.reached(moment)
    if (reached === undefined || moment.when !== point.when) return
    if (!counts || --left > 0) return
    const note: Note = { pid: process.pid, point: name, service, ...reached }
    writeFileSync(notePath, JSON.stringify(note))
    process.kill(process.pid, 'SIGKILL')
  }
}

/** Signals reach the main thread only, which passes this one on. */
function whenTold(run: () => void): void {
  const told = new BroadcastChannel('failpoint')
  told.unref()
  if (!isMainThread) told.onmessage = run
  else {
    process.on('SIGUSR2', () => {
      run()
      told.postMessage('count')
    })
  }
}

export const readNote = (path: string): Note | undefined =>
  existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
