/** Plain output: colours on terminals only, answers on stdout. Tables and JSON: print.ts. */
import pc from 'picocolors'

/** Colours for what goes to stdout. */
export const colours = pc.createColors(process.stdout.isTTY === true && pc.isColorSupported)

export const say = (text: string): void => void process.stdout.write(`${text}\n`)
