/**
 * What `kubectl kustomize` makes of a folder of k8s/, without kubectl: so much of kustomize as the
 * files there use, and an error for anything else. The one difference: names of generated
 * ConfigMaps and Secrets have no hash behind them. That the two agree is tested where kubectl is
 * (kubernetes.test.ts).
 */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

/** Any part of a manifest: what is in it is checked where it is used. */
// biome-ignore lint/suspicious/noExplicitAny: YAML of many kinds
export type Yaml = any

export interface Resource {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  [field: string]: Yaml
}

interface Generator {
  readonly name: string
  readonly behavior?: 'merge'
  readonly literals?: readonly string[]
  readonly files?: readonly string[]
  readonly options?: { readonly disableNameSuffixHash: boolean }
}

interface Patch {
  readonly path: string
  readonly target?: { readonly kind: string; readonly labelSelector: string }
}

interface Kustomization {
  readonly apiVersion: string
  readonly kind: 'Kustomization' | 'Component'
  readonly namespace?: string
  readonly resources?: readonly string[]
  readonly components?: readonly string[]
  readonly configMapGenerator?: readonly Generator[]
  readonly secretGenerator?: readonly Generator[]
  readonly patches?: readonly Patch[]
}

const known = new Set([
  ...['apiVersion', 'kind', 'namespace', 'resources', 'components'],
  ...['configMapGenerator', 'secretGenerator', 'patches'],
])

/** The resources of an overlay; `folder` holds its kustomization.yaml. */
export function render(folder: string): Resource[] {
  const resources: Resource[] = []
  addTo(resources, folder, 'Kustomization')
  return resources
}

/** Resources first, then components, generators and patches, as kustomize does it. */
function addTo(resources: Resource[], folder: string, kind: Kustomization['kind']): void {
  const here: Kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'))
  assert.equal(here.kind, kind, folder)
  const unknown = Object.keys(here).filter((field) => !known.has(field))
  assert.deepEqual(unknown, [], `${folder}: kustomize.ts does not do these`)
  for (const each of here.resources ?? []) {
    const path = join(folder, each)
    if (statSync(path).isDirectory()) resources.push(...render(path))
    else resources.push(...documents(path))
  }
  for (const each of here.components ?? []) addTo(resources, join(folder, each), 'Component')
  for (const each of here.configMapGenerator ?? []) {
    generate(resources, 'ConfigMap', each, dataOf(folder, each))
  }
  for (const each of here.secretGenerator ?? []) {
    const entries = Object.entries(dataOf(folder, each))
    const data = entries.map(([key, value]) => [key, Buffer.from(value).toString('base64')])
    generate(resources, 'Secret', each, Object.fromEntries(data))
  }
  for (const each of here.patches ?? []) patchAll(resources, folder, each)
  const { namespace } = here
  if (namespace === undefined) return
  for (const { kind, metadata } of resources) {
    if (kind !== 'Namespace') metadata.namespace = namespace
  }
}

function documents(path: string): Resource[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map((each) => each.toJS())
}

function dataOf(folder: string, { literals = [], files = [] }: Generator): Record<string, string> {
  const given = literals.map((each) => {
    const end = each.indexOf('=')
    return [each.slice(0, end), each.slice(end + 1)] as const
  })
  const read = files.map((each) => [each, readFileSync(join(folder, each), 'utf8')] as const)
  return Object.fromEntries([...given, ...read])
}

function generate(
  resources: Resource[],
  kind: 'ConfigMap' | 'Secret',
  { name, behavior }: Generator,
  data: Record<string, string>,
): void {
  const there = resources.find((each) => each.kind === kind && each.metadata.name === name)
  assert.equal(there !== undefined, behavior === 'merge', `${kind} ${name}`)
  if (there !== undefined) Object.assign(there.data, data)
  else {
    const type = kind === 'Secret' ? { type: 'Opaque' } : {}
    resources.push({ apiVersion: 'v1', kind, metadata: { name }, data, ...type })
  }
}

function patchAll(resources: Resource[], folder: string, { path, target }: Patch): void {
  for (const patch of documents(join(folder, path))) {
    const isMeant = (each: Resource) =>
      target === undefined
        ? each.kind === patch.kind && each.metadata.name === patch.metadata.name
        : each.kind === target.kind && hasLabel(each, target.labelSelector)
    const meant = resources.filter(isMeant)
    assert.ok(meant.length > 0, `${folder}/${path}: nothing is patched by ${patch.metadata.name}`)
    for (const each of meant) {
      const { name } = each.metadata
      Object.assign(each, merged(each, structuredClone(patch), []), {
        metadata: { ...each.metadata },
      })
      Object.assign(each.metadata, patch.metadata, { name })
    }
  }
}

function hasLabel({ metadata }: Resource, selector: string): boolean {
  const [key, value] = selector.split('=')
  return metadata.labels?.[key!] === value
}

/** Lists whose members are merged by one of their fields; other lists are replaced. */
const mergeKeys: Readonly<Record<string, string>> = {
  containers: 'name',
  env: 'name',
  volumes: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
}

function merged(base: Yaml, patch: Yaml, path: readonly string[]): Yaml {
  if (Array.isArray(patch)) return mergedList(base, patch, path)
  if (!isMap(base) || !isMap(patch)) return patch
  const result: Record<string, Yaml> = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    result[key] = key in base ? merged(base[key], value, [...path, key]) : value
  }
  return result
}

function mergedList(base: Yaml, patch: readonly Yaml[], path: readonly string[]): Yaml {
  const key = mergeKeys[path.at(-1)!]
  if (key === undefined || !Array.isArray(base)) return patch
  const rest = patch.filter((each) => !base.some((other) => other[key] === each[key]))
  const both = base.map((each) => {
    const change = patch.find((other) => other[key] === each[key])
    return change === undefined ? each : merged(each, change, [...path, each[key]])
  })
  return [...both, ...rest]
}

const isMap = (value: Yaml) => typeof value === 'object' && value !== null && !Array.isArray(value)
