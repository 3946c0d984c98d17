/**
 * Who of a group gets which partitions: what the group's leader computes, and the bytes in which
 * members say what they hold and are told what they get (Kafka's own formats, so that its tools
 * can read them). Sticky: whoever holds a partition keeps it while the shares are even.
 */

export interface Member {
  readonly id: string
  readonly held: readonly number[]
}

/** Shares differ by one at most; members with more than theirs give up the highest. */
export function shareOut(
  members: readonly Member[],
  partitions: number,
): ReadonlyMap<string, readonly number[]> {
  const least = Math.floor(partitions / members.length)
  let larger = partitions % members.length
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition))
  const shares = members
    .toSorted((a, b) => b.held.length - a.held.length || (a.id < b.id ? -1 : 1))
    .map(({ id, held }) => {
      const most = larger > 0 && held.length > least ? least + 1 : least
      if (most > least) larger--
      const kept = held.filter((each) => free.has(each)).slice(0, most)
      for (const each of kept) free.delete(each)
      return { id, kept }
    })
  for (const share of shares) {
    if (share.kept.length > least) continue
    while (share.kept.length < least) share.kept.push(take(free))
  }
  for (const share of shares.filter(({ kept }) => kept.length === least)) {
    if (free.size > 0) share.kept.push(take(free))
  }
  return new Map(shares.map(({ id, kept }) => [id, kept.toSorted((a, b) => a - b)]))
}

function take(free: Set<number>): number {
  const [first] = free
  free.delete(first!)
  return first!
}

const subscriptionVersion = 1
const assignmentVersion = 0
const noUserData = -1

/** ConsumerProtocolSubscription v1: the topic, and the partitions of it that are held. */
export function subscriptionOf(topic: string, held: readonly number[]): Buffer {
  return Buffer.concat([
    int16(subscriptionVersion),
    int32(1),
    textOf(topic),
    int32(noUserData),
    ...topicPartitions(topic, held),
  ])
}

/** ConsumerProtocolAssignment v0. */
export function assignmentOf(topic: string, partitions: readonly number[]): Buffer {
  return Buffer.concat([
    int16(assignmentVersion),
    ...topicPartitions(topic, partitions),
    int32(noUserData),
  ])
}

/** What a member says it holds; nothing where it says something else. */
export function heldIn(subscription: Buffer | null): readonly number[] {
  if (subscription === null) return []
  try {
    const reader = new Reader(subscription)
    if (reader.int16() < 1) return []
    for (let left = reader.int32(); left > 0; left--) reader.text()
    reader.skip(Math.max(0, reader.int32()))
    return reader.partitions()
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}

export function assignedIn(assignment: Buffer | null): readonly number[] {
  if (assignment === null || assignment.length === 0) return []
  const reader = new Reader(assignment)
  reader.int16()
  return reader.partitions()
}

function topicPartitions(topic: string, partitions: readonly number[]): Buffer[] {
  return [int32(1), textOf(topic), int32(partitions.length), ...partitions.map(int32)]
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const textOf = (text: string) => Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)])

/** Throws RangeError where the bytes end too early. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  text(): void {
    this.skip(this.int16())
  }

  /** Of all topics together: a group here has one. */
  partitions(): readonly number[] {
    const found: number[] = []
    for (let topics = this.int32(); topics > 0; topics--) {
      this.text()
      for (let left = this.int32(); left > 0; left--) found.push(this.int32())
    }
    return found
  }
}
