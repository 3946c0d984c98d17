/**
 * What `docker compose config` makes of a compose file of this project, without Docker: so much of
 * compose as the files use (extends, env_file, variables with defaults, merge keys), and an error
 * for anything else. That the two agree is tested where compose is (deploy-compose.test.ts).
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { root } from './source-files.ts'

/** Any part of a compose file: what is in it is checked where it is used. */
// biome-ignore lint/suspicious/noExplicitAny: YAML of many kinds
export type Yaml = any

export type Variables = Readonly<Record<string, string>>

/** A service of a compose file; lists of names (networks, depends_on) are keys of maps. */
export interface Container {
  readonly name: string
  readonly environment: Variables
  readonly networks: Readonly<Record<string, unknown>>
  readonly dependsOn: Readonly<Record<string, { readonly condition: string }>>
  /** How many of it are started. */
  readonly instances: number
  /** All that is said of it. */
  readonly spec: Readonly<Record<string, Yaml>>
}

export interface ComposeFile {
  readonly containers: readonly Container[]
  readonly networks: Readonly<Record<string, Yaml>>
  readonly volumes: Readonly<Record<string, Yaml>>
}

/** Replaced by whoever extends; other lists are added to. */
const replaced = new Set(['command', 'entrypoint', 'test'])
/** Maps that may be written as lists of their keys. */
const maps = ['networks', 'depends_on']
const known = new Set([
  ...['image', 'build', 'user', 'command', 'entrypoint', 'hostname', 'init', 'read_only', 'tmpfs'],
  ...[
    'cap_drop',
    'security_opt',
    'dns_opt',
    'pids_limit',
    'logging',
    'cpus',
    'mem_limit',
    'healthcheck',
  ],
  ...['stop_grace_period', 'environment', 'env_file', 'networks', 'depends_on', 'volumes', 'ports'],
  ...['labels', 'deploy', 'restart'],
])

/** `path` is from the root; `variables` are what would be in the environment of compose. */
export function readCompose(path: string, variables: Variables = {}): ComposeFile {
  const file = read(path)
  const containers = Object.keys(file.services).map((name) => {
    const spec = withVariables(extended(path, name), variables)
    const { environment = {}, networks = {}, depends_on = {}, deploy } = spec
    const texts = Object.entries(environment).map(([key, value]) => [key, String(value)])
    return {
      name,
      environment: { ...filesOfEnvironment(spec.env_file), ...Object.fromEntries(texts) },
      networks,
      dependsOn: depends_on,
      instances: Number(deploy?.replicas ?? 1),
      spec,
    }
  })
  return { containers, networks: file.networks, volumes: file.volumes }
}

/** The files are ours: as many aliases as they like. */
const yamlOptions = { merge: true, maxAliasCount: -1 }
const alreadyRead = new Map<string, Yaml>()

function read(path: string): Yaml {
  const before = alreadyRead.get(path)
  const file = before ?? parse(readFileSync(join(root, path), 'utf8'), yamlOptions)
  if (before === undefined) alreadyRead.set(path, file)
  return structuredClone(file)
}

/** Paths in it are from the root, whichever file they were written in. */
function extended(path: string, name: string): Yaml {
  const { extends: base, ...own } = read(path).services[name]
  const unknown = Object.keys(own).filter((field) => !known.has(field))
  assert.deepEqual(unknown, [], `${path}: compose-files.ts does not do these`)
  for (const map of maps) {
    if (!Array.isArray(own[map])) continue
    const value = map === 'networks' ? null : { condition: 'service_started' }
    own[map] = Object.fromEntries(own[map].map((key: string) => [key, value]))
  }
  const folder = dirname(path)
  own.env_file = (own.env_file ?? []).map((each: string) => join(folder, each))
  const mounted = (each: string) => (/^\.{1,2}\//.test(each) ? join(folder, each) : each)
  own.volumes = (own.volumes ?? []).map(mounted)
  if (own.build !== undefined) own.build = join(folder, own.build)
  if (base === undefined) return own
  return merged(extended(base.file ?? path, base.service), own)
}

function merged(base: Yaml, own: Yaml): Yaml {
  const result = { ...base }
  for (const [key, value] of Object.entries<Yaml>(own)) {
    const before = result[key]
    if (Array.isArray(value) && Array.isArray(before) && !replaced.has(key)) {
      result[key] = [...before, ...value]
    } else if (isMap(value) && isMap(before)) result[key] = merged(before, value)
    else result[key] = value
  }
  return result
}

const isMap = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function withVariables(value: Yaml, variables: Variables): Yaml {
  if (typeof value === 'string') return substituted(value, variables)
  if (Array.isArray(value)) return value.map((each) => withVariables(each, variables))
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withVariables(each, variables)]),
  )
}

const variable = /\$(?:\$|\{([A-Z_]+):-([^}]*)\})/g

function substituted(text: string, variables: Variables): string {
  const left = text.replaceAll(variable, '')
  assert.ok(!left.includes('$'), `${text}: compose-files.ts does not do this`)
  return text.replaceAll(variable, (all, name, otherwise) =>
    all === '$$' ? '$' : (variables[name] ?? otherwise),
  )
}

/** Later files win, as in compose. */
function filesOfEnvironment(paths: readonly string[]): Variables {
  return Object.assign({}, ...paths.map(readEnvironment))
}

/** `NAME=value` lines; anything else is an error. */
export function readEnvironment(path: string): Record<string, string> {
  const lines = readFileSync(join(root, path), 'utf8').split('\n')
  const settings = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    settings.map((line) => {
      const [, name, value] = /^([A-Z_]+)=([^\s'"$]*)$/.exec(line) ?? []
      assert.ok(name !== undefined, `${path}: ${line}`)
      return [name, value!]
    }),
  )
}
