/** A day with the real ./till: a shop from up to down. What goes wrong at either: up.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from './commands.ts'
import { assertSentence, run, runFileIsThere, up, withData } from './real-till.ts'
import { publicUrl } from './shop-client.ts'

async function json<T>(...words: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await run(...words, '--json')
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as T
}

interface Listed {
  readonly transaction: string
  readonly orderId: string
  readonly decided: string
  readonly waits: string
}

test('up, status, init, a checkout, transactions, down', () =>
  withData(async (data) => {
    const on = `--data=${data}`
    const shop = await up(data, '--variant=saga/orchestrator')
    const url = publicUrl(shop)

    const rows = await json<readonly Record<string, unknown>[]>('status', on)
    assert.deepEqual(
      rows.map(({ name, kind }) => `${name} ${kind}`),
      [
        'gateway gateway',
        'order service',
        'payment service',
        'stock service',
        'orchestrator service',
      ],
    )
    for (const row of rows) {
      const { pid, state, restarts, since } = row
      const startedAt = new Date(shop.startedAt).toISOString()
      assert.deepEqual([pid, state, restarts, since], [shop.pid, 'running', 0, startedAt])
    }

    const wanted = [on, '--items=5', '--users=4', '--orders=3', '--stock=9', '--price=2']
    const filled = await json<readonly Record<string, unknown>[]>('init', ...wanted)
    assert.deepEqual(
      filled.map(({ kind, count }) => `${count} ${kind}`),
      ['5 items', '4 users', '3 orders'],
    )
    const item = await (await fetch(`${url}/stock/find/4`)).json()
    assert.deepEqual(item, { stock: 9, price: 2 })

    const paid = await fetch(`${url}/orders/checkout/2`, { method: 'POST' })
    assert.equal(paid.status, 200)
    const { ended } = await json<{ ended: readonly Listed[] }>('transactions', on)
    const [of2] = ended
    assert.equal(ended.length, 1)
    assert.equal(of2?.orderId, '2')
    assert.equal(of2?.decided, 'committed')
    const one = await json<{ state: Listed; waits: string; branches: object }>(
      'transaction',
      on,
      of2!.transaction,
    )
    assert.equal(one.state.transaction, of2!.transaction)
    assert.equal(one.waits, 'waits for nothing: it has committed')
    assert.deepEqual(Object.keys(one.branches).sort(), ['order', 'payment', 'stock'])
    const told = await run('transaction', on, of2!.transaction)
    assert.match(told.stdout, /decision +committed/)
    assertSentence(await run('transaction', on, 'nonsense'), /not a transaction id, such as/)
    assertSentence(await run('transaction', on, 'order.0.99.1'), /Nothing is known of/)

    const down = await run('down', on)
    assert.deepEqual([down.code, down.stderr], [0, ''])
    assert.ok(!runFileIsThere(data))
    const status = await run('status', on, '--json')
    assert.deepEqual([status.code, status.stdout], [3, '[]\n'])
    assert.equal((await run('down', on)).code, 0)
    assertSentence(await run('transactions', on), /No shop runs on .*\.\/till up/, 3)
  }))

test('the lines to try can be pasted, and answer', () =>
  withData(async (data) => {
    const { code, stdout } = await run('up', '--detach', '--port=0', `--data=${data}`)
    assert.equal(code, 0)
    const lines = [...stdout.matchAll(/^ {2}curl (?:-X (POST) )?(http:\S+)$/gm)]
    assert.equal(lines.length, 3)
    for (const [, method = 'GET', url = ''] of lines) {
      const answer = await fetch(url, { method })
      assert.equal(answer.status, 200, url)
      await answer.json()
    }
    assert.ok(stdout.includes(data))
    assert.ok(stdout.includes('2pc/order'))
  }))

test('every command has help with examples', async () => {
  const top = await run('--help')
  assert.equal(top.code, 0)
  for (const { name, summary } of commands) {
    assert.ok(top.stdout.includes(summary), name)
    const { code, stdout } = await run(name, '--help')
    assert.equal(code, 0, name)
    assert.match(stdout, new RegExp(`Examples:\n.*\\./till ${name}`), name)
  }
})

test('what is not a command or an option is told what to do', async () => {
  assertSentence(await run('statsu'), /Did you mean status\?.*--help/s, 2)
  assertSentence(await run('status', '--jsn'), /Did you mean --json\?.*--help/s, 2)
  assertSentence(await run('init', '--items=ten'), /'ten' is invalid.*digits only/, 2)
  assertSentence(await run('transaction'), /missing required argument 'id'/, 2)
})
