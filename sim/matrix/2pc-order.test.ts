/** The cells of 2pc/order, as gate.ts runs them. */
import { gate } from './gate.ts'

gate('2pc/order')
