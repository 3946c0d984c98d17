/** How a command ends when it cannot do what it was asked for: a sentence and an exit code. */

export const exitCodes = {
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** No shop runs on this data. */
  notRunning: 3,
  /** The shop's process runs, but a part of it does not answer. */
  notAnswering: 4,
} as const

/** `message` is a sentence that says what to do; it is printed without a stack. */
export class CommandFailure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message)
    this.name = 'CommandFailure'
    this.exitCode = exitCode
  }
}
