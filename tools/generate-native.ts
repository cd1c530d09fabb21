// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are shown as they are written
import type { Schema } from '../src/dialects/native/json-schema.ts'
import { DEFS, NATIVE_SCHEMA, resolveSchema } from '../src/dialects/native/schema.ts'
import { NAMED_PARTS, REQUEST_PARTS, RESPONSE_PARTS } from '../src/dialects/native/words.ts'
import type { JsonValue } from '../src/model/json.ts'
import { toYaml } from '../src/model/yaml-text.ts'

/** What is made of the native document's schema: the schema file for editors, the types, and the reference page. */

const MARK = 'Made by tools/generate-docs.ts from src/dialects/native/schema.ts: edit that, then run it.'

/** The schema as editors read it. */
export function renderNativeSchema(): string {
  return `${JSON.stringify(NATIVE_SCHEMA, null, 2)}\n`
}

// ================= types =================

/** Types of the document, for the translation. */
export function renderNativeTypes(): string {
  return `// ${MARK}\n\n${renderTypes()}`
}

/** Types of the package's own module: the same, and `defineConfig`. */
export function renderConfigTypes(): string {
  return `// ${MARK}

${renderTypes()}
/** What a configuration module exports: a native document, whose mark \`headgate: 1\` may be left out. */
export type Config = Omit<File, 'headgate'> & { readonly headgate?: 1 }

/**
 * Gives a configuration back as it is, with its mark; its worth is in the types: editors complete and check what stands in it.
 *
 *     import { defineConfig } from 'headgate'
 *     export default defineConfig({ routes: [{ id: 'shop', upstream: 'blue' }] })
 */
export function defineConfig(config: Config): File
`
}

function renderTypes(): string {
  const parts = [renderType('File', NATIVE_SCHEMA)]
  for (const [name, schema] of Object.entries(DEFS)) parts.push(renderType(typeName(name), schema))
  return `${parts.join('\n')}`
}

function renderType(name: string, schema: Schema): string {
  const comment = schema.description === undefined ? '' : `${renderComment(schema, '')}\n`
  if (schema.type === 'object' && schema.properties !== undefined) {
    return `${comment}export interface ${name} ${renderObject(schema, '')}\n`
  }
  return `${comment}export type ${name} = ${typeOf(schema, '')}\n`
}

function typeName(name: string): string {
  return name[0]?.toUpperCase() + name.slice(1)
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return typeName(schema.$ref.slice('#/$defs/'.length))
  if (schema.const !== undefined) return JSON.stringify(schema.const).replaceAll('"', "'")
  if (schema.enum !== undefined) return schema.enum.map((word) => `'${word}'`).join(' | ')
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((form) => typeOf(form, indent)))].join(' | ')
  }
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'number'
    case 'array': {
      const inner = schema.items === undefined ? 'unknown' : typeOf(schema.items, indent)
      return inner.includes(' | ') || inner.startsWith('readonly')
        ? `readonly (${inner})[]`
        : `readonly ${inner}[]`
    }
    case 'object': {
      if (schema.properties !== undefined) return renderObject(schema, indent)
      const extra = schema.additionalProperties
      return `Readonly<Record<string, ${typeof extra === 'object' ? typeOf(extra, indent) : 'unknown'}>>`
    }
    case undefined:
      return 'unknown'
    default:
      return schema.type
  }
}

function renderObject(schema: Schema, indent: string): string {
  const inner = `${indent}  `
  const lines = ['{']
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const isNeeded = schema.required?.includes(key) === true
    if (property.description !== undefined) lines.push(renderComment(property, inner))
    lines.push(
      `${inner}readonly ${/^\w+$/.test(key) || key === '$schema' ? key : `'${key}'`}${isNeeded ? '' : '?'}: ${typeOf(property, inner)}`,
    )
  }
  lines.push(`${indent}}`)
  return lines.join('\n')
}

function renderComment(schema: Schema, indent: string): string {
  const target = resolveSchema(schema)
  const words = (target.enum ?? []).map((word, i) => {
    const what = target.enumDescriptions?.[i]
    return what === undefined ? null : `- \`${word}\`: ${what}`
  })
  const lines = [schema.description ?? '', ...words.filter((line) => line !== null)]
  if (schema.default !== undefined)
    lines.push(`Default: \`${JSON.stringify(schema.default).replaceAll('"', '')}\`.`)
  const safe = lines.map((line) => line.replaceAll('*/', '*\u200b/'))
  return safe.length === 1
    ? `${indent}/** ${safe[0]} */`
    : `${indent}/**\n${safe.map((line) => `${indent} * ${line}`).join('\n')}\n${indent} */`
}

// ================= the reference =================

