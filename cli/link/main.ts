/**
 * A link: relays TCP from one port of this machine to another, so that a service can be cut off
 * from its database or the broker and nothing else is touched. Killed, its connections end;
 * down, new ones are refused; stopped (SIGSTOP), it is silent, and all that was said meanwhile
 * arrives late. Started as `main.ts <port to listen on> <port to relay to>` by specs.ts.
 */
import { connect, createServer, type Socket } from 'node:net'

const host = '127.0.0.1'
const [listenOn, relayTo] = process.argv.slice(2).map(Number)

/** What happens to one end happens to the other; an end that has said all may still listen. */
function join(one: Socket, other: Socket): void {
  one.pipe(other)
  one.on('error', () => {})
  one.on('close', (hadError) => {
    if (hadError) other.resetAndDestroy()
    else other.destroySoon()
  })
}

const both = { allowHalfOpen: true, noDelay: true } as const

createServer(both, (from) => {
  const to = connect({ ...both, host, port: relayTo! })
  join(from, to)
  join(to, from)
}).listen(listenOn, host)
