/** The settings of a watchdog (watchdog/main.ts). An empty text means: where the data is. */
import { oneOf, type Setting, setting, whole, words } from './setting.ts'

export const watchdogSettings = {
  watchdogDriver: setting(
    'WATCHDOG_DRIVER',
    oneOf(['processes', 'docker'], 'processes'),
    'what a watchdog watches: processes of this machine, or containers',
  ),
  watchdogSilentMs: setting(
    'WATCHDOG_SILENT_MS',
    whole(100, 600_000, 3_000),
    'ms without a good answer after which a watched process is killed and started again',
  ),
  watchdogProbeMs: setting(
    'WATCHDOG_PROBE_MS',
    whole(50, 60_000, 1_000),
    'ms between two questions to a watched process, and that an answer may take',
  ),
  watchdogLookMs: setting(
    'WATCHDOG_LOOK_MS',
    whole(10, 60_000, 100),
    'ms between two looks at which processes run',
  ),
  watchdogTopology: setting(
    'WATCHDOG_TOPOLOGY',
    words(''),
    'file that lists the processes; empty: topology.json in DATA',
  ),
  watchdogRun: setting(
    'WATCHDOG_RUN',
    words(''),
    'directory that says which process runs under which name; empty: run in DATA',
  ),
  watchdogLabels: setting(
    'WATCHDOG_LABELS',
    words('till.watch=true'),
    'name=value,... of labels that a container must have to be watched',
  ),
  dockerHost: setting(
    'DOCKER_HOST',
    words('unix:///var/run/docker.sock'),
    'the Docker engine: unix:///path, or tcp://host:port',
  ),
} as const satisfies Record<string, Setting>
