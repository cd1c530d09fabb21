import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unifiedDiff } from './line-diff.ts'

function show(before: string, after: string): string {
  return unifiedDiff(before, after)
    .map(({ sign, text }) => (sign === '@' ? text : `${sign}${text}`))
    .join('\n')
}

test('shows what differs with three lines around it, as diff -u does', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i + 1}`)
  const before = `${lines.join('\n')}\n`
  const after = before
    .replace('line 5\n', 'line five\n')
    .replace('line 20\n', '')
    .replace('line 21\n', 'line 21\nnew\n')
  assert.equal(
    show(before, after),
    [
      '@@ -2,7 +2,7 @@',
      ...[' line 2', ' line 3', ' line 4', '-line 5', '+line five', ' line 6', ' line 7', ' line 8'],
      '@@ -17,8 +17,8 @@',
      ...[
        ' line 17',
        ' line 18',
        ' line 19',
        '-line 20',
        ' line 21',
        '+new',
        ' line 22',
        ' line 23',
        ' line 24',
      ],
    ].join('\n'),
  )
  assert.equal(show(before, before), '')
  assert.equal(show('', 'a\nb\n'), '@@ -0,0 +1,2 @@\n+a\n+b')
  assert.equal(show('a\n', ''), '@@ -1 +0,0 @@\n-a')
})

/** Puts the hunks on the old text, as `patch` would. */
function patch(before: string, after: string): string[] {
  const old = before === '' ? [] : before.split('\n')
  const result: string[] = []
  let next = 0
  for (const { sign, text } of unifiedDiff(before, after)) {
    if (sign === '@') {
      const head = /^@@ -(\d+)(?:,(\d+))? /.exec(text)
      const line = Number(head?.[1])
      const start = head?.[2] === '0' ? line : line - 1
      while (next < start) result.push(old[next++] as string)
    } else {
      if (sign !== '+') assert.equal(old[next++], text)
      if (sign !== '-') result.push(text)
    }
  }
  return [...result, ...old.slice(next)]
}

test('the hunks turn any text into the other', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 })
    .map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(text, text, (before, after) => {
      assert.deepEqual(patch(before, after), after === '' ? [] : after.split('\n'))
    }),
    { numRuns: 3_000 },
  )
})

test('texts too large to compare line by line are shown whole', () => {
  const before = Array.from({ length: 3_000 }, (_, i) => `a${i}`).join('\n')
  const after = Array.from({ length: 3_000 }, (_, i) => `b${i}`).join('\n')
  assert.equal(unifiedDiff(before, after).length, 6_001)
})
