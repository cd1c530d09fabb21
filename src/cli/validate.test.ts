import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { dialects } from '../dialects/index.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { runValidate, type ValidateIo } from './validate.ts'

interface Run {
  readonly status: number
  readonly output: string
  readonly errors: string
}

async function validate(
  target: string,
  options: { output?: 'text' | 'json'; input?: string; hasColor?: boolean } = {},
): Promise<Run> {
  let output = ''
  let errors = ''
  const io: ValidateIo = {
    readInput: async () => options.input ?? '',
    environment: {},
    hasColor: options.hasColor ?? false,
    write: (text) => {
      output += text
    },
    writeError: (text) => {
      errors += text
    },
  }
  const status = await runValidate(
    { target, output: options.output ?? 'text', dialects, settings: DEFAULT_SETTINGS },
    io,
  )
  return { status, output, errors }
}

function folder(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-validate-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const GOOD = `upstreams:
  - id: 1
    type: roundrobin
    nodes: {"127.0.0.1:1980": 1}
routes:
  - id: 1
    uri: /hello
    upstream_id: 1
#END
`

describe('headgate validate', () => {
  it('says in one line that a file is valid', async (context) => {
    const file = join(folder(context), 'apisix.yaml')
    writeFileSync(file, GOOD)
    assert.deepEqual(await validate(file), {
      status: 0,
      output: `${file}: valid (2 documents)\n`,
      errors: '',
    })
  })

  it('shows every fault at once with its place, its line and a caret', async (context) => {
    const file = join(folder(context), 'routes.yaml')
    writeFileSync(file, 'routes:\n  - id: 1\n    uri: 5\n  - id: 2\n    uri: /a\n    upstream: {nodes: 7}\n')
    const { status, output } = await validate(file)
    assert.equal(status, 1)
    const lines = output.split('\n')
    const at = lines.findIndex((line) => line.startsWith(`${file}:3:10: routes[0].uri: `))
    assert.ok(at >= 0, output)
    assert.deepEqual(lines.slice(at + 1, at + 3), ['  3 |     uri: 5', '    |          ^'])
    assert.ok(
      lines.some((line) => line.startsWith(`${file}:6:23: routes[1].upstream.nodes: `)),
      output,
    )
    assert.match(output, /: 0 documents, [2-9] faults\n$/)
  })

  it('warns of an upstream that no file defines, and is content with one from another file', async (context) => {
    const directory = folder(context)
    writeFileSync(join(directory, 'routes.yaml'), 'routes:\n- {id: 1, uri: /, upstream_id: u}\n')
    const alone = await validate(directory)
    assert.equal(alone.status, 0)
    assert.match(alone.output, /routes\.yaml:2:32: warning: routes\[0\]\.upstream_id: /)
    assert.match(alone.output, /valid \(1 document, 1 warning\)\n$/)
    writeFileSync(
      join(directory, 'upstreams.json'),
      '{"upstreams": [{"id": "u", "type": "roundrobin", "nodes": {"127.0.0.1:1": 1}}]}',
    )
    assert.match((await validate(directory)).output, /valid \(2 documents\)\n$/)
  })

  it('reads standard input, and tells machines in JSON', async () => {
    const { status, output } = await validate('-', { output: 'json', input: 'routes: [\n' })
    assert.equal(status, 1)
    const report = JSON.parse(output)
    assert.equal(report.documents, 0)
    assert.deepEqual(report.warnings, [])
    assert.deepEqual(Object.keys(report.faults[0]), ['file', 'line', 'column', 'path', 'message', 'hint'])
    assert.deepEqual([report.faults[0].file, report.faults[0].line], ['<stdin>', 2])
  })

  it('guesses what a mistyped collection meant', async () => {
    const { output } = await validate('-', { input: 'route:\n- {uri: /}\n' })
    assert.match(output, /^<stdin>:1:1: route: .+ \(did you mean routes\?\)\n/)
  })

  it('is told in one line that there is no such file', async () => {
    const { status, output, errors } = await validate('/nowhere/at/all.yaml')
    assert.deepEqual([status, output], [1, ''])
    assert.match(errors, /^headgate: \/nowhere\/at\/all\.yaml: cannot be read: ENOENT[^\n]*\n$/)
  })

  it('colours on demand only, and never passes controls of the file on', async () => {
    const input = 'routes:\n- {id: "\u001b[31m", uri: 5}\n'
    const plain = await validate('-', { input })
    assert.ok(!plain.output.includes('\u001b'))
    assert.match((await validate('-', { input, hasColor: true })).output, /^\u001b\[1m<stdin>:/)
  })

  it('cuts a very long line around its fault', async () => {
    const input = `{"routes": [${'{"id": 1, "uri": "/"}, '.repeat(1)}{"id": 2, "pad": "${'p'.repeat(5000)}", "uri": 5}]}`
    const { output } = await validate('-', { input })
    assert.ok(output.split('\n').every((line) => line.length < 300))
    assert.match(output, /\^/)
  })
})
