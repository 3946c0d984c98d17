/** The only door to chance. The simulator and the benchmark's load give a seeded Random. */
import { randomBytes } from 'node:crypto'

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Uniform integer in [0, below). */
  integer(below: number): number
  /** A new id: 22 characters of [A-Za-z0-9_-], 128 bits. */
  id(): string
}

export const systemRandom: Random = {
  next: () => Math.random(),
  integer: (below) => Math.floor(Math.random() * below),
  id: () => randomBytes(16).toString('base64url'),
}

/** xoshiro128** by Blackman and Vigna (public domain): the same seed gives the same sequence. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const splitmix = () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()]
  const bits = () => {
    const product = Math.imul(b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result
  }
  const next = () => bits() / 0x1_0000_0000
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'
  return {
    next,
    integer: (below) => Math.floor(next() * below),
    id: () => Array.from({ length: 22 }, () => alphabet[Math.floor(next() * 64)]).join(''),
  }
}
