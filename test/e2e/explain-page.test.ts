import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/gateway.ts'
import { runTool } from '../support/tools.ts'

/** docs/explain.md: its files are written, its commands are run, and what they print is what the page shows. */

const page = readFileSync(join(ROOT, 'docs/explain.md'), 'utf8')

test('the commands of docs/explain.md print what the page shows', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-explain-page-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const files = [...page.matchAll(/into `(\w+\.yaml)`:\n\n```yaml\n([\s\S]*?)^```$/gm)]
  assert.equal(files.length, 4)
  for (const [, name = '', yaml = ''] of files) writeFileSync(join(folder, name), yaml)
  const shown = [...page.matchAll(/^```console\n\$ headgate (.*)\n([\s\S]*?)^```$/gm)]
  assert.ok(shown.length >= 7)
  for (const [, command = '', expected] of shown) {
    const script = `"$NODE" "$HEADGATE" ${command}`
    const { stdout, stderr } = await runTool('sh', ['-c', script], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        LANG: 'C.UTF-8',
        NODE: process.execPath,
        HEADGATE: join(ROOT, 'bin/headgate.js'),
      },
    })
    assert.equal(`${stdout}${stderr}`, expected, command)
  }
})
