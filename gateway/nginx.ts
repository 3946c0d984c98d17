/**
 * The settings of nginx, made from the table of public routes: what is not in the table never gets
 * behind it. gateway/nginx.conf is this text for containers; the launcher makes one for processes.
 *
 * Promise: the path is judged and passed on as it was sent, nothing decoded, merged or resolved;
 * what nginx answers itself is a problem document as lib/runtime words it; a request is sent a
 * second time only if repeating it is safe: GET, checkout, and what was not sent at all. Where a
 * service goes away before it answers, the answer is 503: never a 4xx, for it may have happened.
 * The 503 of who was asked again is never passed on: it may promise that nothing has happened, and
 * knows nothing of the first time. Next: nginx-problems.ts (what it answers itself).
 */
import { METHODS } from 'node:http'
import { namesIn } from '../lib/runtime/parameters.ts'
import type { Route } from '../lib/runtime/route.ts'
import { pathOf, problemLocations, problemMaps } from './nginx-problems.ts'

/** A service whose public routes are served, and the addresses of its instances. */
export interface Upstream {
  readonly service: string
  readonly routes: readonly Pick<Route, 'method' | 'path'>[]
  /** `host:port`. Names are resolved when nginx starts. */
  readonly servers: readonly string[]
}

export interface NginxOptions {
  readonly upstreams: readonly Upstream[]
  /** `8000`, or `127.0.0.1:8000`. */
  readonly listen: readonly string[]
  readonly workers: number
  /** File with the OpenAPI document of all public routes. */
  readonly openapiPath: string
  /** Directory that nginx may write to, for its pid and for answers that do not fit in memory. */
  readonly scratch: string
  readonly errorLog: string
  /** ms that requests under way may take at a stop; undefined: as long as an answer may take. */
  readonly drainMs?: number
  /** Whom workers run as where nginx is started by root, and would take another user's place. */
  readonly user?: string
  /**
   * Address of a DNS server that is asked again and again, for names whose addresses change while
   * nginx runs (compose). Connections to services are not kept then: nginx cannot do both before
   * 1.27.3.
   */
  readonly resolver?: string
}

/** How a request is passed on. The class is part of the name of its location. */
type RouteClass = 'read' | 'change' | 'checkout' | 'batch'

/** Longer than a checkout may take by default: deadline, wait for the answer, and a margin. */
const answerWithinS = 15
/** A million records of a kind take a while. */
const batchWithinS = 600
/** With 0 nginx would wait without end. */
const leastDrainMs = 1
/** Beyond this another instance is not tried any more; one digit, for the map that looks at it. */
const retryWithinS = 5
/** Instances that one request may meet, so that one that kills them does not kill all. */
const mostTries = 3
/** Idle connections to each service that a worker keeps. */
const keptConnections = 64
/** Shorter than KEEP_ALIVE_TIMEOUT_MS, so that nginx closes first and no request meets a close. */
const keptIdleS = 30

const perClass: Readonly<Record<RouteClass, string>> = {
  read: '',
  change: '',
  checkout: '',
  batch: `      proxy_read_timeout ${batchWithinS}s;\n`,
}

function classOf({ method, path }: Pick<Route, 'method' | 'path'>): RouteClass {
  if (method === 'GET') return 'read'
  if (path.startsWith('/orders/checkout/')) return 'checkout'
  return path.includes('/batch_init/') ? 'batch' : 'change'
}

/** A route's path as a pattern of what clients send: parameters are whatever is between slashes. */
function patternOf(path: string): string {
  const literal = namesIn(path).reduce(
    (pattern, name) => pattern.replace(`{${name}}`, '[^/?#]+'),
    path.replaceAll('.', '\\.'),
  )
  return `~^${literal}(?:\\?|$)`
}

export function nginxConf(options: NginxOptions): string {
  const { upstreams, scratch, resolver, drainMs = answerWithinS * 1_000 } = options
  return `\
# Made by gateway/nginx.ts from the public routes: change them, not this.
${options.user === undefined ? '' : `user ${options.user};\n`}worker_processes ${options.workers};
worker_rlimit_nofile 16384;
worker_shutdown_timeout ${Math.max(leastDrainMs, drainMs)}ms;
error_log ${quoted(options.errorLog)} warn;
pid ${quoted(`${scratch}/nginx.pid`)};
pcre_jit on;

events {
  worker_connections 8192;
}

http {
  access_log off;
  server_tokens off;
  default_type application/octet-stream;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((name) => `  ${name}_temp_path ${quoted(`${scratch}/${name}`)};\n`)
  .join('')}
${upstreams.map((upstream) => upstreamOf(upstream, resolver)).join('')}
${resolver === undefined ? '' : `  resolver ${resolver} valid=1s ipv6=off;\n\n`}\
${routeMaps(upstreams)}
${problemMaps}
  server {
${options.listen.map(listenLine).join('')}${serverSettings}
${problemLocations(pageOfNoAnswer)}
${locations(options)}  }
}
`
}

/** A path, which may have spaces; a dollar begins a variable all the same. */
const quoted = (path: string) => `"${path.replace(/["\\]/g, '\\$&')}"`

/** A crowd that comes at once must not be dropped: see lib/runtime/listen.ts. */
const listenLine = (address: string) => `    listen ${address} backlog=4096;\n`

