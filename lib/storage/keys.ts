/**
 * Which keys a storage accepts, and where a key of a partition lies among all keys of a database:
 * `<partition>/<key>`. A slash is no part of a key, so no partition's range touches another's.
 * Keys are checked here once more because a key that an engine refuses in the middle of a group
 * would tear the group. Next: step.ts.
 */

/** Characters of a key; the engines allow more than a thousand bytes. */
export const MAX_KEY_LENGTH = 512

const KEY = new RegExp(`^[A-Za-z0-9:._-]{1,${MAX_KEY_LENGTH}}$`)
const PREFIX = new RegExp(`^[A-Za-z0-9:._-]{0,${MAX_KEY_LENGTH}}$`)
/** Sorts after every key that starts with what stands before it. */
export const AFTER_ALL_KEYS = '~'

export const placeOf = (partition: number, key: string): string => `${partition}/${key}`

export function requireKey(key: string): void {
  if (!KEY.test(key)) throw new TypeError(`${JSON.stringify(key)} cannot be a storage key.`)
}

export function requirePrefix(prefix: string): void {
  if (!PREFIX.test(prefix)) {
    throw new TypeError(`${JSON.stringify(prefix)} cannot start a storage key.`)
  }
}
