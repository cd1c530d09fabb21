import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { isJsonObject } from '../../model/json.ts'
import { type FileReader, formatPlace } from './file-reader.ts'
import { listFiles } from './list-files.ts'
import { parseFile } from './parse-file.ts'
import { type FileResult, mergeFiles, readGatewaySettings, readText } from './read-files.ts'

/** A small language: `routes` and `upstreams` are lists of objects with an id. */
const READER: FileReader = {
  dialect: 'toy',
  kinds: ['routes', 'upstreams'],
  read: (root) => {
    if (!isJsonObject(root) || !Object.keys(root).every((key) => ['routes', 'upstreams'].includes(key))) {
      return null
    }
    const documents = Object.entries(root).flatMap(([kind, list]) =>
      (Array.isArray(list) ? list : []).map((value, i) => ({
        kind,
        id: String(value.id),
        value,
        path: `${kind}[${i}]`,
      })),
    )
    return { documents: documents.filter(({ id }) => id !== 'undefined'), faults: [] }
  },
  validate: (_, value) =>
    typeof value.uri === 'string' ? [] : [{ path: 'uri', message: 'must be a text', hint: null }],
}

function read(text: string, file = 'c.yaml', environment: NodeJS.ProcessEnv = {}): FileResult {
  return readText(file, text, [READER], environment, false)
}

function faultsOf(result: FileResult): string[] {
  return result.faults.map((fault) => `${formatPlace(fault.place)}: ${fault.path}: ${fault.message}`)
}

