/**
 * Looks at an LMDB file before LMDB maps it: on a file that is damaged or is something else, the
 * library does not throw but ends the process by a signal (seen with lmdb 3.5.6: SIGSEGV, SIGBUS).
 *
 * It refuses only what cannot be sound: no two meta pages, or a tree whose root lies behind the end
 * of the file (it was cut). The layout is `MDB_meta` and `MDB_db` of mdb.c, data format 2.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const MAGIC = 0xbeefc0de
const FORMAT = 2
const META_BYTES = 160
const MAGIC_OFFSET = 24
const FORMAT_OFFSET = 28
const PAGE_SIZE_OFFSET = 48
const FREE_ROOT_OFFSET = 88
const MAIN_ROOT_OFFSET = 136
const TRANSACTION_OFFSET = 152
const PAGE_SIZES = { least: 256, most: 65_536 }
const NO_ROOT = 0xffff_ffff_ffff_ffffn

/** Throws an Error that says what is wrong. A file that does not exist, or is empty, is sound. */
export function requireSoundLmdbFile(path: string): void {
  let file: number
  try {
    file = openSync(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const bytes = fstatSync(file).size
    if (bytes > 0) requireSoundMeta(file, bytes)
  } finally {
    closeSync(file)
  }
}

function requireSoundMeta(file: number, bytes: number): void {
  const first = readMeta(file, 0)
  const pageSize = first.readUInt32LE(PAGE_SIZE_OFFSET)
  if (pageSize < PAGE_SIZES.least || pageSize > PAGE_SIZES.most) {
    throw new Error('it is not an LMDB file')
  }
  const second = readMeta(file, pageSize)
  const newest = transactionOf(second) > transactionOf(first) ? second : first
  for (const offset of [FREE_ROOT_OFFSET, MAIN_ROOT_OFFSET]) {
    const root = newest.readBigUInt64LE(offset)
    if (root !== NO_ROOT && (root + 1n) * BigInt(pageSize) > BigInt(bytes)) {
      throw new Error('its end is missing')
    }
  }
}

const transactionOf = (meta: Buffer) => meta.readBigUInt64LE(TRANSACTION_OFFSET)

function readMeta(file: number, position: number): Buffer {
  const meta = Buffer.alloc(META_BYTES)
  const read = readSync(file, meta, 0, META_BYTES, position)
  if (read < META_BYTES || meta.readUInt32LE(MAGIC_OFFSET) !== MAGIC) {
    throw new Error('it is not an LMDB file')
  }
  const format = meta.readUInt32LE(FORMAT_OFFSET)
  if (format !== FORMAT) throw new Error(`its LMDB format is ${format}, not ${FORMAT}`)
  return meta
}
