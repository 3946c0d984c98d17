/**
 * Whether Kafka can run here. Tests that need it are skipped where it cannot, in capitals and with
 * the line that would change that; where CI=true a missing engine is a failure.
 */
import { missingForKafka } from '../cli/engines/kafka-install.ts'

const missing = await missingForKafka()

/** For `test` and `describe`: false, or why they are skipped. */
export function skippedWithoutKafka(environment: { CI?: string | undefined }): string | false {
  if (missing.length === 0) return false
  const what = missing.join(' and ')
  const sentence = `KAFKA TESTS CANNOT RUN: ${what} missing. RUN: ./till engines install`
  if (environment.CI === 'true') throw new Error(sentence)
  return sentence
}
