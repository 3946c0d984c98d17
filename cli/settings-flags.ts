/**
 * Settings that have a flag of their own, and the variant, which is two settings in one word. All
 * of them stay text: lib/runtime/config.ts checks them by the rules of the environment variables.
 */
import type { Command } from 'commander'
import type { Config, Overrides } from '../lib/runtime/config.ts'
import { settings } from '../lib/runtime/settings.ts'

const flags = [
  ['protocol', '--protocol', 'name'],
  ['coordination', '--coordination', 'service'],
  ['data', '--data', 'directory'],
  ['host', '--host', 'address'],
  ['port', '--port', 'number'],
  ['internalPort', '--internal-port', 'number'],
  ['partitions', '--partitions', 'number'],
  ['logLevel', '--log-level', 'level'],
] as const satisfies readonly (readonly [keyof Config, string, string])[]

type Flags = { readonly [K in (typeof flags)[number][0] | 'variant']?: string }

/** Which data directory a command is about: `--data`, otherwise DATA, otherwise `.till`. */
export function addDataFlag(command: Command): void {
  command.option('--data <directory>', 'data directory of the shop (default: DATA, then .till)')
}

/** `--variant` and one flag for each setting that people change from start to start. */
export function addSettingFlags(command: Command): void {
  command.option('--variant <protocol/coordination>', 'both at once, such as saga/orchestrator')
  for (const [name, flag, value] of flags) {
    const { variable, schema, help } = settings[name]
    const otherwise = String(schema.parse(undefined))
    command.option(`${flag} <${value}>`, `${help} (default: ${variable}, then ${otherwise})`)
  }
}

/** `saga/orchestrator` as two settings; `saga` alone leaves the coordination as it is. */
export function parseVariant(variant: string): Overrides {
  const slash = variant.indexOf('/')
  if (slash < 0) return { protocol: variant }
  return { protocol: variant.slice(0, slash), coordination: variant.slice(slash + 1) }
}

/** What was given on the command line; a flag of one setting goes before `--variant`. */
export function overridesOf(given: Flags): Overrides {
  const { variant, ...rest } = given
  const named = flags.flatMap(([name]) => (rest[name] === undefined ? [] : [[name, rest[name]]]))
  return { ...(variant === undefined ? {} : parseVariant(variant)), ...Object.fromEntries(named) }
}

/** The same settings as a command line again. */
export function flagsOf(overrides: Overrides): string[] {
  return flags.flatMap(([name, flag]) => {
    const value = overrides[name]
    return value === undefined ? [] : [`${flag}=${value}`]
  })
}

/** Every setting, for `--help`. */
export function settingsHelp(): string {
  const width = Math.max(...Object.values(settings).map(({ variable }) => variable.length))
  const lines = Object.values(settings).map(
    ({ variable, schema, help }) =>
      `  ${variable.padEnd(width)}  ${help} (${schema.parse(undefined)})`,
  )
  return ['Settings, as environment variables, each with its default:', ...lines].join('\n')
}
