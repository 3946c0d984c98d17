/** Ports that nobody listens on at the moment of asking, for engines that want to be told one. */
import { createServer } from 'node:net'
import { systemRandom } from '../lib/runtime/random.ts'

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => open()))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return ports
}

/** The first of so many in a row, below those that clients' connections are given. */
export async function freePortsInARow(count: number): Promise<number> {
  for (;;) {
    const first = 20_000 + systemRandom.integer(10_000)
    const opening = Array.from({ length: count }, (_, index) => open(first + index))
    const opened = await Promise.allSettled(opening)
    const servers = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
    if (servers.length === count) return first
  }
}

function open(port = 0) {
  return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server))
    server.once('error', reject)
  })
}
