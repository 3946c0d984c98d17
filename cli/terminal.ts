/** Plain output: colours on terminals only, answers on stdout. Tables and JSON: print.ts. */
import pc from 'picocolors'

/** Colours for what goes to this stream: none where it is no terminal, whatever else says so. */
export const coloursOn = ({ isTTY }: { readonly isTTY?: boolean }) =>
  pc.createColors(isTTY === true && pc.isColorSupported)

export const colours = coloursOn(process.stdout)
export type Colours = typeof colours

export const say = (text: string): void => void process.stdout.write(`${text}\n`)
