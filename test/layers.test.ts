/**
 * The arrows of the house (ARCHITECTURE.md): who may import whom, one way. A folder imports those
 * in rows below its own and itself; in the last two rows of services and engines, not its
 * neighbours.
 */
import assert from 'node:assert/strict'
import { builtinModules } from 'node:module'
import { test } from 'node:test'
import { isTest, placesOf, sources } from './source-files.ts'

interface Layer {
  readonly folders: readonly string[]
  /** Whether its folders may import one another. */
  readonly isOpen: boolean
}

const layers: readonly Layer[] = [
  { folders: ['cli', 'sim', 'bench', 'test'], isOpen: true },
  {
    folders: ['gateway', 'order', 'payment', 'stock', 'orchestrator', 'watchdog'],
    isOpen: false,
  },
  { folders: ['lib/engine'], isOpen: false },
  { folders: ['lib/storage', 'lib/bus'], isOpen: false },
  { folders: ['lib/runtime'], isOpen: false },
  { folders: ['protocol'], isOpen: false },
]

const folderOf = (path: string) =>
  path
    .split('/')
    .slice(0, path.startsWith('lib/') ? 2 : 1)
    .join('/')

const rowOf = (folder: string) => layers.findIndex(({ folders }) => folders.includes(folder))

function isAllowed(from: string, to: string): boolean {
  if (from === to) return true
  const [row, target] = [rowOf(from), rowOf(to)]
  return row < target || (row === target && layers[row]!.isOpen)
}

const isPackage = (name: string) => !name.startsWith('node:') && !name.endsWith('.ts')
const packageOf = (name: string) =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')

test('every source file lies in a folder of the table', () => {
  const strays = sources.map(({ path }) => path).filter((path) => rowOf(folderOf(path)) < 0)
  assert.deepEqual(strays, [])
})

test('imports go down the table', () => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter((to) => to.endsWith('.ts') && !isAllowed(folderOf(path), folderOf(to)))
      .map((to) => `${path} imports ${to}`),
  )
  assert.deepEqual(wrong, [])
})

test('an arrow that points up or sideways is found', () => {
  assert.ok(isAllowed('order', 'lib/engine') && isAllowed('test', 'cli'))
  assert.ok(!isAllowed('lib/engine', 'order') && !isAllowed('order', 'stock'))
  assert.ok(!isAllowed('lib/storage', 'lib/bus') && !isAllowed('protocol', 'lib/runtime'))
})

test('protocol is pure: it imports nothing but node:assert', () => {
  const wrong = sources
    .filter((file) => file.path.startsWith('protocol/') && !isTest(file))
    .flatMap(({ path, imports }) =>
      imports
        .filter((to) => !to.startsWith('protocol/') && !/^node:assert(\/strict)?$/.test(to))
        .map((to) => `${path} imports ${to}`),
    )
  assert.deepEqual(wrong, [])
  const impure =
    /\b(async|await|Promise|setTimeout|setInterval|performance|console)\b(?=.*[;({.]|$)/g
  const pure = sources.filter((file) => file.path.startsWith('protocol/') && !isTest(file))
  const code = pure.map((file) => ({
    ...file,
    text: file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''),
  }))
  assert.deepEqual(placesOf(impure, code), [])
})

test('the pure domain files import types of protocol only', () => {
  for (const path of ['order/order.ts', 'stock/item.ts', 'payment/account.ts']) {
    const file = sources.find((each) => each.path === path)
    assert.ok(file, path)
    assert.deepEqual(
      file.imports.filter((to) => !to.startsWith('protocol/')),
      [],
      path,
    )
  }
})

test('each engine is known to one file', () => {
  for (const name of [
    'lmdb',
    'find-my-way',
    'pino',
    'ioredis',
    '@platformatic/kafka',
    'prom-client',
  ]) {
    const users = sources.filter((file) => file.imports.some((to) => packageOf(to) === name))
    const product = users.filter((file) => !isTest(file)).map(({ path }) => path)
    assert.ok(product.length <= 1, `${name}: ${product.join(', ')}`)
  }
})

test('node modules are imported with their prefix', () => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter((to) => isPackage(to) && builtinModules.includes(to))
      .map((to) => `${path} ${to}`),
  )
  assert.deepEqual(wrong, [])
})

/** Doors to the world, and the one file that each is in. */
const doors: Readonly<Record<string, string>> = {
  'process.env': 'lib/runtime/config.ts',
  'Date.now': 'lib/runtime/clock.ts',
  'Math.random': 'lib/runtime/random.ts',
}

for (const [door, home] of Object.entries(doors)) {
  test(`${door} is in ${home} only`, () => {
    const named = new RegExp(`\\b${door.replace('.', '\\.')}\\b`, 'g')
    // Tests may ask the environment whether they run in CI, where skipping is failing.
    const others = sources.filter(({ path }) => path !== home && !path.endsWith('.test.ts'))
    assert.deepEqual(placesOf(named, others), [])
    assert.notDeepEqual(placesOf(named), [])
  })
}

/** Where the two settings that make a variant are looked at. */
const choices: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\bconfig\.protocol\b/g, ['orchestrator/service.ts', 'order/service.ts']],
  [/\bconfig\.coordination\b/g, ['order/service.ts']],
]

test('the settings of the variant are looked at where it is chosen, once in each place', () => {
  const product = sources.filter(({ path }) => rowOf(folderOf(path)) > 0)
  for (const [setting, places] of choices) {
    const found = placesOf(setting, product).map((place) => place.split(':')[0])
    assert.deepEqual(found.toSorted(), places)
  }
})
