import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ORIGIN } from '../test-fixtures.ts'
import { CompiledMirror } from './mirror.ts'

function mirrorOf(percent: number): CompiledMirror {
  return new CompiledMirror({ kind: 'mirror', origin: ORIGIN, when: null, upstreamIds: [], percent }, [])
}

test('the n-th request is copied when floor(n x percent / 100) grows, for every percentage', () => {
  for (let percent = 0; percent <= 100; percent++) {
    const mirror = mirrorOf(percent)
    let copies = 0
    for (let n = 1; n <= 20_100; n++) {
      const isDue = mirror.isNextDue
      assert.equal(mirror.isNextDue, isDue, 'asking moves nothing on')
      assert.equal(mirror.take(), isDue)
      if (isDue) copies++
      assert.equal(copies, Math.floor((n * percent) / 100), `${percent} % after ${n}`)
    }
  }
})

test('parts of a percent are exact over ten thousand requests', () => {
  const mirror = mirrorOf(0.25)
  let copies = 0
  for (let n = 0; n < 20_000; n++) if (mirror.take()) copies++
  assert.equal(copies, 50)
})
