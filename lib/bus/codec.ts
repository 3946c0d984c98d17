/**
 * Messages to bytes and back: one byte of version, then a JSON array in UTF-8.
 *
 * Promise: what `encodeMessages` makes, `decodeMessages` gives back equal; of any other bytes it
 * says in words why it refuses them, and never throws. Every field is checked and copied: a message
 * that comes out has exactly the fields of its kind (decode-message.ts), whoever wrote the record.
 * A record is taken whole or not at all: what was refused is sent again by whoever needs it.
 */
import type { Message } from '../../protocol/messages.ts'
import { decodeMessage, Malformed } from './decode-message.ts'

export const codecVersion = 1

/** Bytes of one record; the broker's limit on a batch (1 MiB) lies above. */
export const mostRecordBytes = 1_000_000
/** Messages of one record. */
export const mostMessages = 10_000

export type Decoded =
  | { readonly messages: readonly Message[] }
  /** Why not; a sentence without anything of the record's content. */
  | { readonly refused: string }

/** Records that hold these messages, in order; more than one where the limits demand it. */
export function encodeMessages(messages: readonly Message[]): readonly Buffer[] {
  const records: Buffer[] = []
  let texts: string[] = []
  let length = 0
  const end = () => {
    if (texts.length > 0) records.push(recordOf(`[${texts.join(',')}]`))
    texts = []
    length = 0
  }
  for (const message of messages) {
    const text = JSON.stringify(message)
    // At most three bytes for each UTF-16 unit; counting them exactly would cost another pass.
    const most = 3 * text.length + 1
    if (length + most > mostRecordBytes || texts.length >= mostMessages) end()
    texts.push(text)
    length += most
  }
  end()
  return records
}

function recordOf(text: string): Buffer {
  const record = Buffer.allocUnsafe(1 + Buffer.byteLength(text))
  record[0] = codecVersion
  record.write(text, 1)
  return record
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function decodeMessages(record: Uint8Array | null | undefined): Decoded {
  if (record == null || record.length === 0) return { refused: 'it is empty' }
  if (record.length > mostRecordBytes) return { refused: `it has ${record.length} bytes` }
  if (record[0] !== codecVersion) return { refused: `its version is ${record[0]}` }
  let content: unknown
  try {
    content = JSON.parse(utf8.decode(record.subarray(1)))
  } catch {
    return { refused: 'it is not JSON in UTF-8' }
  }
  if (!Array.isArray(content)) return { refused: 'it is not a list' }
  if (content.length > mostMessages) return { refused: `it has ${content.length} messages` }
  try {
    return { messages: content.map(decodeMessage) }
  } catch (error) {
    if (error instanceof Malformed) return { refused: error.message }
    throw error
  }
}
