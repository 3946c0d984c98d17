/**
 * The files that the engines of a shop of processes are started from: Redis' and nginx's settings
 * and the routes' description. Kafka's are kafka-broker.ts's. Made anew at every start.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { nginxConf } from '../../gateway/nginx.ts'
import { databaseName, serviceNames, sizes } from '../../lib/runtime/topology.ts'
import { unusableData } from '../data-directory.ts'
import { CommandFailure } from '../failure.ts'
import { addressesOf, bracketed } from './public-address.ts'
import { openapiText, publicRoutesByService } from './public-routes.ts'
import { redisConf } from './redis-conf.ts'
import { databasePort, instancesOf, type PlanOptions } from './specs.ts'

/**
 * No quotes help with these: nginx reads a variable where there is a dollar, Kafka a list where
 * there is a comma, and all of them lines. Throws CommandFailure.
 */
export function requireUsableName(data: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (!/[$,\u0000-\u001f\u007f]/.test(data)) return
  throw new CommandFailure(
    `${JSON.stringify(data)}: a dollar, a comma or a control character in the data's path is ` +
      'more than the settings of nginx and Kafka can say. Choose another directory with --data.',
  )
}

/** Throws ShopError where the disk does not take them. */
export async function writeShopFiles(options: PlanOptions): Promise<void> {
  try {
    writeDatabaseFiles(options)
    await writeGatewayFiles(options)
  } catch (error) {
    throw unusableData(options.data, error)
  }
}

function writeDatabaseFiles({ data, file }: PlanOptions): void {
  for (const service of serviceNames) {
    const directory = join(data, databaseName(service))
    mkdirSync(directory, { recursive: true })
    const password = file.passwords[service]
    const text = redisConf({ port: databasePort(file, service), directory, password })
    writeFileSync(join(directory, 'redis.conf'), text, { mode: 0o600 })
  }
}

async function writeGatewayFiles({ data, file, config }: PlanOptions): Promise<void> {
  const scratch = join(data, 'gateway')
  mkdirSync(scratch, { recursive: true })
  mkdirSync(join(data, 'logs'), { recursive: true })
  const services = await publicRoutesByService()
  const openapiPath = join(scratch, 'openapi.json')
  writeFileSync(openapiPath, openapiText(services))
  const conf = nginxConf({
    upstreams: services.map((each) => ({
      ...each,
      servers: instancesOf(file)
        .filter(({ service }) => service === each.service)
        .map(({ port }) => `127.0.0.1:${port}`),
    })),
    listen: addressesOf(file.host).map((address) => `${bracketed(address)}:${file.port}`),
    workers: sizes[file.size].gatewayWorkers,
    errorLog: join(data, 'logs', 'gateway.log'),
    drainMs: config.drainMs,
    ...{ scratch, openapiPath },
    ...(process.getuid?.() === 0 && { user: userInfo().username }),
  })
  writeFileSync(join(scratch, 'nginx.conf'), conf)
}
