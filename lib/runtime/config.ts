/**
 * Reads every setting (settings.ts) once, at the start of a process; all wrong ones are listed
 * together in one ShopError. This is the only file that looks at process.env.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import { ShopError } from './errors.ts'
import { settings } from './settings.ts'

export type Config = {
  readonly [K in keyof typeof settings]: z.output<(typeof settings)[K]['schema']>
}

/** Overrides (from the command line) are text too, so that both are checked by the same rules. */
export type Overrides = { readonly [K in keyof Config]?: string }

/** How a variant is written: `2pc/order`. */
export const variantOf = ({ protocol, coordination }: Pick<Config, 'protocol' | 'coordination'>) =>
  `${protocol}/${coordination}`

type NumberName = { [K in keyof Config]: Config[K] extends number ? K : never }[keyof Config]

/** Settings of which the first must not exceed the second. */
const ordered: readonly (readonly [NumberName, NumberName])[] = [
  ['headersTimeoutMs', 'requestTimeoutMs'],
  ['resendFirstMs', 'resendMaxMs'],
  ['busyFirstMs', 'busyMaxMs'],
  ['busyMaxMs', 'checkoutDeadlineMs'],
]

function crossCheck(config: Config): string[] {
  const wrong = ordered
    .filter(([low, high]) => config[low] > config[high])
    .map(([low, high]) => {
      const limit = `${settings[high].variable}=${config[high]}`
      return `${settings[low].variable}=${config[low]}: must be at most ${limit}`
    })
  if (config.port !== 0 && config.port === config.internalPort) {
    wrong.push(`INTERNAL_PORT=${config.internalPort}: must differ from PORT, or be 0`)
  }
  return wrong
}

/**
 * Reads all settings; an empty variable counts as not given. Throws ShopError `invalid_settings`,
 * whose message has one line for each wrong setting: what it is, what was given, what would be
 * right. Settings that must fit each other are compared once each of them is right by itself.
 */
export function readConfig(
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const wrong = Object.keys(overrides)
    .filter((name) => !Object.hasOwn(settings, name))
    .map((name) => `${JSON.stringify(name)}: there is no such setting`)
  const config: Record<string, unknown> = {}
  for (const [name, { variable, schema, help }] of Object.entries(settings)) {
    const given = overrides[name as keyof Config] ?? environment[variable]
    const result = schema.safeParse(given === '' ? undefined : given)
    if (result.success) config[name] = result.data
    else {
      const why = result.error.issues.map((issue) => issue.message).join('; ')
      wrong.push(`${variable}=${shown(given)}: ${why} (${help})`)
    }
  }
  if (wrong.length === 0) wrong.push(...crossCheck(config as Config))
  if (wrong.length > 0) {
    throw new ShopError('invalid_settings', `These settings are wrong:\n  ${wrong.join('\n  ')}`)
  }
  return config as Config
}

/** Whether this setting was given, so that its default was not used. */
export const isGiven = (
  name: keyof Config,
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): boolean => (overrides[name] ?? environment[settings[name].variable] ?? '') !== ''

/**
 * What a process that this one starts may inherit: everything but the shop's settings, which it is
 * given by name, so that a restart by anyone has the same ones.
 */
export function inheritableEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const ours = new Set<string>(Object.values(settings).map(({ variable }) => variable))
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || ours.has(name) ? [] : [[name, value]],
    ),
  )
}

/** Where what can be fetched again is kept: engines that are installed for this user. */
export function cacheDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'till')
}

const longestShown = 80

function shown(given: string | undefined): string {
  const text = JSON.stringify(given) ?? 'nothing'
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}
