/**
 * The shop in the simulator: the shipped services over simulated ports, started, crashed, paused
 * and started again. Requests go to a live instance's route handlers, as the gateway would send
 * them.
 */
import type { Service, ServicePorts } from '../lib/engine/service.ts'
import type { Config } from '../lib/runtime/config.ts'
import type { Fields, Log } from '../lib/runtime/log.ts'
import { seededRandom } from '../lib/runtime/random.ts'
import type { Route } from '../lib/runtime/route.ts'
import { createOrchestratorService } from '../orchestrator/service.ts'
import { createOrderService } from '../order/service.ts'
import { createPaymentService } from '../payment/service.ts'
import { createStockService } from '../stock/service.ts'
import { Broker } from './bus.ts'
import type { Change } from './change.ts'
import { Coverage } from './coverage.ts'
import type { Director } from './director.ts'
import { type Draw, type ServiceKey, serviceKeys } from './draw.ts'
import { FaultBoard } from './faults.ts'
import { type Scene, SimProcess, simClock } from './process.ts'
import { SimDatabase } from './storage.ts'
import { Timeline } from './timeline.ts'
import { World } from './world.ts'

const factories: Readonly<Record<ServiceKey, (ports: ServicePorts) => Service>> = {
  stock: createStockService,
  payment: createPaymentService,
  order: createOrderService,
  orchestrator: createOrchestratorService,
}

/** A line that a service has logged at error or above. */
export interface Alarm {
  readonly at: number
  readonly process: string
  readonly message: string
  readonly fields: Fields
}

/** Until a process that was stopped for other settings starts again. */
const redeployMs = 30

interface Running {
  readonly process: SimProcess
  /** As of its next start. */
  config: Config
  service: Service | undefined
  routes: Map<string, Route>
  /** Told when the process dies: requests that it was serving get no answer. */
  readonly onEnd: Set<() => void>
}

export class SimShop {
  readonly draw: Draw
  readonly world: World
  readonly timeline: Timeline
  readonly coverage = new Coverage()
  readonly board: FaultBoard
  readonly broker: Broker
  readonly databases: Readonly<Record<ServiceKey, SimDatabase>>
  readonly alarms: Alarm[] = []
  readonly director: Director | undefined
  readonly #running: Running[] = []
  readonly #scene: Scene
  #lives = 0
  /** The faults are over: whoever stops starts again at once. */
  #isCalm = false

  constructor(
    draw: Draw,
    onChange: (change: Change) => void,
    isTold: boolean,
    direct?: (shop: SimShop) => Director,
  ) {
    this.draw = draw
    this.world = new World(draw.seed * 31 + 7)
    this.timeline = new Timeline(isTold)
    this.board = new FaultBoard(draw.storage.crowds)
    this.director = direct?.(this)
    const { world, timeline, coverage, director } = this
    this.#scene = { world, timeline, coverage, director }
    const { partitions } = draw.config
    this.broker = new Broker(this.#scene, partitions, this.board, draw.bus)
    const database = (service: ServiceKey) =>
      new SimDatabase(this.#scene, service, partitions, this.board, draw.storage, onChange)
    this.databases = {
      stock: database('stock'),
      payment: database('payment'),
      order: database('order'),
      orchestrator: database('orchestrator'),
    }
    let index = 0
    for (const service of serviceKeys) {
      for (let number = 0; number < draw.instances[service]; number++) {
        const process = new SimProcess(this.world, service, number, index++)
        process.onCrash = () => this.crash(process.name, 50 + this.world.random.next() * 500)
        this.#running.push({
          ...{ process, config: draw.config, service: undefined },
          ...{ routes: new Map(), onEnd: new Set() },
        })
      }
    }
  }

  get processes(): readonly SimProcess[] {
    return this.#running.map(({ process }) => process)
  }

