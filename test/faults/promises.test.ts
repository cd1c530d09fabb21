import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUICK } from '../../bench/faults/fault.ts'
import { FAULTS } from '../../bench/faults/index.ts'
import { skipWithout } from '../support/tools.ts'

/** The short form of `npm run faults`: one of each kind, with real backends. How quick it is is judged there, not here, where other tests may run beside. */
const CHOSEN = ['kill', 'pause', 'transitions', 'F2', 'F5', 'F6']

for (const fault of FAULTS.filter(({ name }) => CHOSEN.includes(name))) {
  test(`what is promised of failing backends holds: ${fault.name}`, {
    skip: skipWithout(...fault.needs),
  }, async () => {
    for (const { text, isKept } of await fault.run({ ...QUICK, slackMs: 10_000 })) {
      console.log(text)
      assert.ok(isKept, text)
    }
  })
}
