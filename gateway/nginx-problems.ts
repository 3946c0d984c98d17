/**
 * What nginx answers where no service does: the same problem documents as lib/runtime. Each status
 * that nginx makes up leads to one location here.
 */
import type { ErrorCode } from '../lib/runtime/errors.ts'
import { statusOf } from '../lib/runtime/errors.ts'
import { problemDocument, problemType, retryAfterSeconds } from '../lib/runtime/problem.ts'

interface Refusal {
  /** Statuses of nginx: 494 is a header that is too long, 501 an unknown transfer encoding. */
  readonly from: readonly number[]
  readonly code: ErrorCode
  readonly detail: string
  /** A map's variable that says whether another refusal is meant, which it then names. */
  readonly unless?: string
}

const refusals: readonly Refusal[] = [
  {
    from: [400, 501, 505],
    code: 'invalid_request',
    detail: 'This is not a well-formed HTTP/1.1 request.',
    unless: '$refusal_of_bad_request',
  },
  { from: [404], code: 'unknown_route', detail: 'No route has this path.' },
  {
    from: [405],
    code: 'method_not_allowed',
    detail: 'Another method is right for this path, if any: see the Allow header.',
  },
  {
    from: [413],
    code: 'body_not_allowed',
    detail: 'Requests carry everything in their path: send no body.',
  },
  {
    from: [414, 431, 494],
    code: 'headers_too_large',
    detail: 'The request line or a header field is longer than this shop reads.',
  },
  {
    from: [504],
    code: 'not_known_yet',
    detail: 'A part of the shop went away before it answered; repeat the request or look.',
    unless: '$refusal_of_no_answer',
  },
  { from: [500, 503], code: 'internal', detail: 'The shop has logged what happened.' },
]

/** Answers that only the maps below lead to. */
const others: readonly Refusal[] = [
  {
    from: [],
    code: 'unavailable',
    detail: 'A part of the shop is away and nothing of this request has happened; try again.',
  },
]

/** Where this problem is answered. */
export const pathOf = (code: ErrorCode) => `/-/problem/${code}`

/**
 * For the http level: which problem is meant where the status alone does not say. nginx resolves
 * dot segments for itself and refuses paths that lead above the root before it has kept them: such
 * a path is well-formed, and no route. A request of which no byte was sent, whoever was tried, has
 * not happened.
 */
export const problemMaps = `\
  map "$request_uri|$request" $refusal_of_bad_request {
    default '';
    '~^[^|]*\\|CONNECT ' method_not_allowed;
    '~^\\|[A-Z]+ (?:https?://[^/ ]*)?/(?:[^% ]|%(?!00)[0-9A-Fa-f][0-9A-Fa-f])* HTTP/1\\.[01]$'
      unknown_route;
  }
  map "$class $upstream_bytes_sent" $refusal_of_no_answer {
    default '';
    ~^read unavailable;
    '~^[a-z]+ [0 ,:-]*$' unavailable;
  }
`

/** `pageOfNoAnswer`: a variable that says where a request goes whose service went away. */
export function problemLocations(pageOfNoAnswer: string): string {
  const pages = refusals.map(({ from, code }) => {
    return `    error_page ${from.join(' ')} = ${pathOf(code)};\n`
  })
  pages.push(`    error_page 502 = ${pageOfNoAnswer};\n`)
  const locations = [...refusals, ...others].map(locationOf)
  return `${pages.join('')}${locations.join('')}`
}

function locationOf({ code, detail, unless }: Refusal): string {
  const status = statusOf[code]
  const other =
    unless === undefined
      ? ''
      : `      if (${unless} != '') { rewrite ^ /-/problem/${unless}? last; }\n`
  const text = quoted(JSON.stringify(problemDocument(code, detail)))
  const headers: Partial<Record<number, string>> = {
    405: '      add_header Allow $allow always;\n',
    503: `      add_header Retry-After ${retryAfterSeconds} always;\n`,
  }
  return `\
    location = ${pathOf(code)} {
      internal;
${other}      default_type ${problemType};
${headers[status] ?? ''}      return ${status} '${text}';
    }
`
}

/** A text within single quotes; a dollar would be a variable, and there is no way to say one. */
function quoted(text: string): string {
  if (/[$'\\]/.test(text)) throw new TypeError(`nginx cannot be given this text: ${text}`)
  return text
}
