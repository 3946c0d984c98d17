/**
 * A journal: groups of changes, each made durable by one sequential write, before they reach the
 * database itself. Files of fixed size take turns: one is written while what another holds is
 * carried into the database. There are three, so that after a crash, when two hold what the
 * database may lack, there is one to go on in at once.
 *
 * Promise: when `append` resolves, its group is on the disk (the files are opened O_DSYNC and have
 * their full size from the start, so no write changes their metadata). A group is read back whole
 * or not at all: each frame has a checksum, and a number that must follow the one before it, which
 * tells a torn or an old frame from a new one. Idea: write-ahead logging as in ARIES (Mohan et al.
 * 1992), redo only; recycled segments as in PostgreSQL.
 *
 * Layout of a frame: length (4 bytes), CRC-32 of the rest (4), number (6), then a line for each
 * change: `place TAB json`, or `place` alone for what is deleted.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  statSync,
  write,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Changes } from './step.ts'

/**
 * Bytes of each file; the database is brought up to date each time one is full. A second of work or
 * less, so that what memory holds of it meanwhile dies young: V8 moves what outlives two small
 * collections to the old space, whose collection stops the shop for tens of milliseconds.
 */
export const JOURNAL_BYTES = 512 * 1024

const fileCount = 3

const headerBytes = 14
const checksumEnd = 8
/** At the start of a file that has no frames: no frame has this length. */
const noFrame = Buffer.alloc(4)
const zeros = Buffer.alloc(1024 * 1024)

export interface ReplayedFrame {
  readonly number: number
  /** Where it lies in its file. */
  readonly at: number
  readonly end: number
  /** Places with their JSON text, or null where they were deleted. */
  readonly changes: readonly (readonly [place: string, text: string | null])[]
}

export interface Replayed {
  readonly frames: readonly ReplayedFrame[]
  /** Every file holds some of them: nothing may be appended before they are in the database. */
  readonly isFull: boolean
}

export class Journal {
  readonly #files: readonly number[]
  readonly #bytes: number
  #active = 0
  #position = 0
  #number = 0

  private constructor(files: readonly number[], bytes: number) {
    this.#files = files
    this.#bytes = bytes
  }

  /** Opens or creates the files in `directory`. */
  static open(directory: string, bytes = JOURNAL_BYTES): Journal {
    const files = Array.from({ length: fileCount }, (_, index) =>
      openFile(join(directory, `journal-${index}`), bytes),
    )
    return new Journal(files, bytes)
  }

  /** The number that the next frame will have. */
  get next(): number {
    return this.#number
  }

  /**
   * Every frame from `first` on, in order; the journal then goes on in a file that holds none of
   * them, if there is one. Throws where a later frame exists but one before it does not: then the
   * files are damaged, for a crash loses only the last.
   */
  replay(first: number): Replayed {
    const runs = this.#files.map((file) =>
      readFrames(file, first).filter((frame) => frame.number >= first),
    )
    const frames = runs.flat().sort((a, b) => a.number - b.number)
    frames.forEach((frame, index) => {
      if (frame.number !== first + index)
        throw new Error(`journal frame ${first + index} is missing`)
    })
    const newest = frames.at(-1)
    if (newest !== undefined)
      this.#writeAgain(
        runs.findIndex((run) => run.includes(newest)),
        newest,
      )
    const free = runs.findIndex((run) => run.length === 0)
    this.#active = Math.max(free, 0)
    this.#position = 0
    this.#number = first + frames.length
    return { frames, isFull: free < 0 }
  }

  /**
   * The last frame may have come from the kernel's cache alone: one whose write has failed stays
   * there and is not written any more. The same bytes in the same place: a crash in it is harmless.
   */
  #writeAgain(index: number, { at, end }: ReplayedFrame): void {
    const file = this.#files[index]!
    const frame = Buffer.alloc(end - at)
    readSync(file, frame, 0, frame.length, at)
    for (let written = 0; written < frame.length; ) {
      written += writeSync(file, frame, written, frame.length - written, at + written)
    }
  }

  /** Everything is in the database: forgets all frames, so that nothing is read back. */
  erase(): void {
    for (const file of this.#files) writeSync(file, noFrame, 0, noFrame.length, 0)
    this.#position = 0
  }

  /** The next file, from its start; the caller has carried what it held into the database. */
  turn(): void {
    this.#active = (this.#active + 1) % fileCount
    this.#position = 0
  }

  /** Whether a group of this size still fits into the file in turn. */
  fits(frame: Buffer): boolean {
    return this.#position + frame.length <= this.#bytes
  }

  /** The frame of the next group; `undefined` where no file could hold it. */
  frame(changes: Changes): Buffer | undefined {
    let lines = ''
    for (const [place, change] of changes) {
      lines += change === null ? `${place}\n` : `${place}\t${change.text}\n`
    }
    const bytes = headerBytes + Buffer.byteLength(lines)
    if (bytes > this.#bytes) return undefined
    const frame = Buffer.allocUnsafe(bytes)
    frame.writeUInt32LE(bytes, 0)
    frame.writeUIntLE(this.#number, checksumEnd, headerBytes - checksumEnd)
    frame.write(lines, headerBytes)
    frame.writeUInt32LE(crc32(frame.subarray(checksumEnd)), 4)
    return frame
  }

  /**
   * Durable when it resolves. After a rejection nobody knows; the journal must not be used again.
   */
  async append(frame: Buffer): Promise<void> {
    for (let written = 0; written < frame.length; ) {
      written += await this.#write(frame, written)
    }
    this.#position += frame.length
    this.#number++
  }

  #write(frame: Buffer, from: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const file = this.#files[this.#active]!
      write(file, frame, from, frame.length - from, this.#position + from, (error, written) =>
        error ? reject(error) : resolve(written),
      )
    })
  }

  close(): void {
    for (const file of this.#files) closeSync(file)
  }
}

