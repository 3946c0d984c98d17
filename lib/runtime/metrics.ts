/**
 * Serves metrics (metric.ts) as Prometheus reads them. This is the only file that knows
 * prom-client: its registry writes the text, its default metrics tell of the process itself
 * (CPU, memory, garbage collection, event-loop delay).
 *
 * It is loaded by the first who asks: a process that was killed is back sooner without it.
 *
 * Metrics of the same name from several services of one process become one, as samples with
 * different labels; their help must be the same.
 */
import type { Metric as Registered, Registry } from 'prom-client'
import type { Histogram, Labels, Metric, Sample } from './metric.ts'
import { type Route, text } from './route.ts'

/** ms between two looks at the event loop's delay. */
const eventLoopPrecisionMs = 20

/** GET /metrics, an internal route: what `metrics` has when it is asked. */
export function metricsRoute(metrics: () => readonly Metric[]): Route {
  let loading: ReturnType<typeof load> | undefined
  return {
    method: 'GET',
    path: '/metrics',
    summary: 'What this process has counted, for Prometheus',
    parameters: {},
    answer: 'text',
    problems: [],
    visibility: 'internal',
    async handle() {
      loading ??= load()
      const { empty, own } = await loading
      const counted = await filled(empty(), metrics()).metrics()
      return text(`${counted}\n${await own.metrics()}`, own.contentType)
    },
  }
}

/** Name, kind and help of each metric, sorted: what docs/OPERATING.md lists. */
export function described(metrics: readonly Metric[]): readonly Omit<Metric, 'read'>[] {
  return [...byName(metrics).values()]
    .map(([{ name, kind, help }]) => ({ name, kind, help }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** An empty registry, as often as it is wanted, and the one of the process itself. */
async function load(): Promise<{ empty: () => Registry; own: Registry }> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const own = new Registry()
  collectDefaultMetrics({ register: own, eventLoopMonitoringPrecision: eventLoopPrecisionMs })
  return { empty: () => new Registry(), own }
}

function filled(registry: Registry, metrics: readonly Metric[]): Registry {
  for (const [name, same] of byName(metrics)) {
    const { kind, help } = same[0]
    const metric = {
      name,
      help,
      type: kind,
      get: async () => ({ name, help, type: kind, values: same.flatMap(valuesOf) }),
    }
    registry.registerMetric(metric as unknown as Registered)
  }
  return registry
}

type AtLeastOne = [Metric, ...Metric[]]

function byName(metrics: readonly Metric[]): ReadonlyMap<string, AtLeastOne> {
  const found = new Map<string, AtLeastOne>()
  for (const metric of metrics) {
    const same = found.get(metric.name)
    if (same === undefined) found.set(metric.name, [metric])
    else if (same[0].kind === metric.kind && same[0].help === metric.help) same.push(metric)
    else throw new Error(`Two metrics are called ${metric.name} and are not the same.`)
  }
  return found
}

/** What prom-client writes as one line. */
interface Value extends Sample {
  readonly metricName?: string
}

function valuesOf(metric: Metric): readonly Value[] {
  if (metric.kind !== 'histogram') return metric.read()
  return metric.read().flatMap(({ labels, histogram }) => bucketsOf(metric.name, labels, histogram))
}

function bucketsOf(name: string, labels: Labels, { bounds, counts, sum }: Histogram): Value[] {
  let count = 0
  const buckets = [...bounds.map(String), '+Inf'].map((le, bucket) => {
    count += counts[bucket]!
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
