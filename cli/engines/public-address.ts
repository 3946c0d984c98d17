/** HOST as the gateway of a shop of processes understands it: as lib/runtime/listen.ts does. */
import { networkInterfaces } from 'node:os'

/**
 * The addresses to listen on. `localhost` is both of loopback, where the machine has both; `::` is
 * every address of either family, which nginx takes for those of IPv6 alone.
 */
export function addressesOf(host: string): readonly string[] {
  if (host === '::') return ['0.0.0.0', '::']
  if (host !== 'localhost') return [host]
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.some(({ address }) => address === '::1') ? ['127.0.0.1', '::1'] : ['127.0.0.1']
}

const everyAddress: readonly string[] = ['localhost', '0.0.0.0', '::']

/** Where this machine itself reaches who listens there. */
export const reachedAt = (host: string): string =>
  everyAddress.includes(host) ? '127.0.0.1' : host

/** As part of a URL, and of nginx's settings. */
export const bracketed = (address: string): string =>
  address.includes(':') ? `[${address}]` : address
