/** Threads that share work: each job once, what one throws is told, the dead are not waited for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCampaign } from './campaign.ts'
import { openThreads, runInThreads } from './campaigns/in-threads.ts'
import { Crew } from './crew.ts'

/** A crew's file in a line. */
const crewOf = (body: string) => {
  const crew = JSON.stringify(new URL('crew.ts', import.meta.url).href)
  const text = `import { work } from ${crew}; work(async (job) => { ${body} })`
  return new Crew<number, unknown>(new URL(`data:text/javascript,${encodeURIComponent(text)}`), 2)
}

test('each job is done once, and answered to who gave it', async () => {
  const crew = crewOf('return job * 2')
  const jobs = Array.from({ length: 20 }, (_, index) => index)
  assert.deepEqual(
    await Promise.all(jobs.map((job) => crew.do(job))),
    jobs.map((job) => job * 2),
  )
  await crew.close()
})

test('a job that throws rejects, and the next one is done', async () => {
  const crew = crewOf(`if (job < 2) throw new Error('no ' + job); return job`)
  const told = await Promise.allSettled([0, 1, 2, 3].map((job) => crew.do(job)))
  assert.deepEqual(
    told.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.message)),
    ['no 0', 'no 1', 2, 3],
  )
  await crew.close()
})

test('a thread that dies rejects what was given and what is given later', async () => {
  const crew = crewOf(
    `setImmediate(() => { throw new Error('dead') }); await new Promise(() => {})`,
  )
  const given = [0, 1, 2].map((job) => crew.do(job))
  for (const each of given) await assert.rejects(each, /dead/)
  await assert.rejects(crew.do(3), /dead/)
  await crew.close()
})

test('a campaign finds the same, whoever runs its histories', async () => {
  const [firstSeed, histories] = [9_000, 120]
  const goOn = (done: number) => done < histories
  const alone = await runCampaign('saga/order', { kind: 'plain', firstSeed, goOn })
  const threads = openThreads(3)
  const done: number[] = []
  const shared = await runInThreads('saga/order', threads, {
    kind: 'plain',
    firstSeed,
    left: (handedOut) => histories - handedOut,
    onDone: (count) => done.push(count),
  })
  await threads.close()
  const plain = ({ coverage, ...result }: typeof alone) => ({
    ...result,
    counts: [...coverage.counts].sort(),
  })
  assert.deepEqual(plain(shared), plain(alone))
  assert.deepEqual(
    done.sort((a, b) => a - b),
    [20, 50, 50],
  )
})
