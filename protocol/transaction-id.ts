/**
 * Transaction ids: `home.partition.epoch.sequence`. An id is never used twice: the epoch of a
 * coordinator partition rises whenever it changes hands, the sequence within it with each attempt.
 *
 * Ids order within their coordinator partition by (epoch, sequence). Storage keys need that order
 * as text, so numbers are written with their length in front (`orderedNumber`), which sorts without
 * padding and without a largest value.
 */
import type { Home, TransactionId } from './messages.ts'

export interface ParsedId {
  readonly home: Home
  readonly partition: number
  readonly epoch: number
  readonly sequence: number
}

export function transactionId(
  home: Home,
  partition: number,
  epoch: number,
  sequence: number,
): TransactionId {
  return `${home}.${partition}.${epoch}.${sequence}`
}

/** One text for each id: no leading zeros, so that two texts never mean one record. */
const pattern = /^(order|orchestrator)\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,11})\.(0|[1-9]\d{0,14})$/

/** Undefined for text that no coordinator ever made. */
export function parseTransactionId(text: string): ParsedId | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  return {
    home: match[1] as Home,
    partition: Number(match[2]),
    epoch: Number(match[3]),
    sequence: Number(match[4]),
  }
}

/**
 * Decimal with its length in front as a letter: 7 is `a7`, 1045 is `d1045`; sorts as numbers do.
 */
export function orderedNumber(value: number): string {
  const digits = String(value)
  return String.fromCharCode(96 + digits.length) + digits
}

/** The place of an id within its coordinator partition, as text that sorts. */
export function positionOf(epoch: number, sequence: number): string {
  return orderedNumber(epoch) + orderedNumber(sequence)
}

/** Whether a text is a place that `positionOf` made; a mark must be one. */
export function isPosition(text: string): boolean {
  const match = /^([a-l])(\d{1,12})([a-o])(\d{1,15})$/.exec(text)
  if (match === null) return false
  return positionOf(Number(match[2]), Number(match[4])) === text
}

/** `order.3`: the coordinator partition that made an id. */
export function coordinatorOf(id: ParsedId): string {
  return `${id.home}.${id.partition}`
}
