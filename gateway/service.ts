/**
 * The embedded gateway: one server for the public routes of every service, and nothing internal.
 * In deployment nginx stands here, with a table made from the same routes.
 */
import type { Service } from '../lib/engine/service.ts'
import { openapiRoute } from '../lib/runtime/openapi.ts'
import type { Route } from '../lib/runtime/route.ts'

export function publicRoutes(services: readonly Service[]): readonly Route[] {
  const routes = services
    .flatMap((service) => service.routes)
    .filter((route) => route.visibility === 'public')
  return [...routes, openapiRoute(routes)]
}

export function internalRoutes(services: readonly Service[]): readonly Route[] {
  return services
    .flatMap((service) => service.routes)
    .filter((route) => route.visibility === 'internal')
}
