/** The cells of saga/order, as gate.ts runs them. */
import { gate } from './gate.ts'

gate('saga/order')
