/** Makes the data directory, or says in a sentence why it cannot be used. */
import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ShopError } from '../lib/runtime/errors.ts'

/** Throws ShopError `data_unreadable` or `storage_full`. */
export function makeDataDirectory(path: string): void {
  try {
    make(path)
  } catch (error) {
    throw unusableData(path, error)
  }
}

/** Not `recursive: true`: under /proc, where nothing can be made, that never returns. */
function make(path: string): void {
  try {
    makeOne(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(path).isDirectory()) return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    make(dirname(path))
    makeOne(path)
  }
}

/** With its name on the disk: what is acknowledged in it must be found after a power cut. */
function makeOne(path: string): void {
  mkdirSync(path)
  const parent = openSync(dirname(path), 'r')
  try {
    fsyncSync(parent)
  } finally {
    closeSync(parent)
  }
}

export function unusableData(path: string, error: unknown): ShopError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const sentence = `No space is left for the data in ${path}: make room, then start again.`
    return new ShopError('storage_full', sentence, error)
  }
  const sentence =
    `The data directory ${path} cannot be used (${message}). Check that this user may write it, ` +
    'or choose another with DATA or --data.'
  return new ShopError('data_unreadable', sentence, error)
}
