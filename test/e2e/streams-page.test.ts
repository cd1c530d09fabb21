import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, startGateway } from '../support/gateway.ts'
import { startNamed } from '../support/stream-peers.ts'
import { findFreePorts, runTool, skipWithout } from '../support/tools.ts'

/** docs/streams.md: its files are good ones, its commands do what it says, its flags are flags. */

const page = readFileSync(join(ROOT, 'docs/streams.md'), 'utf8')

function blocks(language: string): readonly string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return [...page.matchAll(pattern)].map(([, text = '']) => text)
}

function renamed(text: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce((so, [from, to]) => so.replaceAll(from, to), text)
}

test('every file that docs/streams.md shows is a good one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-page-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const texts = blocks('yaml')
  assert.equal(texts.length, 2)
  for (const text of texts) {
    const file = join(folder, 'page.yaml')
    writeFileSync(file, text)
    const command = [join(ROOT, 'bin/headgate.js'), 'validate', '-f', file]
    const { code, stdout } = await runTool(process.execPath, command)
    assert.equal(code, 0, stdout)
    assert.match(stdout, /: valid \(\d+ documents\)\n$/)
  }
})

test('the commands of docs/streams.md send one connection in ten to the new endpoint', {
  skip: skipWithout('curl'),
}, async (t) => {
  const [script = ''] = blocks('sh')
  const [start = '', ...calls] = script.split('\n')
  const [fresh, old] = [await startNamed(t, 'new'), await startNamed(t, 'old')]
  const [port, admin] = (await findFreePorts(2)) as [number, number]
  const names = {
    '9100': String(port),
    '9180': String(admin),
    '10.0.0.2:5432': fresh.node,
    '10.0.0.1:5432': old.node,
  }
  const [program, verb, ...flags] = renamed(start, names).split(' ')
  assert.deepEqual([program, verb], ['headgate', 'start'])
  const gateway = await startGateway([...flags, '--admin', `127.0.0.1:${admin}`])
  t.after(() => gateway.stop('SIGKILL'))
  const { code, stdout, stderr } = await runTool('sh', ['-ec', renamed(calls.join('\n'), names)])
  assert.equal(code, 0, stderr)
  assert.doesNotMatch(stdout, /error/)
  const answers: string[] = []
  for (let i = 0; i < 20; i++) {
    let text = ''
    for await (const part of connect(port, '127.0.0.1')) text += String(part)
    answers.push(text)
  }
  const counts = ['new', 'old'].map((name) => answers.filter((answer) => answer === name).length)
  assert.deepEqual(counts, [2, 18])
})

test('the flags that docs/streams.md names are taken', async (t) => {
  const shown = [...page.matchAll(/^\| `(--listen\S*) (\S+)` \||`(--proxy-protocol) (\S+)`/gm)].map(
    (match) => [match[1] ?? match[3] ?? '', match[2] ?? match[4] ?? ''],
  )
  assert.equal(shown.length, 4)
  const [tcp, tls, udp] = (await findFreePorts(3)) as [number, number, number]
  const names = { '9100': String(tcp), '9101': String(tls), '9053': String(udp) }
  const flags = shown.map(([flag = '', value = '']) => [flag, renamed(value, names)])
  const gateway = await startGateway(['--workers', '1', ...flags.flat()])
  t.after(() => gateway.stop('SIGKILL'))
  assert.equal((await gateway.status('/readyz')).status, 200)
})
