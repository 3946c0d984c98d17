/** Log files, of any size: their end, and what comes. A line counts once it has its end. */
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'

const newline = 0x0a
const blockBytes = 65_536
/** More of a file is not looked through for lines; it fits in a string. */
const mostBytes = 67_108_864

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

export interface LastLines {
  readonly lines: readonly string[]
  /** Bytes from the beginning of the file to the end of the last line. */
  readonly end: number
}

/** The last `count` lines, or as many as the last 64 MB have; none of a file that is not there. */
export function lastLines(path: string, count: number): LastLines {
  const size = sizeOf(path)
  if (size === 0) return { lines: [], end: 0 }
  const descriptor = openSync(path, 'r')
  try {
    const from = Math.max(0, size - mostBytes)
    const tail = tailOf(descriptor, from, size, count)
    const end = tail.lastIndexOf(newline) + 1
    const lines = tail.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
    return { lines: count === 0 ? [] : lines.slice(-count), end: size - tail.length + end }
  } finally {
    closeSync(descriptor)
  }
}

/** From the end backwards until it holds so many whole lines, or begins at `from`. */
function tailOf(descriptor: number, from: number, size: number, count: number): Buffer {
  const blocks: Buffer[] = []
  let at = size
  // One more: where the first of them begins is where the one before ends.
  for (let ends = 0; at > from && ends <= count; ) {
    const block = Buffer.alloc(Math.min(blockBytes, at - from))
    at -= block.length
    readSync(descriptor, block, 0, block.length, at)
    blocks.unshift(block)
    for (const byte of block) if (byte === newline) ends++
  }
  return Buffer.concat(blocks)
}

/** Tells the lines from `at` on; where the last of them ends. A file begun anew is told whole. */
export async function linesFrom(
  path: string,
  at: number,
  tell: (line: string) => void,
): Promise<number> {
  const size = sizeOf(path)
  let told = size < at ? 0 : at
  if (size === told) return told
  let rest = Buffer.alloc(0)
  for await (const part of createReadStream(path, { start: told, end: size - 1 })) {
    const bytes = Buffer.concat([rest, part as Buffer])
    const end = bytes.lastIndexOf(newline) + 1
    for (const line of bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)) tell(line)
    told += end
    rest = bytes.subarray(end)
  }
  return told
}
