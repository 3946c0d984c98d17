/**
 * A probe that names no host means the container that it is written on, whose address is known only
 * while it runs: several containers of one service share the label. Used by docker-driver.ts.
 */
import type { ProbeSpec } from './process-spec.ts'

/** How a URL in a label names its own container. */
const self = 'self'

/** The probe with the container's own address where it names no host, or `self`. */
export function atAddress(spec: ProbeSpec, address: string): ProbeSpec {
  if (spec.kind === 'none') return spec
  if (spec.kind !== 'http') {
    return spec.host === undefined || spec.host === self ? { ...spec, host: address } : spec
  }
  const url = new URL(spec.url)
  if (url.hostname !== self) return spec
  url.hostname = address.includes(':') ? `[${address}]` : address
  return { ...spec, url: url.href }
}