/** The limits of lib/runtime/settings.ts, as far as nginx has the same ones. */
const serverSettings = `
    client_header_timeout 5s;
    client_body_timeout 5s;
    client_header_buffer_size 1k;
    large_client_header_buffers 4 16k;
    # Enough to tell that there is a body; the service refuses the one byte that this lets pass.
    client_max_body_size 1;
    keepalive_timeout 65s;
    keepalive_requests 1000000;
    merge_slashes off;
    recursive_error_pages on;

    proxy_http_version 1.1;
    proxy_set_header Connection '';
    proxy_connect_timeout 1s;
    proxy_read_timeout ${answerWithinS}s;
    proxy_next_upstream error timeout;
    proxy_next_upstream_timeout ${retryWithinS}s;
    proxy_next_upstream_tries ${mostTries};
    proxy_max_temp_file_size 0;
    # A client that hangs up costs no connection to a service, and a checkout runs to its end.
    proxy_ignore_client_abort on;
`

const isDynamic = (resolver: string | undefined) => resolver !== undefined

function upstreamOf({ service, servers }: Upstream, resolver: string | undefined): string {
  if (isDynamic(resolver)) return ''
  const lines = servers.map((server) => `    server ${server} max_fails=1 fail_timeout=1s;\n`)
  return `\
  upstream ${service} {
${lines.join('')}    keepalive ${keptConnections};
    keepalive_timeout ${keptIdleS}s;
    keepalive_requests 1000000;
  }
`
}

/** Routes that are asked most come first: patterns are tried in this order. */
const classes: readonly RouteClass[] = ['checkout', 'read', 'change', 'batch']

interface Entry {
  readonly service: string
  readonly class: RouteClass
  readonly path: string
}

function entriesOf(upstreams: readonly Upstream[]): readonly Entry[] {
  const entries = upstreams.flatMap(({ service, routes }) =>
    routes.map((route) => ({ service, class: classOf(route), path: route.path })),
  )
  return classes.flatMap((name) => entries.filter((entry) => entry.class === name))
}

function routeMaps(upstreams: readonly Upstream[]): string {
  const lines = entriesOf(upstreams).map(
    (entry) => `    '${patternOf(entry.path)}' ${entry.class}/${entry.service};\n`,
  )
  // RFC 9110 tokens that are no method are refused as the services refuse them.
  const methods = METHODS.filter((method) => /^[A-Z-]+$/.test(method)).join('|')
  return `\
  # The route that the path asks for, as it was sent.
  map $request_uri $route {
    default '';
${lines.join('')}    '~^/openapi\\.json(?:\\?|$)' read/openapi;
  }
  map $route $class {
    default change;
    ~^read read;
    '' '';
  }
  map $class $allow {
    default POST;
    read 'GET, HEAD';
    '' '';
  }
  # What is wrong with the request before any service is asked; nothing: ok.
  map "$server_protocol $class $request_method" $fault {
    default method;
    '~^HTTP/1\\.[01] read (?:GET|HEAD)$' ok;
    '~^HTTP/1\\.[01] change POST$' ok;
    '~^HTTP/1\\.[01]  (?:${methods})$' path;
    '~^HTTP/1\\.[01] \\S* (?!(?:${methods})$)' token;
    '~^(?!HTTP/1\\.[01] )' version;
  }
  # Who answers where an instance went away: a checkout is sent again, if that is not too late.
  map "$route $request_time" ${pageOfNoAnswer} {
    default ${pathOf('not_known_yet')};
    '~^checkout/([a-z]+) [0-${retryWithinS - 1}]\\.' @again/$1;
  }
`
}

const pageOfNoAnswer = '$page_of_no_answer'

function locations({ upstreams, openapiPath, resolver }: NginxOptions): string {
  const used = new Map(
    entriesOf(upstreams).map((entry) => [`${entry.class}/${entry.service}`, entry]),
  )
  const passTo = (service: string) => {
    if (!isDynamic(resolver)) return `      proxy_pass http://${service}$request_uri;\n`
    const { servers } = upstreams.find((upstream) => upstream.service === service)!
    return `      set $target ${servers[0]};\n      proxy_pass http://$target$request_uri;\n`
  }
  const each = [...used].map(([name, { service, class: its }]) => {
    const location = `\
    location = /-/${name} {
      internal;
${perClass[its]}${passTo(service)}    }
`
    return its === 'checkout' ? location + askedAgain(service, passTo(service)) : location
  })
  return `\
    location / {
      # What is older than HTTP/1.0 has no status line to say it with.
      if ($fault = version) { return 444; }
      if ($fault = token) { return 400; }
      if ($fault = path) { return 404; }
      if ($fault = method) { return 405; }
      rewrite ^ /-/$route? last;
    }
    location = /-/read/openapi {
      internal;
      default_type application/json;
      alias ${quoted(openapiPath)};
    }
${each.join('')}`
}

/**
 * Where a checkout goes whose answer was lost: to whoever is there by now. It is idempotent by
 * contract and never charges twice, so any answer but 503 is the one true outcome.
 */
function askedAgain(service: string, pass: string): string {
  return `\
    location @again/${service} {
      proxy_next_upstream error timeout non_idempotent;
      proxy_next_upstream_tries ${mostTries - 1};
      proxy_intercept_errors on;
      error_page 502 503 504 = ${pathOf('not_known_yet')};
${pass}    }
`
}
