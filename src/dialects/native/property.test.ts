import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { parse as parseYaml } from 'yaml'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { Operator, Predicate, Scalar } from '../../model/predicate.ts'
import type { PathPattern, PatternPiece } from '../../model/route.ts'
import { RoutingTable } from '../../routing/routing-table.ts'
import { makeEnvironment, makeSection } from '../../routing/test-fixtures.ts'
import { translateWhen } from './conditions.ts'
import { native } from './index.ts'
import { parsePath } from './patterns.ts'
import { Sink } from './sink.ts'
import { nativeFiles } from './testing/generate.ts'
import { document, translateAll } from './testing/translate.ts'
import type { When } from './types.ts'

function documentsOf(file: JsonValue): readonly StoredDocument[] {
  const found = native.readFile(file, DEFAULT_SETTINGS)
  assert.deepEqual(found?.faults, [])
  return (found?.documents ?? []).map(({ kind, id, value }) => document(kind, id, value))
}

test('files made by the rules validate, translate without a throw, and compile', () => {
  fc.assert(
    fc.property(nativeFiles, (file) => {
      const documents = documentsOf(file)
      for (const { key, value } of documents) {
        assert.deepEqual(native.validate(key.kind, value, DEFAULT_SETTINGS), [])
      }
      const { objects } = translateAll(documents)
      const table = new RoutingTable([makeSection('native')], makeEnvironment())
      const edit = table.begin()
      for (const object of objects) if (object.kind === 'route') edit.upsert(object)
      edit.commit(1)
      // every upstream that a target names is an object of the model
      const upstreams = new Set(objects.filter(({ kind }) => kind === 'upstream').map(({ id }) => id))
      for (const object of objects) {
        if (object.kind !== 'route') continue
        for (const { split } of object.rules) {
          for (const target of split.targets) {
            if (target.kind === 'upstream') assert.ok(upstreams.has(target.upstreamId), target.upstreamId)
          }
        }
      }
      assert.equal(new Set(objects.map(({ kind, id }) => `${kind} ${id}`)).size, objects.length)
    }),
    { numRuns: 500 },
  )
})

test('what is written is read back, and translation does not see written defaults', () => {
  fc.assert(
    fc.property(nativeFiles, (file) => {
      const documents = documentsOf(file)
      const plain = documents.map(({ key, value }) => ({ kind: key.kind, id: key.id, value }))
      const { objects, warnings } = translateAll(documents)
      const filled = documents.map(({ key, value }) =>
        document(key.kind, key.id, native.normalize(key.kind, value)),
      )
      // one key cannot be beside the default of another
      const comparable = filled.map((one) =>
        one.value.host === undefined
          ? one
          : document(one.key.kind, one.key.id, without(one.value, 'sendHost')),
      )
      assert.deepEqual(translateAll(comparable), { objects, warnings })
      assert.ok(isDeepStrictEqual(sortById(plain), sortById(readBack(native.writeFile(plain)))))
    }),
    { numRuns: 300 },
  )
})

interface Plain {
  readonly kind: string
  readonly id: string
  readonly value: JsonObject
}

function readBack(text: string): readonly Plain[] {
  return documentsOf(parseYaml(text)).map(({ key, value }) => ({ kind: key.kind, id: key.id, value }))
}

function sortById(documents: readonly Plain[]): readonly Plain[] {
  return documents.toSorted((a, b) => (`${a.kind}/${a.id}` < `${b.kind}/${b.id}` ? -1 : 1))
}

function without(value: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
}

// ================= a model made by hand, and the document that says it =================

interface Said {
  readonly predicate: Predicate
  readonly when: JsonValue
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  equals: 'equal',
  notEquals: 'notEqual',
  greater: 'greater',
  greaterOrEqual: 'greaterOrEqual',
  less: 'less',
  lessOrEqual: 'lessOrEqual',
  matches: 'matches',
  matchesIgnoringCase: 'matchesIgnoringCase',
}

