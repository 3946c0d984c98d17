/** nginx in front of a shop, for suites: settings of its own, a directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { openapiText, publicRoutesByService } from '../cli/engines/public-routes.ts'
import { type NginxOptions, nginxConf } from '../gateway/nginx.ts'

export interface Nginx {
  readonly port: number
  close(): Promise<void>
}

const startWithinTries = 200

/** Starts it; every service's routes lead to `servers` of its own name. */
export async function startNginx(
  servers: (service: string) => readonly string[],
  overrides: Pick<NginxOptions, 'resolver'> = {},
): Promise<Nginx> {
  const directory = await mkdtemp(join(tmpdir(), 'till-nginx-'))
  const port = await freePort()
  const services = await publicRoutesByService()
  const upstreams = services.map((each) => ({ ...each, servers: servers(each.service) }))
  const openapiPath = join(directory, 'openapi.json')
  const errorLog = join(directory, 'error.log')
  const scratch = directory
  const listen = [`127.0.0.1:${port}`]
  const conf = nginxConf({
    ...{ upstreams, listen, workers: 1, openapiPath, scratch, errorLog, ...overrides },
    ...(process.getuid?.() === 0 && { user: userInfo().username }),
  })
  await writeFile(openapiPath, openapiText(services), { mode: 0o644 })
  await writeFile(join(directory, 'nginx.conf'), conf)
  const words = ['-e', errorLog, '-c', join(directory, 'nginx.conf'), '-g', 'daemon off;']
  const child = spawn('nginx', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  for (let tries = 0; !(await answers(port)); tries++) {
    if (child.exitCode !== null || tries === startWithinTries) throw new Error(`nginx: ${said}`)
    await setTimeout(20)
  }
  return { port, close: () => stop(child, directory) }
}

async function stop(child: ChildProcess, directory: string): Promise<void> {
  if (child.exitCode === null) {
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
  await rm(directory, { recursive: true, force: true })
}

const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}/openapi.json`).then(
    ({ ok }) => ok,
    () => false,
  )

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
