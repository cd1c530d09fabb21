import { testRestCases } from '../testing/rest-cases.ts'
import { FakeClient } from './rest/testing.ts'

/**
 * Golden cases: `cases-rest/*.case`, as testing/rest-cases.ts has them. A step begins with `> Action`, or with `> METHOD /path` where the form of the call matters.
 * The answer is X-Headgate-Warning, and the body without its envelope and RequestId. The clock begins at 2026-11-27T06:00:01Z and moves by one second per step; ids
 * are numbered.
 */
testRestCases(new URL('./cases-rest/', import.meta.url), 'tencent', {
  start: (settings) => {
    const client = new FakeClient(settings)
    return ({ first, headers, body }) =>
      first.includes(' ')
        ? client.send(first, body, headers)
        : client.send('POST /tencent', body === '' ? '{}' : body, { 'x-tc-action': first, ...headers })
  },
  describe: ({ status, headers, body }) => {
    const lines: string[] = status === 200 ? [] : [String(status)]
    for (const value of [headers['X-Headgate-Warning'] ?? []].flat())
      lines.push(`X-Headgate-Warning: ${value}`)
    const { RequestId: _, ...rest } = (JSON.parse(body) as { Response: Record<string, unknown> }).Response
    return [...lines, JSON.stringify(rest)].join('\n')
  },
})