  startAll(): void {
    for (const each of this.#running) this.#start(each)
  }

  crash(name: string, restartAfterMs: number): void {
    const running = this.#named(name)
    if (!running.process.life.isAlive) return
    this.coverage.add('process: crashed')
    this.timeline.note(this.world.now, name, () => 'CRASHES')
    this.#end(running)
    this.broker.left(running.process)
    this.world.after(restartAfterMs, () => this.#start(running))
  }

  /** An orderly restart with other settings; a process that is not up has them when it is. */
  reconfigure(name: string, config: Config): void {
    this.coverage.add('process: other settings')
    this.#named(name).config = config
    this.stop(name, redeployMs)
  }

  /** As an orderly restart does: it says goodbye, then ends. */
  stop(name: string, restartAfterMs: number): void {
    const running = this.#named(name)
    const { process, service } = running
    if (!process.isUp || service === undefined) return
    this.coverage.add('process: stopped')
    this.timeline.note(this.world.now, name, () => 'stops')
    const { life } = process
    this.world.isStirred = true
    void service.stop()
    this.broker.left(process, 0)
    this.world.after(20, () => {
      if (process.life === life && life.isAlive) this.#end(running)
      if (this.#isCalm) this.#start(running)
    })
    this.world.after(20 + restartAfterMs, () => this.#start(running))
  }

  pause(name: string, ms: number): void {
    const { process } = this.#named(name)
    if (!process.isUp) return
    this.coverage.add('process: paused')
    this.timeline.note(this.world.now, name, () => `sleeps for ${ms} ms`)
    process.pause(ms)
    this.broker.paused(process)
  }

  /** Whatever has crashed runs again; who sleeps wakes up in its time. */
  restartAll(): void {
    this.#isCalm = true
    for (const running of this.#running) {
      const { process } = running
      process.disarm()
      this.#start(running)
    }
  }

  /** Live instances of a service that can be sent a request. */
  instances(service: ServiceKey): readonly string[] {
    return this.#running
      .filter(({ process }) => process.service === service && process.life.isAlive)
      .map(({ process }) => process.name)
  }

  /** Calls a handler when the process is awake; `onEnd` is called if it dies before it answers. */
  serve(name: string, route: string, call: (route: Route) => void, onEnd: () => void): void {
    const running = this.#named(name)
    running.onEnd.add(onEnd)
    this.world.after(
      0,
      () => {
        const found = running.routes.get(route)
        if (found === undefined) throw new Error(`No route ${route} at ${name}`)
        this.world.isStirred = true
        call(found)
      },
      running.process.life,
    )
  }

  served(name: string, onEnd: () => void): void {
    this.#named(name).onEnd.delete(onEnd)
  }

  #named(name: string): Running {
    const running = this.#running.find(({ process }) => process.name === name)
    if (running === undefined) throw new Error(`No process ${name}`)
    return running
  }

  #end(running: Running): void {
    running.process.end()
    running.service = undefined
    for (const each of [...running.onEnd]) each()
    running.onEnd.clear()
  }

  #start(running: Running): void {
    const { process } = running
    if (process.life.isAlive) return
    const life = process.begin()
    this.timeline.note(this.world.now, process.name, () => 'starts')
    this.world.isStirred = true
    const clock = simClock(this.world, process, life)
    const log = this.#log(process.name)
    const isWatched = this.draw.losses?.isWatched === true
    const database = this.databases[process.service as ServiceKey]
    const storage = database.connect(process, life, isWatched ? { clock, log } : undefined)
    const service = factories[process.service as ServiceKey]({
      config: running.config,
      storage,
      bus: this.broker.endpoint(process, life),
      clock,
      random: seededRandom(this.draw.seed * 1_009 + ++this.#lives),
      log,
    })
    running.service = service
    running.routes = new Map(
      service.routes.map((route) => [`${route.method} ${route.path}`, route]),
    )
    void service.start()
  }

  #log(process: string): Log {
    const say =
      (level: string) =>
      (message: string, fields: Fields = {}) => {
        this.coverage.add(`log: ${message}`)
        this.timeline.note(
          this.world.now,
          process,
          () => `${level}: ${message} ${JSON.stringify(fields)}`,
        )
      }
    const alarm = (message: string, fields: Fields = {}) => {
      say('error')(message, fields)
      this.alarms.push({ at: this.world.now, process, message, fields })
    }
    const log: Log = {
      fatal: alarm,
      error: alarm,
      warn: say('warn'),
      info: say('info'),
      debug: () => {},
      child: () => log,
    }
    return log
  }
}