const subjects = fc.constantFrom<readonly [variable: string, subject: JsonObject]>(
  ['http_x_env', { header: 'X-Env' }],
  ['arg_v', { query: 'v' }],
  ['cookie_beta', { cookie: 'beta' }],
  ['uri_param_id', { param: 'id' }],
  ['post_arg_name', { form: 'name' }],
  ['post_arg.user.plan', { body: 'user.plan' }],
  ['uri', { request: 'path' }],
  ['remote_addr', { request: 'client' }],
  ['graphql_name', { variable: 'graphql_name' }],
)

const comparisons: fc.Arbitrary<Said> = fc
  .tuple(subjects, fc.constantFrom(...Object.keys(OPERATORS)), fc.integer({ min: 0, max: 99 }))
  .map(([[variable, subject], word, number]) => {
    const value: Scalar = /^(?:greater|less)/.test(word) ? number : String(number)
    return {
      predicate: { kind: 'test', variable, operator: OPERATORS[word] as Operator, value },
      when: { ...subject, [word]: value },
    }
  })

/** Lists of two and more: one condition alone is that condition. */
const said: fc.Arbitrary<Said> = fc.letrec<{ said: Said }>((tie) => ({
  said: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    comparisons,
    fc.array(tie('said'), { minLength: 2, maxLength: 3 }).map((parts) => ({
      predicate: { kind: 'any', of: parts.map(({ predicate }) => predicate) } as Predicate,
      when: { any: parts.map(({ when }) => when) },
    })),
    fc.tuple(fc.boolean(), fc.array(tie('said'), { minLength: 2, maxLength: 3 })).map(([isShort, parts]) => {
      const list = parts.map(({ when }) => when)
      return {
        predicate: { kind: 'all', of: parts.map(({ predicate }) => predicate) } as Predicate,
        when: isShort ? list : { all: list },
      }
    }),
    tie('said').map(({ predicate, when }) => ({
      predicate: { kind: 'not', of: predicate } as Predicate,
      when: { not: when },
    })),
  ),
})).said

test('every predicate of the model but those with rules of values can be said, and comes out as it was meant', () => {
  fc.assert(
    fc.property(said, ({ predicate, when }) => {
      const sink = new Sink()
      const found = translateWhen(when as When, 'when', { hasAnswer: false, sink })
      assert.deepEqual(sink.faults, [])
      assert.deepEqual(found, predicate)
    }),
    { numRuns: 500 },
  )
})

const literalPart = fc.stringMatching(/^[a-z0-9._-]{1,4}$/)
const pieces: fc.Arbitrary<{ text: string; pattern: PathPattern }> = fc
  .tuple(
    fc.array(
      fc.oneof(
        literalPart.map((text) => ({ text, piece: text as PatternPiece })),
        fc.constant({ text: '*', piece: { kind: 'segment', name: null } as PatternPiece }),
        fc.constant({ text: ':', piece: { kind: 'segment', name: 'n' } as PatternPiece }),
        fc.constant({ text: '**', piece: { kind: 'rest', name: 'n' } as PatternPiece }),
        fc.constant({ text: '**', piece: { kind: 'rest', name: null } as PatternPiece }),
      ),
      { minLength: 1, maxLength: 5 },
    ),
    literalPart,
  )
  .map(([parts, end]) => {
    // a literal at the end, where a lone * would mean any rest
    const all = [...parts, { text: end, piece: end as PatternPiece }]
    const found: PatternPiece[] = []
    let text = ''
    let literal = ''
    for (const [i, { text: sign, piece }] of all.entries()) {
      text += '/'
      literal += '/'
      if (typeof piece === 'string') {
        text += sign
        literal += piece
        continue
      }
      const name = piece.name === null ? null : `n${i}`
      text += sign + (name ?? '')
      found.push(literal, { ...piece, name })
      literal = ''
    }
    found.push(literal)
    const [only] = found
    const pattern: PathPattern =
      found.length === 1 ? { kind: 'exact', text: only as string } : { kind: 'pattern', pieces: found }
    return { text, pattern }
  })

test('every path pattern of the model can be said, and comes out as it was meant', () => {
  fc.assert(
    fc.property(pieces, ({ text, pattern }) => {
      assert.deepEqual(parsePath(text), pattern)
    }),
    { numRuns: 500 },
  )
})
