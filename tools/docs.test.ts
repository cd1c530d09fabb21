import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ENVIRONMENT } from '../src/gateway/settings.ts'
import { ERROR_CODES } from '../src/model/error-codes.ts'
import { ARROWS } from './check-arrows.ts'
import { listSettings } from './generate-docs.ts'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/*.md'], { cwd: root }).sort()
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

/** Text outside fenced blocks: what stands in them is no link and no name of ours. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '')

/** Names of the headings of a page, as links write them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, title]) => title as string)
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

test('every link between the pages leads somewhere', () => {
  const dead: string[] = []
  for (const page of pages) {
    for (const [, target] of prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target === undefined || /^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? resolve(root, page) : resolve(root, dirname(page), path)
      if (!existsSync(file)) dead.push(`${page}: ${target}`)
      else if (anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(anchor))
        dead.push(`${page}: ${target} (no such heading)`)
    }
  }
  assert.deepEqual(dead, [])
})

/** Fields of documents whose first part is also a group of settings. */
const DOCUMENT_FIELDS = new Set(['tls.verify'])

test('settings that the pages name exist', () => {
  const known = new Set(listSettings().map((row) => row.path))
  const groups = new Set([...known].filter((path) => path.includes('.')).map((path) => path.split('.')[0]))
  const unknown: string[] = []
  for (const page of pages) {
    for (const [, name] of prose(read(page)).matchAll(/`([a-z]\w*\.[a-zA-Z]+)(?:: [^`]*)?`/g)) {
      if (name === undefined || !groups.has(name.split('.')[0])) continue
      // files that begin like a group
      if (/\.(?:key|log|router|ts|md|yaml|json)$/.test(name) && !known.has(name)) continue
      if (!known.has(name) && !DOCUMENT_FIELDS.has(name)) unknown.push(`${page}: ${name}`)
    }
  }
  assert.deepEqual(unknown, [])
})

test('files of the sources that the pages name exist', () => {
  const gone: string[] = []
  const folders = ['src', 'test', 'tools', 'bench', 'examples', 'docs', 'bin', 'deploy']
  for (const page of pages) {
    for (const [, name] of prose(read(page)).matchAll(
      /`((?:[\w-]+\/)+[\w.-]+\.(?:ts|js|md|yaml|service))`/g,
    )) {
      if (name === undefined) continue
      const first = name.split('/')[0] as string
      const path = folders.includes(first) ? name : `src/${name}`
      if (!existsSync(resolve(root, path))) gone.push(`${page}: ${name}`)
    }
  }
  assert.deepEqual(gone, [])
})

test('ARCHITECTURE.md has the table of arrows that the check uses', () => {
  const text = read('ARCHITECTURE.md')
  const section = text.slice(text.indexOf('## Who may import whom'), text.indexOf('## Where to put what'))
  const rows: Record<string, readonly string[]> = {}
  for (const line of section.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim())
    const folder = cells[1]
    if (cells.length !== 4 || folder === undefined || folder === 'folder' || folder.startsWith('-')) continue
    rows[folder] = cells[2] === '' ? [] : (cells[2] as string).split(', ')
  }
  assert.deepEqual(rows, ARROWS)
})

test('the README lists every flag of headgate start, and no other', () => {
  const flags = [...read('README.md').matchAll(/^\| `--([a-z-]+)/gm)].map(([, flag]) => flag)
  const known = Object.keys(ENVIRONMENT).map((name) =>
    name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  )
  assert.deepEqual(flags.sort(), known.sort())
})

test('error codes that the pages name exist', () => {
  const unknown: string[] = []
  for (const page of pages) {
    for (const [, name] of prose(read(page)).matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)) {
      // other names in capitals: environment variables, what the system has, words of documents
      if (name === undefined || /^(?:HEADGATE|LISTEN|SO|NO|ROUND)_/.test(name) || name in ERROR_CODES)
        continue
      unknown.push(`${page}: ${name}`)
    }
  }
  assert.deepEqual(unknown, [])
})

test('metrics that the pages name stand in docs/metrics.md', () => {
  const listed = new Set([...read('docs/metrics.md').matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name))
  const unknown: string[] = []
  for (const page of pages) {
    for (const [, name] of prose(read(page)).matchAll(/\b(headgate_\w+)/g)) {
      const plain = name?.replace(/_(?:bucket|sum|count)$/, '')
      if (!listed.has(name) && !listed.has(plain)) unknown.push(`${page}: ${name}`)
    }
  }
  assert.deepEqual(unknown, [])
})

test('docs/life-of-a-request.md has the phases of the exchange in their order', () => {
  const line = read('src/proxy/exchange.ts')
    .split('\n')
    .find((text) => text.includes('begin ▸'))
  assert.ok(line !== undefined, 'the comment of the class names the phases')
  const phases = line.replace(/^[\s*]+/, '').split(' ▸ ')
  const rows = [...read('docs/life-of-a-request.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  assert.deepEqual(rows, phases)
})