describe('reading configuration files', () => {
  it('gives documents with the place of everything in them', () => {
    const text =
      'routes:\n  - id: 1\n    uri: /a\n    labels:\n      a.b: x\n      a: {b: y}\n    list: [10, [20, 30]]\n'
    const result = read(text)
    assert.deepEqual(result.faults, [])
    const [document] = result.documents
    assert.deepEqual(document?.key, { dialect: 'toy', kind: 'routes', id: '1' })
    const at = (path: string): string =>
      formatPlace(document?.locate(path) ?? { file: '', line: 0, column: 0 })
    assert.equal(at(''), 'c.yaml:2:5')
    assert.equal(at('uri'), 'c.yaml:3:10')
    assert.equal(at('labels'), 'c.yaml:4:5')
    assert.equal(at('labels.a.b'), 'c.yaml:5:12')
    assert.equal(at('list[1][1]'), 'c.yaml:7:21')
    assert.equal(at('labels.missing.deeper'), 'c.yaml:4:5')
    assert.equal(at('nothing[3]'), 'c.yaml:2:5')
  })

  it('reads several YAML documents in one file, aliases and merge keys', () => {
    const text = 'routes:\n- &a {id: 1, uri: /a}\n---\nroutes:\n- &b {id: 2, uri: /b}\n- {<<: *b, id: 3}\n'
    const result = read(text)
    assert.deepEqual(
      result.documents.map(({ value }) => value),
      [
        { id: 1, uri: '/a' },
        { id: 2, uri: '/b' },
        { uri: '/b', id: 3 },
      ],
    )
    assert.equal(
      formatPlace(result.documents[1]?.locate('uri') ?? { file: '', line: 0, column: 0 }),
      'c.yaml:5:19',
    )
  })

  it('keeps YAML 1.2 values: no is a text, an octal is not guessed', () => {
    const [document] = read(
      'routes:\n- {id: 1, uri: /a, a: no, b: 010, c: 1e3, d: 2001-01-01, e: ~}\n',
    ).documents
    assert.deepEqual(document?.value, { id: 1, uri: '/a', a: 'no', b: 10, c: 1000, d: '2001-01-01', e: null })
  })

  const faulty: [title: string, text: string, expected: RegExp, file?: string][] = [
    ['a syntax error', 'routes:\n  - id: [1\n', /^c\.yaml:3:1: : .+/],
    ['a key given twice', 'routes: []\nroutes: []\n', /^c\.yaml:2:1: : Map keys must be unique$/],
    ['an alias to nothing', 'routes: *none\n', /^c\.yaml:1:9: : \*none names no anchor/],
    [
      'a key that reaches for prototypes',
      'routes:\n- __proto__: {}\n',
      /^c\.yaml:2:3: __proto__: __proto__ may not be a key$/,
    ],
    [
      'a number JSON does not know',
      'routes:\n- {id: 1, uri: /, n: .nan}\n',
      /^c\.yaml:2:22: : \.nan is no number/,
    ],
    ['an empty file', ' \n', /^c\.yaml:1:1: : the file is empty$/],
    [
      'a variable that is not set',
      `routes:\n- {id: 1, uri: "\${{NO_SUCH}}"}\n`,
      /^c\.yaml:2:16: : the environment variable NO_SUCH is not set$/,
    ],
    [
      'apisix.yaml without its last line',
      'routes: []\n',
      /^d\/apisix\.yaml:2:1: : the last line is not #END$/,
      'd/apisix.yaml',
    ],
    ['JSON with YAML in it', '{"routes": [], # no\n}', /^c\.json:1:16: : is no JSON/, 'c.json'],
    [
      'a fault of one document',
      'routes:\n- id: 1\n  uri: 5\n',
      /^c\.yaml:3:8: routes\[0\]\.uri: must be a text$/,
    ],
    ['a mistyped collection', 'upstreams: []\nroute: []\n', /^c\.yaml:2:1: route: route is nothing/],
    ['a file in no known form', 'hello: 1\n', /^c\.yaml:1:8: hello: the file is in no form/],
    ['a text instead of an object', 'just words\n', /^c\.yaml:1:1: : the file is in no form/],
  ]
  for (const [title, text, expected, file] of faulty) {
    it(`places the fault of ${title}`, () => {
      const faults = faultsOf(read(text, file))
      assert.equal(faults.length, 1, faults.join('\n'))
      assert.match(faults[0] ?? '', expected)
    })
  }

  it('guesses what a mistyped collection meant', () => {
    assert.equal(read('route: []\n').faults[0]?.hint, 'did you mean routes?')
  })

  it('finds every fault of a file at once and keeps the documents that are good', () => {
    const result = read('routes:\n- {id: 1, uri: 5}\n- {id: 2, uri: /}\n- {id: 3}\n')
    assert.equal(result.faults.length, 2)
    assert.deepEqual(
      result.documents.map(({ key }) => key.id),
      ['2'],
    )
  })

  it('refuses documents that unfold without end', () => {
    let text = 'routes: &a0 [x]\n'
    for (let i = 1; i < 12; i++)
      text += `k${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`
    assert.match(faultsOf(read(text))[0] ?? '', /Excessive alias count/)
  })

  it('survives nesting that is deeper than any stack', () => {
    const result = read(`${'['.repeat(100_000)}`)
    assert.ok(result.faults.length > 0)
  })

  it('takes apisix.yaml with #END, and elsewhere reads it as the comment it is', () => {
    assert.deepEqual(read('routes: []\n#END\n', 'apisix.yaml').faults, [])
    assert.deepEqual(read('routes: []\n#END').faults, [])
    const lost = readText('c.yaml', 'routes: []\n', [READER], {}, true)
    assert.match(lost.faults[0]?.message ?? '', /#END/)
  })

  it('fills in the environment: text, number, truth, default, several in one text', () => {
    const environment = { PORT: '8080', ON: 'true', NAME: 'x', ZEROS: '007', EMPTY: '' }
    const text = `routes:\n- {id: 1, uri: "/\${{NAME}}/\${{ NAME }}", a: "\${{PORT}}", b: "\${{ON}}", c: "\${{NO:=d:=e}}", d: "\${{ZEROS}}", e: "\${{EMPTY:=f}}", f: "$\${{", "\${{NAME}}": 1}\n`
    const [document] = read(text, 'c.yaml', environment).documents
    assert.deepEqual(document?.value, {
      id: 1,
      uri: '/x/x',
      a: 8080,
      b: true,
      c: 'd:=e',
      d: '007',
      e: '',
      f: `$\${{`,
      x: 1,
    })
  })

  it('names both places of a document that is defined twice, and the first one counts', () => {
    const a = read('routes:\n- {id: 1, uri: /a}\n', 'a.yaml')
    const b = read('routes:\n- {id: 2, uri: /b}\n- {id: 1, uri: /c}\n', 'b.yaml')
    const { documents, faults } = mergeFiles([a, b], [])
    assert.deepEqual(
      [...documents.values()].map(({ value }) => value.uri),
      ['/a', '/b'],
    )
    assert.equal(faults.length, 1)
    assert.equal(faults[0] && formatPlace(faults[0].place), 'b.yaml:3:3')
    assert.equal(faults[0]?.message, 'toy/routes/1 is already defined at a.yaml:2:3')
  })

  it('leaves start-up settings out of the documents', () => {
    const result = read('gateway: {workers: 2}\nroutes:\n- {id: 1, uri: /}\n')
    assert.deepEqual(result.faults, [])
    assert.equal(result.documents.length, 1)
    assert.deepEqual(result.settings[0]?.value, { workers: 2 })
    assert.deepEqual(read('gateway: {workers: 2}\n').faults, [])
  })

  it('never throws and keeps every place inside the file, whatever the text is', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'routes:',
        '\n',
        '- ',
        '  ',
        'id: 1',
        '{',
        '}',
        '[',
        ']',
        '&a ',
        '*a',
        '#END',
        '---',
        '"',
        ': ',
        `\${{`,
        '}}',
        '\t',
        '\r\n',
        '? ',
        '!!set',
        '<<: ',
      ),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('')
        const result = read(text)
        const lines = text.split('\n').length
        for (const { place } of result.faults) {
          assert.ok(place.line >= 1 && place.line <= lines + 1 && place.column >= 1, formatPlace(place))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('gives any JSON document back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }), (value) => {
        const text = JSON.stringify({ wrapped: value }, null, 2)
        if (/__proto__|constructor|prototype|\$\{\{|<</.test(text)) return
        const parsed = parseFile('c.json', text, {}, false)
        assert.deepEqual(parsed.faults, [])
        assert.equal(JSON.stringify(parsed.roots[0]?.value), JSON.stringify(JSON.parse(text)))
      }),
      { numRuns: 200 },
    )
  })
})

