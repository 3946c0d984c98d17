/**
 * The gateway's files for containers, made from the public routes: gateway/nginx.conf (names are
 * resolved when nginx starts, connections are kept), gateway/nginx-resolving.conf (names are
 * resolved again and again, for compose) and gateway/openapi.json.
 *
 * `node cli/engines/container-gateway.ts` writes them; a test compares.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nginxConf } from '../../gateway/nginx.ts'
import { containerPorts, gatewayPort, sizes } from '../../lib/runtime/topology.ts'
import { openapiText, publicRoutesByService } from './public-routes.ts'

/** The DNS server that Docker gives every container of a network. */
const dockerResolver = '127.0.0.11'

/** Texts by the names of their files in gateway/. */
export async function containerGateway(): Promise<ReadonlyMap<string, string>> {
  const services = await publicRoutesByService()
  const options = {
    upstreams: services.map(({ service, routes }) => ({
      ...{ service, routes },
      servers: [`${service}:${containerPorts.public}`],
    })),
    listen: [String(gatewayPort)],
    workers: sizes.large.gatewayWorkers,
    openapiPath: '/etc/till/openapi.json',
    scratch: '/tmp',
    errorLog: '/dev/stderr',
  }
  return new Map([
    ['nginx.conf', nginxConf(options)],
    ['nginx-resolving.conf', nginxConf({ ...options, resolver: dockerResolver })],
    ['openapi.json', openapiText(services)],
  ])
}

export const containerGatewayPath = (name: string): string =>
  fileURLToPath(new URL(`../../gateway/${name}`, import.meta.url))

if (import.meta.main) {
  for (const [name, text] of await containerGateway()) {
    writeFileSync(containerGatewayPath(name), text)
  }
}
