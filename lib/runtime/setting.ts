/**
 * Kinds of settings: what is right for each, and what is said when it is wrong.
 * Next: settings.ts, the table of them.
 */
import { z } from 'zod'

export interface Setting {
  readonly variable: string
  readonly schema: z.ZodType
  readonly help: string
}

/** Separators of people's numbers: 10000 is read at a glance as 10,000. */
/** 1,000,000. Not toLocaleString: that loads its tables at every start. */
const grouped = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

export function whole(minimum: number, maximum: number, otherwise: number) {
  const range = `from ${grouped(minimum)} to ${grouped(maximum)}`
  const right = `must be a whole number ${range}, in digits only`
  return z
    .string()
    .regex(/^[0-9]{1,15}$/, { error: right, abort: true })
    .transform(Number)
    .pipe(z.number().min(minimum, right).max(maximum, right))
    .default(otherwise)
}
export const oneOf = <const C extends readonly [string, ...string[]]>(
  choices: C,
  otherwise: C[number],
) => z.enum(choices, `must be one of ${choices.join(', ')}`).default(otherwise as never)
export const flag = (otherwise: boolean) =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .default(otherwise)
const longestText = 4096
export const words = (otherwise: string) =>
  z
    .string()
    .regex(/^\P{Cc}+$/u, 'must not contain control characters')
    .max(longestText, `must be at most ${grouped(longestText)} characters`)
    .default(otherwise)
/** Part of a name that others restrict too: a topic's. */
export const label = (otherwise: string) =>
  z
    .string()
    .regex(
      /^[a-zA-Z0-9._-]{1,200}$/,
      `must be at most 200 letters, digits, points, underscores and hyphens`,
    )
    .default(otherwise)

export const setting = <S extends z.ZodType>(variable: string, schema: S, help: string) => ({
  variable,
  schema,
  help,
})
