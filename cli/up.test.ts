/** Starts and ends of the real ./till up, as they should not go but do. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { isSameProcess } from '../lib/runtime/process-identity.ts'
import {
  assertSentence,
  run,
  runFileIsThere,
  until,
  up,
  upHere,
  withData,
  withTakenPort,
} from './real-till.ts'
import { readRunFile } from './run-file.ts'
import { publicUrl } from './shop-client.ts'

test('a second shop on the same data is refused, and the first goes on', () =>
  withData(async (data) => {
    const first = await up(data)
    const second = await run('up', '--port=0', `--data=${data}`)
    assertSentence(second, /^till: .*\.\s/)
    assert.equal((await fetch(`${publicUrl(first)}/openapi.json`)).status, 200)
    assert.deepEqual(readRunFile(data), first)
  }))

test('a taken port is refused, and a later start finds nothing damaged', () =>
  withData(async (data) => {
    await withTakenPort(async (port) => {
      const sentence = new RegExp(`PORT=${port}: another process listens there`)
      assertSentence(await run('up', `--port=${port}`, `--data=${data}`), sentence)
      assertSentence(await run('up', '--detach', `--port=${port}`, `--data=${data}`), sentence)
      const internal = ['--port=0', `--internal-port=${port}`]
      assertSentence(await run('up', ...internal, `--data=${data}`), /INTERNAL_PORT=/)
    })
    assert.ok(!runFileIsThere(data))
    await up(data)
  }))

test('wrong settings are all listed, wherever they come from, before anything is made', () =>
  withData(async (data) => {
    const words = ['SWEEP_MS=soon', '--variant=3pc/nobody', '--port=http', '--partitions=0']
    for (const more of [[], ['--detach']]) {
      const ended = await run('up', `--data=${data}`, ...words, ...more)
      assertSentence(ended, /PROTOCOL=.*COORDINATION=.*PARTITIONS=.*PORT=.*SWEEP_MS=/s)
    }
    assert.ok(!existsSync(data))
  }))

test('data that cannot be used is refused', () =>
  withData(async (data) => {
    const shop = await upHere(data)
    shop.kill('SIGTERM')
    assert.equal((await shop.ended).code, 0)
    const more = await run('up', '--port=0', '--partitions=2', `--data=${data}`)
    assertSentence(more, /created with PARTITIONS=1\b/)
    const file = join(data, 'lock')
    const inFile = await run('up', '--port=0', `--data=${file}/shop`)
    assertSentence(inFile, /data directory .* cannot be used/)
  }))

test('a shop whose internal routes are elsewhere is found there', () =>
  withData(async (data) => {
    // Every address of 127.0.0.0/8 is this machine's, and another than the usual one.
    await up(data, 'INTERNAL_HOST=127.0.0.2')
    const status = await run('status', `--data=${data}`)
    assert.deepEqual([status.code, status.stdout.match(/running/g)?.length], [0, 5])
    assert.equal((await run('check', `--data=${data}`)).code, 0)
  }))

test('check of a shop that hangs is a sentence, soon', () =>
  withData(async (data) => {
    const { pid } = await up(data)
    process.kill(pid, 'SIGSTOP')
    const check = await run('check', '--within=1', `--data=${data}`)
    assertSentence(check, /does not answer .*Does all of the shop run\?/, 4)
  }))

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} stops in order, also when it comes twice at once as under npm`, () =>
    withData(async (data) => {
      const shop = await upHere(data)
      shop.kill(signal)
      shop.kill(signal)
      assert.equal((await shop.ended).code, 0)
      assert.ok(!runFileIsThere(data))
    }))
}

test('a second signal stops at once what the first would have let end', () =>
  withData(async (data) => {
    const limits = ['DRAIN_MS', 'HEADERS_TIMEOUT_MS', 'REQUEST_TIMEOUT_MS']
    const shop = await upHere(data, ...limits.map((name) => `${name}=600000`))
    const { port } = readRunFile(data)!
    const slow = connect({ host: 'localhost', port }).on('error', () => {})
    try {
      const request = 'POST /payment/create_user HTTP/1.1\r\nHost: localhost\r\n'
      // One packet: when the first request is answered, the half one behind it has been read.
      slow.write(`${request}\r\n${request}`)
      await once(slow, 'data')
      shop.kill('SIGINT')
      await until(() => readRunFile(data)?.state === 'stopping')
      assert.equal((await run('status', `--data=${data}`)).stdout.match(/stopping/g)?.length, 5)
      shop.kill('SIGTERM')
      assert.equal((await shop.ended).code, 143)
    } finally {
      slow.destroy()
    }
  }))

test('a shop that was killed is not running, and starts again on its data', () =>
  withData(async (data) => {
    const first = await up(data)
    const url = `${publicUrl(first)}/payment/create_user`
    const { user_id } = (await (await fetch(url, { method: 'POST' })).json()) as { user_id: string }
    process.kill(first.pid, 'SIGKILL')
    await until(() => !isSameProcess(first.pid, first.processStart))
    assert.ok(runFileIsThere(data))
    assert.equal((await run('status', `--data=${data}`)).code, 3)
    const second = await up(data)
    assert.notEqual(second.pid, first.pid)
    const found = await fetch(`${publicUrl(second)}/payment/find_user/${user_id}`)
    assert.equal(found.status, 200)
  }))