/** Full-sized and durable before it is used. */
function openFile(path: string, bytes: number): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size < bytes) {
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600)
    try {
      for (let at = size; at < bytes; ) {
        at += writeSync(file, zeros, 0, Math.min(zeros.length, bytes - at), at)
      }
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }
  return openSync(path, constants.O_RDWR | constants.O_DSYNC)
}

/**
 * The frames at the start of a file whose numbers follow one another. Those below `first` are of no
 * use any more: a newer frame may have been torn while it was written over them.
 */
function readFrames(file: number, first: number): ReplayedFrame[] {
  const start = Buffer.alloc(noFrame.length)
  readSync(file, start, 0, start.length, 0)
  if (start.equals(noFrame)) return []
  const bytes = Buffer.alloc(fstatSync(file).size)
  readSync(file, bytes, 0, bytes.length, 0)
  const frames: ReplayedFrame[] = []
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const frame = frameAt(bytes, at)
    const expected = frames.length === 0 ? frame?.number : frames[0]!.number + frames.length
    if (frame === undefined || frame.number !== expected) {
      requireEnd(bytes, at, Math.max(first, frames.length === 0 ? 0 : frames.at(-1)!.number + 1))
      break
    }
    const { number, end } = frame
    frames.push({ number, at, end, changes: parse(bytes.toString('utf8', at + headerBytes, end)) })
    at = end
  }
  return frames
}

/** The frame that begins at `at`, if one does and is whole. */
function frameAt(bytes: Buffer, at: number): { number: number; end: number } | undefined {
  if (at + headerBytes > bytes.length) return undefined
  const end = at + bytes.readUInt32LE(at)
  if (end < at + headerBytes || end > bytes.length) return undefined
  if (crc32(bytes.subarray(at + checksumEnd, end)) !== bytes.readUInt32LE(at + 4)) return undefined
  return { number: bytes.readUIntLE(at + checksumEnd, headerBytes - checksumEnd), end }
}

/**
 * A crash tears only the last frame: where the one at `at`, which should be number `torn` or an
 * older one, is broken, and a whole newer one lies anywhere behind it, the file is damaged.
 */
function requireEnd(bytes: Buffer, at: number, torn: number): void {
  for (let behind = at + 1; behind + headerBytes <= bytes.length; behind++) {
    const frame = frameAt(bytes, behind)
    if (frame === undefined || frame.number <= torn) continue
    throw new Error(`journal frame ${torn} is damaged`)
  }
}

function parse(lines: string): ReplayedFrame['changes'] {
  return lines
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const tab = line.indexOf('\t')
      return tab < 0
        ? ([line, null] as const)
        : ([line.slice(0, tab), line.slice(tab + 1)] as const)
    })
}
