/**
 * The cluster that kubectl speaks to, as the tests use it: one namespace of their own, `till-test`,
 * which is removed with everything in it before and after.
 *
 * A cluster without a storage class gets volumes that are folders of its node; those must be
 * folders of this machine then, as on a cluster that is this machine.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Resource, render } from './kustomize.ts'

const run = promisify(execFile)
const namespace = 'till-test'
const internalPort = 9000
const readyWithin = '300s'
const mostOutput = 64 * 1024 * 1024

/** Rejects with what kubectl said. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('kubectl', ['--namespace', namespace, ...args], {
    maxBuffer: mostOutput,
  })
  return stdout
}

export async function hasCluster(): Promise<boolean> {
  try {
    await kubectl('get', 'nodes', '--request-timeout=5s')
    return true
  } catch {
    return false
  }
}

interface Listed {
  readonly items: readonly Resource[]
}

export async function list(kind: string, selector = ''): Promise<readonly Resource[]> {
  const text = await kubectl('get', kind, '--selector', selector, '--output', 'json')
  return (JSON.parse(text) as Listed).items
}

export class Cluster {
  readonly #volumes: string[] = []
  readonly #forwards = new Set<ChildProcess>()
  #deployments: readonly string[] = []
  #statefulSets: readonly string[] = []

  /** Applies the overlay of this folder to an empty namespace; resolves when all of it is ready. */
  async apply(folder: string): Promise<void> {
    await this.remove()
    const resources = render(folder)
    const names = (kind: string) =>
      resources.filter((each) => each.kind === kind).map(({ metadata }) => metadata.name)
    this.#deployments = names('Deployment')
    this.#statefulSets = names('StatefulSet')
    if ((await list('storageclasses')).length === 0)
      await this.#makeVolumes(this.#claims(resources))
    await kubectl('apply', '--kustomize', folder)
    await this.untilReady()
  }

  /** Everything that is wanted runs and is ready; nothing of a former version runs beside it. */
  async untilReady(): Promise<void> {
    const wait = (what: string) => this.#told('rollout', 'status', what, `--timeout=${readyWithin}`)
    await Promise.all(this.#statefulSets.map((each) => wait(`statefulset/${each}`)))
    for (const each of this.#deployments) {
      // The autoscaler says how many, a moment after the Deployment is made with one.
      const wanted = JSON.parse(await kubectl('get', 'hpa', each, '--output', 'json'))
      const count = `jsonpath={.status.readyReplicas}=${wanted.spec.minReplicas}`
      await this.#told('wait', `deployment/${each}`, `--for=${count}`, `--timeout=${readyWithin}`)
      await wait(`deployment/${each}`)
    }
  }

  /** The name of some pod of this app that runs and is not on its way out. */
  async podsOf(app: string): Promise<readonly string[]> {
    const pods = await list('pods', `app.kubernetes.io/name=${app}`)
    return pods
      .filter(({ metadata, status }) => {
        return status.phase === 'Running' && !('deletionTimestamp' in metadata)
      })
      .map(({ metadata }) => metadata.name)
  }

  /** As hard as the API has it: no notice, no pause. Resolves when the pod is gone. */
  async kill(pod: string): Promise<void> {
    await kubectl('delete', 'pod', pod, '--force', '--grace-period=0')
  }

  /**
   * A Deployment with other settings, one pod after another; resolves when only new ones are left.
   */
  async roll(deployment: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    await kubectl('set', 'env', `deployment/${deployment}`, ...pairs)
    await this.#told('rollout', 'status', `deployment/${deployment}`, `--timeout=${readyWithin}`)
  }

  /** Where the gateway is reached: a port of the node. */
  async gatewayOrigin(): Promise<string> {
    const service = JSON.parse(await kubectl('get', 'service', 'gateway', '--output', 'json'))
    const [node] = await list('nodes')
    const { address } = node!.status.addresses.find(
      ({ type }: { type: string }) => type === 'InternalIP',
    )
    return `http://${address}:${service.spec.ports[0].nodePort}`
  }

  /** A way to the internal port of a pod; closed with the cluster, or by `closeForwards`. */
  forward(pod: string): Promise<string> {
    const args = ['--namespace', namespace, 'port-forward', `pod/${pod}`, `:${internalPort}`]
    const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#forwards.add(child)
    return new Promise((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const port = /127\.0\.0\.1:(\d+) ->/.exec(text)?.[1]
        if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
      })
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`port-forward to ${pod} ended`)))
    })
  }

  closeForwards(): void {
    for (const each of this.#forwards) each.kill()
    this.#forwards.clear()
  }

  /** Removes the namespace, its volumes and their data. */
  async remove(): Promise<void> {
    this.closeForwards()
    await kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s')
    await kubectl('delete', 'persistentvolume', '--selector', `till=${namespace}`)
    for (const each of this.#volumes.splice(0)) await rm(each, { recursive: true, force: true })
  }

  #claims(resources: readonly Resource[]): number {
    return resources
      .filter(({ kind }) => kind === 'StatefulSet')
      .reduce((sum, { spec }) => sum + spec.replicas * spec.volumeClaimTemplates.length, 0)
  }

  async #makeVolumes(count: number): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'till-volumes-'))
    this.#volumes.push(folder)
    for (let index = 0; index < count; index++) {
      const path = join(folder, String(index))
      await mkdir(path)
      // Each pod writes as a user of its own.
      await chmod(path, 0o777)
      await apply({
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `${namespace}-${index}`, labels: { till: namespace } },
        spec: {
          capacity: { storage: '8Gi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          hostPath: { path },
        },
      })
    }
  }

  /** As kubectl; where it fails, with what the pods look like. */
  async #told(...args: readonly string[]): Promise<void> {
    try {
      await kubectl(...args)
    } catch (error) {
      const pods = await kubectl('get', 'pods', '--output', 'wide')
      const events = await kubectl('get', 'events', '--sort-by=.lastTimestamp')
      const last = events.split('\n').slice(-20).join('\n')
      assert.fail(`${(error as Error).message}\n${pods}\n${last}`)
    }
  }
}

async function apply(resource: object): Promise<void> {
  const child = spawn('kubectl', ['apply', '--filename', '-'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  child.stdin.end(JSON.stringify(resource))
  const code = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(code, 0, said)
}
