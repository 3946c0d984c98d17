import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { parseUsage, usageOf, usageOfAll } from './usage.ts'

test('user and system time, also where the name of the process has spaces and parentheses', () => {
  const stat =
    '4711 (node (shop) 1) S 1 4711 4711 0 -1 4194560 30 0 0 0 123 45 0 0 20 0 11 0 99 1 2'
  const status = 'Name:\tnode\nVmPeak:\t  900 kB\nRssAnon:\t   2048 kB\nThreads:\t11\n'
  const io = 'rchar: 9999\nwchar: 4096\nwrite_bytes: 8192\n'
  assert.deepEqual(parseUsage(stat, status, io), {
    cpuMs: 1_680,
    ownBytes: 2_097_152,
    writtenBytes: 4_096,
  })
})

test('a process counts with those that it has started', async () => {
  const script = 'require("node:child_process").spawn("sleep", ["60"]); console.log("started")'
  const parent = spawn('sh', ['-c', `"${process.execPath}" -e '${script}'; true`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  await once(parent.stdout!, 'data')
  const all = usageOfAll([parent.pid!])
  process.kill(-parent.pid!, 'SIGKILL')
  assert(all !== undefined && all.ownBytes > usageOf(process.pid)!.ownBytes / 4)
  assert.equal(usageOfAll([]), undefined)
})