/** Sections of the page, in order, with their headings; a part that is not here stands where it is used. */
const SECTIONS: Readonly<Record<string, string>> = {
  route: 'Route',
  rule: 'Rule',
  target: 'Target',
  upstreamPlace: 'Upstream of a target',
  respond: 'Fixed answer',
  redirect: 'Redirect',
  when: 'Condition',
  filter: 'Filter',
  requestChange: 'Change to a request',
  pathChange: 'Change to a path',
  responseChange: 'Change to an answer',
  headerEdits: 'Changes to header fields',
  upstream: 'Upstream',
  endpoint: 'Endpoint',
  upstreamTimeouts: 'Timeouts of an upstream',
  routeTimeouts: 'Timeouts of a route',
  balance: 'Balancing',
  leastRequest: 'Least request',
  ringHash: 'Ring hash',
  maglev: 'Maglev',
  hashOn: 'Hash key',
  hashSource: 'Source of a hash key',
  levels: 'Levels',
  health: 'Health',
  activeCheck: 'Active check',
  passiveCheck: 'Passive check',
  failures: 'Numbers of failures',
  outlier: 'Outlier detection',
  errorWindow: 'Window of errors',
  latencyWindow: 'Window of latency',
  slowStart: 'Slow start',
  retries: 'Retries',
  sameEndpoint: 'Attempts at one endpoint',
  retryBudget: 'Retry budget',
  pool: 'Connection pool',
  limits: 'Limits of an upstream',
  tls: 'TLS of an upstream',
  stream: 'Stream',
  streamTarget: 'Target of streams',
  certificate: 'Certificate',
  clientCertificates: 'Certificates of clients',
  sticky: 'Sticky split',
  forced: 'Forced target',
  forcedSource: 'Place of a forced target',
  whenOut: 'Share of a target that is out',
  percent: 'Percentage',
  duration: 'Duration',
}
/** Shown with another one, whose keys it shares. */
const LEFT_OUT = new Set(['inlineUpstream'])

export function renderNativeReference(): string {
  const lines = [
    `<!-- ${MARK} -->`,
    '',
    '# Native documents: every key',
    '',
    '[native.md](../native.md) is the tour; this page has every key of a native file. Keys that are not here are refused, with a hint at the one that',
    'was meant. The schema itself is `schema/headgate.schema.json` in the package, and `GET /headgate/v1/schema/native` of a gateway.',
    '',
    '## File',
    '',
    `${NATIVE_SCHEMA.description}`,
  ]
  addTable(lines, NATIVE_SCHEMA)
  for (const name of Object.keys(DEFS)) {
    if (SECTIONS[name] === undefined && !LEFT_OUT.has(name))
      throw new Error(`the reference has no section for ${name}`)
  }
  for (const [name, title] of Object.entries(SECTIONS)) {
    const schema = DEFS[name]
    if (schema === undefined) throw new Error(`the native schema has no ${name}`)
    lines.push('', `## ${title}`, '', schema.description ?? '')
    addForms(lines, schema)
  }
  addWords(lines)
  return `${lines.join('\n')}\n`
}

/** A part with several forms: one paragraph a form, and a table for the one that is an object. */
function addForms(lines: string[], schema: Schema): void {
  if (schema.anyOf === undefined) {
    if (schema.type === 'object') addTable(lines, schema)
    else addRange(lines, schema)
    return
  }
  lines.push('')
  for (const form of schema.anyOf) lines.push(`- ${takes(form)}: ${form.description ?? ''}`)
  const object = schema.anyOf.find((form) => form.type === 'object')
  if (object !== undefined) addTable(lines, object)
}

function addRange(lines: string[], schema: Schema): void {
  const range = limitsOf(schema)
  if (range !== '') lines.push('', `${range[0]?.toUpperCase()}${range.slice(1)}.`)
}

function addTable(lines: string[], schema: Schema): void {
  const rules = rulesOf(schema)
  if (rules.length > 0) lines.push('', ...rules.map((rule) => `- ${rule}`))
  for (const example of schema.examples ?? []) lines.push('', '```yaml', ...yamlLines(example), '```')
  lines.push('', '| key | takes | default | what it is |', '|---|---|---|---|')
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const isNeeded = schema.required?.includes(key) === true
    addRow(lines, key, property, isNeeded)
    // small objects that have no section of their own
    const inner = objectInside(property)
    for (const [name, below] of Object.entries(inner?.properties ?? {})) {
      addRow(
        lines,
        `${key}${isMany(property) ? '[]' : ''}.${name}`,
        below,
        inner?.required?.includes(name) === true,
      )
    }
  }
}

function isMany(schema: Schema): boolean {
  return schema.type === 'array'
}

function objectInside(schema: Schema): Schema | undefined {
  if (schema.$ref !== undefined) return undefined
  if (schema.type === 'object') return schema
  if (schema.items !== undefined) return objectInside(schema.items)
  return schema.anyOf?.map(objectInside).find((form) => form !== undefined)
}

