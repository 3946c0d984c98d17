/**
 * What a Redis server can answer instead of a result, and what follows from it. Each of these means
 * that nothing was done; only an answer that never came leaves that open. Next: redis-lane.ts.
 */
import { ShopError } from '../runtime/errors.ts'

/**
 * `later`: it may succeed in a moment. `elsewhere`: another server has to be asked. `full`: no room
 * for writes. `unreadable`: what is stored is not ours. `refused`: a person must act.
 */
export type Refusal = 'later' | 'elsewhere' | 'full' | 'unreadable' | 'refused'

const codes: readonly (readonly [RegExp, Refusal])[] = [
  [/\b(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|UNBLOCKED)\b/, 'later'],
  [/\b(READONLY|MOVED|ASK)\b/, 'elsewhere'],
  [/\b(OOM|MISCONF)\b/, 'full'],
  [/\bWRONGTYPE\b/, 'unreadable'],
]

/** By the code that each error's text carries; scripts put words of their own before and after. */
export function refusalOf(text: string): Refusal {
  return codes.find(([code]) => code.test(text))?.[1] ?? 'refused'
}

/** Of a server's words, to be put into one of ours. */
export const sentenceOf = (text: string) =>
  text.replace(/\s+/g, ' ').replace(/\. ?$/, '').slice(0, 300)

/** The sentence for a refusal that the caller has to know of. */
export function refusalError(server: string, text: string): ShopError {
  const sentence = sentenceOf(text)
  switch (refusalOf(text)) {
    case 'full':
      return new ShopError(
        'storage_full',
        `The Redis at ${server} takes no more writes: ${sentence}. Give it memory or disk; ` +
          'nothing is damaged.',
      )
    case 'unreadable':
      return new ShopError(
        'data_unreadable',
        `A key of Till's in the Redis at ${server} is of another type: ${sentence}. Remove what ` +
          'does not belong there, or give this service a Redis of its own.',
      )
    case 'refused':
      return new ShopError(
        'storage_unavailable',
        `The Redis at ${server} refuses to work for this service: ${sentence}. Check ` +
          'REDIS_USERNAME, REDIS_PASSWORD and what that user may do.',
      )
    default:
      return unavailable(server, sentence)
  }
}

/** Nothing was done: the server was away, or busy with itself, for as long as was waited. */
export const unavailable = (server: string, why: string) =>
  new ShopError(
    'storage_unavailable',
    `The Redis at ${server} cannot be used: ${why}. It is tried again by itself.`,
  )

/** It was sent, and no answer came: it may have happened. */
export const answerLost = (server: string, why: string) =>
  new ShopError(
    'storage_unavailable',
    `The Redis at ${server} has not answered (${why}): the write may have happened or not.`,
  )

export const notOurs = (server: string, place: string) =>
  new ShopError(
    'data_unreadable',
    `Record ${place} in the Redis at ${server} is not JSON. Restore a backup, or remove it.`,
  )

/** What met while connecting cannot heal by itself: the sentence that names the setting. */
export function misconfigured(server: string, text: string): ShopError | undefined {
  if (/\b(WRONGPASS|NOAUTH|NOPERM|username-password|without any password)\b/.test(text)) {
    return refusalError(server, text)
  }
  const setting = settings.find(([sign]) => sign.test(text))?.[1]
  if (setting === undefined) return undefined
  return new ShopError('invalid_settings', `The Redis at ${server}: ${text}. Check ${setting}.`)
}

const settings = [
  [/No such master/, 'REDIS_SENTINEL_NAME'],
  [/certificate|CERT|PEM/, 'REDIS_TLS_CA'],
] as const
