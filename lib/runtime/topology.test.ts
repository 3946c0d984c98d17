import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namesOf, sizeNames, sizes, type Topology } from './topology.ts'

for (const name of sizeNames) {
  test(`${name} can keep what it promises`, () => {
    const size: Topology = sizes[name]
    const { partitions, processes, containers, database, waitReplicas } = size
    for (const counts of [processes, containers]) {
      for (const [service, count] of Object.entries(counts)) {
        assert.ok(count >= 1 && count <= partitions, `${service}: each instance has a partition`)
      }
    }
    const replicas = database.kind === 'single' ? 0 : database.replicas
    assert.ok(waitReplicas <= replicas)
    assert.ok(size.replication <= size.brokers && size.minInsyncReplicas <= size.replication)
    if (database.kind === 'sentinel') assert.ok(database.sentinels >= 3, 'a majority can be lost')
    if (database.kind === 'cluster') assert.ok(database.primaries >= 3)
    assert.ok(size.watchdogs >= 2, 'who restarts a watchdog is another')
  })
}

test('one is called by its name, several are numbered', () => {
  assert.deepEqual(namesOf('order', 1), ['order'])
  assert.deepEqual(namesOf('order', 2), ['order-1', 'order-2'])
})