function addRow(lines: string[], key: string, schema: Schema, isNeeded: boolean): void {
  const target = resolveSchema(schema)
  const words = (schema.enum ?? []).flatMap((word, i) => {
    const what = schema.enumDescriptions?.[i]
    return what === undefined ? [] : [`\`${word}\`: ${what}`]
  })
  const examples =
    schema.type === 'object' || schema.$ref !== undefined
      ? []
      : (target.examples ?? []).map((example) => `Example: \`${flow(example)}\`.`)
  const what = [isNeeded ? 'Needed.' : '', schema.description ?? '', ...words, ...examples]
  const initial = schema.default === undefined ? '' : `\`${String(schema.default)}\``
  const limits = limitsOf(schema)
  lines.push(
    row(
      `\`${key}\``,
      `${takes(schema)}${limits === '' ? '' : `; ${limits}`}`,
      initial,
      what.filter((t) => t !== '').join(' '),
    ),
  )
}

const PLAIN_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  integer: 'whole number',
  number: 'number',
}

function takes(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const title = SECTIONS[schema.$ref.slice('#/$defs/'.length)]
    if (title === undefined) return takes(resolveSchema(schema))
    return `[${title.toLowerCase()}](#${title.toLowerCase().replaceAll(' ', '-')})`
  }
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(takes))].join(' or ')
  if (schema.enum !== undefined) return 'a word'
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'anything' : takes(schema.items)}`
  if (schema.type === 'object') return schema.properties === undefined ? 'map' : 'object'
  return PLAIN_WORDS[schema.type ?? ''] ?? 'anything'
}

function limitsOf(schema: Schema): string {
  const parts: string[] = []
  const { minimum, maximum, maxLength, minItems = 0, maxItems } = schema
  if (minimum !== undefined && maximum !== undefined) parts.push(`${minimum} to ${maximum}`)
  if (maxLength !== undefined) parts.push(`at most ${maxLength} characters`)
  if (maxItems !== undefined)
    parts.push(`${minItems > 0 ? `${minItems} to ` : 'at most '}${maxItems} entries`)
  return parts.join(', ')
}

function rulesOf(schema: Schema): string[] {
  const rules: string[] = []
  const list = (keys: readonly string[]): string => keys.map((key) => `\`${key}\``).join(', ')
  if (schema.oneOf !== undefined) {
    rules.push(`Exactly one of ${list(schema.oneOf.flatMap(({ required }) => required))}.`)
  }
  for (const { anyOf } of schema.allOf ?? []) {
    rules.push(`At least one of ${list(anyOf.flatMap(({ required }) => required))}.`)
  }
  const pairs = (schema.not?.anyOf ?? []).map(({ required }) => required)
  const keys = [...new Set(pairs.flat())]
  if (pairs.length > 1 && pairs.length === (keys.length * (keys.length - 1)) / 2) {
    rules.push(`At most one of ${list(keys)}.`)
  } else for (const pair of pairs) rules.push(`Not together: ${list(pair)}.`)
  return rules
}

/** Words of conditions and templates, and the variables behind them. */
function addWords(lines: string[]): void {
  lines.push(
    '',
    '## Words of conditions and templates',
    '',
    'A condition says `request: path` or `header: x-env`; a template says `${path}` or `${header.x-env}`, and `${header.x-env ?? none}` for what stands there',
    'where it is absent (without `??` nothing does). Any other variable has its own name in both: `variable: graphql_name`, `${graphql_name}`. `${0}`, `${1}` …',
    'are the hit and the groups of the pattern before them; `$$` is a dollar sign.',
    '',
    '| in a condition | in a template | variable | what it is |',
    '|---|---|---|---|',
  )
  const plain = (
    group: string,
    parts: Readonly<Record<string, { variable: string; what: string }>>,
  ): void => {
    for (const [word, { variable, what }] of Object.entries(parts)) {
      lines.push(row(`\`${group}: ${word}\``, `\`\${${word}}\``, `\`${variable}\``, what))
    }
  }
  plain('request', REQUEST_PARTS)
  plain('response', RESPONSE_PARTS)
  const properties = DEFS.when?.anyOf?.[0]?.properties ?? {}
  for (const [part, toVariable] of Object.entries(NAMED_PARTS)) {
    const what = properties[part]?.description ?? ''
    lines.push(
      row(
        `\`${part}: NAME\``,
        `\`\${${part}.NAME}\``,
        `\`${toVariable('NAME').replace('name', 'NAME')}\``,
        what,
      ),
    )
  }
}

/** A table row. A bar inside a cell would end it. */
function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`
}

function yamlLines(value: unknown): string[] {
  return toYaml(value as JsonValue)
    .trimEnd()
    .split('\n')
}

/** On one line, as people write short values in YAML. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, inner]) => `${key}: ${flow(inner)}`)
      .join(', ')}}`
  }
  return typeof value === 'string' && !/^[A-Za-z/][\w./*-]*$/.test(value)
    ? JSON.stringify(value)
    : String(value)
}