describe('configuration directories', () => {
  function folder(context: TestContext): string {
    const directory = mkdtempSync(join(tmpdir(), 'headgate-files-'))
    context.after(() => rmSync(directory, { recursive: true, force: true }))
    return directory
  }

  it('list YAML and JSON files by name, without hidden files, backups and folders', (context) => {
    const directory = folder(context)
    for (const name of [
      'b.yml',
      'a.yaml',
      'c.JSON',
      '.hidden.yaml',
      'a.yaml~',
      '#a.yaml#',
      'x.txt',
      '.a.yaml.swp',
    ]) {
      writeFileSync(join(directory, name), '')
    }
    mkdirSync(join(directory, 'd.yaml'))
    assert.deepEqual(
      listFiles(directory).files.map((file) => file.slice(directory.length + 1)),
      ['a.yaml', 'b.yml', 'c.JSON'],
    )
  })

  it('hold one settings object; a second one is a fault that names the first', (context) => {
    const directory = folder(context)
    writeFileSync(join(directory, 'a.yaml'), `routes: []\ngateway:\n  workers: \${{W:=3}}\n`)
    const one = readGatewaySettings(directory, {})
    assert.deepEqual([one.value, one.faults], [{ workers: 3 }, []])
    assert.deepEqual(one.locate('workers').line, 3)
    writeFileSync(join(directory, 'b.yaml'), 'gateway: {workers: 4}\n')
    const two = readGatewaySettings(directory, {})
    assert.deepEqual(two.value, { workers: 3 })
    assert.match(two.faults[0]?.message ?? '', /settings stand already at .*a\.yaml:2:1/)
  })
})
