/** An option's value that is a number of things. Throws commander's own error, which names it. */
import { InvalidArgumentError } from 'commander'

export function whole(text: string): number {
  const value = Number(text)
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It must be a whole number, in digits only.')
}

/** The same, of things of which there must be one. */
export function atLeastOne(text: string): number {
  const value = whole(text)
  if (value > 0) return value
  throw new InvalidArgumentError('It must be at least 1.')
}
