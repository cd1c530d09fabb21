import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeApi } from '../src/admin/openapi.ts'
import { ownEndpoints } from '../src/admin/own-api.ts'
import { FakeControl } from '../src/admin/testing.ts'
import { READINGS as APINIZER_READINGS } from '../src/dialects/apinizer/readings.ts'
import type { LuaSchema } from '../src/dialects/apisix/lua-schema.ts'
import { META } from '../src/dialects/apisix/plugin-schemas.ts'
import { PLUGINS as KNOWN_PLUGINS } from '../src/dialects/apisix/plugins/index.ts'
import { SCHEMAS, UPSTREAM } from '../src/dialects/apisix/schema.ts'
import { PLUGINS, VARS } from '../src/dialects/apisix/schema-parts.ts'
import { dialects } from '../src/dialects/index.ts'
import { READINGS as KUMA_READINGS } from '../src/dialects/kuma/readings.ts'
import { READINGS as TENCENT_READINGS } from '../src/dialects/tencent/readings.ts'
import { ENVIRONMENT } from '../src/gateway/settings.ts'
import { SETTINGS_SCHEMA, type SettingSchema, wordsFor } from '../src/gateway/settings-schema.ts'
import { VERSION } from '../src/gateway/version.ts'
import { DEFAULT_SETTINGS } from '../src/model/defaults.ts'
import type { DocumentStore } from '../src/model/document.ts'
import { isJsonObject, type JsonValue } from '../src/model/json.ts'
import {
  renderConfigTypes,
  renderNativeReference,
  renderNativeSchema,
  renderNativeTypes,
} from './generate-native.ts'
import { renderCli } from './render-cli.ts'
import { SETTING_DESCRIPTIONS, SETTING_UNITS } from './setting-descriptions.ts'

/** Pages made from the code, by their place in the repository. `node tools/generate-docs.ts` writes them; a test holds them against it. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  'docs/settings.md': renderSettings,
  'docs/reference/apisix.md': renderApisixReference,
  'docs/reference/native.md': renderNativeReference,
  'schema/headgate.schema.json': renderNativeSchema,
  'src/dialects/native/types.ts': renderNativeTypes,
  'config/index.d.ts': renderConfigTypes,
  'docs/openapi.json': renderOpenApi,
  'docs/cli.md': () => renderCli(MARK),
  'docs/dialects/tencent.md': () => renderDecisions('tencent', TENCENT_READINGS),
  'docs/dialects/apinizer.md': () => renderDecisions('apinizer', APINIZER_READINGS),
  'docs/dialects/kuma.md': () => renderDecisions('kuma', KUMA_READINGS),
}

const MARK = '<!-- Made by tools/generate-docs.ts: edit its sources, then run it. -->'

// ================= decisions of a dialect =================

/** The page as it stands, with the list of decisions made anew between its two marks. */
function renderDecisions(
  dialect: string,
  readings: readonly { readonly mark: string; readonly section: string; readonly text: string }[],
): string {
  const path = resolve(fileURLToPath(import.meta.url), `../../docs/dialects/${dialect}.md`)
  const rows = readings.map(
    ({ mark, section, text }) => `| ${mark} | ${section} | ${text.replaceAll('|', '\\|')} |`,
  )
  const table = ['| | section | decision |', '|---|---|---|', ...rows].join('\n')
  return readFileSync(path, 'utf8').replace(
    /(<!-- readings:[^\n]*-->\n)[\s\S]*?(<!-- end of readings -->)/,
    (_, start: string, end: string) => `${start}${table}\n${end}`,
  )
}

// ================= settings =================

export interface SettingRow {
  readonly path: string
  readonly schema: SettingSchema
  readonly value: JsonValue
}

/** Every setting that has a value of its own, in the order of the schema. */
export function listSettings(): readonly SettingRow[] {
  const rows: SettingRow[] = []
  collect(SETTINGS_SCHEMA, DEFAULT_SETTINGS as unknown as JsonValue, '', rows)
  return rows
}

function collect(schema: SettingSchema, value: JsonValue, path: string, rows: SettingRow[]): void {
  if (schema.kind !== 'object') {
    rows.push({ path, schema, value })
    return
  }
  if (!isJsonObject(value)) throw new Error(`${path} has no defaults`)
  for (const [name, inner] of Object.entries(schema.fields)) {
    const below = value[name]
    if (below === undefined) throw new Error(`${path}.${name} has no default`)
    collect(inner, below, path === '' ? name : `${path}.${name}`, rows)
  }
}

export function unitOf(path: string): string {
  const listed = SETTING_UNITS[path]
  if (listed !== undefined) return listed
  if (path.endsWith('Bytes')) return 'bytes'
  return path.endsWith('Ms') ? 'ms' : ''
}

function renderSettings(): string {
  const groups = new Map<string, SettingRow[]>()
  for (const row of listSettings()) {
    const dot = row.path.indexOf('.')
    const group = dot < 0 ? '' : row.path.slice(0, dot)
    const list = groups.get(group) ?? []
    list.push(row)
    groups.set(group, list)
  }
  const flags = Object.entries(ENVIRONMENT).map(
    ([flag, variable]) => `| \`--${kebab(flag)}\` | \`${variable}\` |`,
  )
  const lines = [
    MARK,
    '',
    '# Settings',
    '',
    'Settings say how the gateway runs; routing documents say where requests go. A flag wins over its environment variable, that over',
    'the file of `--settings`, that over the `gateway:` key of the files of `--config`, that over the default. All faults are told at once,',
    'and the gateway does not start. They are read once, at start.',
    '',
    '```yaml',
    '# settings.yaml, for `headgate start --settings settings.yaml`',
    'listen: ["0.0.0.0:80"]',
    'store: /var/lib/headgate',
    'limits:',
    '  maxBodyBytes: 10485760',
    'drain:',
    '  timeoutMs: 60000',
    '```',
    '',
    `Objects are merged field by field; lists are replaced as a whole. \`\${{NAME}}\` and \`\${{NAME:=default}}\` in texts of either file take values from the environment.`,
    '',
    '| flag | environment variable |',
    '|---|---|',
    ...flags,
    '',
    'The flags `--listen`, `--admin` and `--status` take `host:port`, `:port` (all IPv4 addresses) or `port` (127.0.0.1). `--listen` may be',
    'given several times, or hold several addresses with commas between them. `off` stands for null.',
  ]
  for (const [group, rows] of groups) {
    lines.push('', group === '' ? '## Top level' : `## \`${group}\``, '')
    lines.push('| setting | default | unit | takes | what it does |', '|---|---|---|---|---|')
    for (const { path, schema, value } of rows) {
      const what = SETTING_DESCRIPTIONS[path]
      if (what === undefined) throw new Error(`tools/setting-descriptions.ts lacks ${path}`)
      lines.push(row(`\`${path}\``, code(value), unitOf(path), wordsFor(schema), what))
    }
  }
  return `${lines.join('\n')}\n`
}

// ================= the APISIX reference =================

/** Schemas that are shown once, in a section of their own. */
const SECTIONS: ReadonlyMap<LuaSchema, string> = new Map([
  [UPSTREAM, 'upstreams'],
  [META, '_meta'],
  [PLUGINS, 'plugins'],
])

function renderApisixReference(): string {
  const lines = [
    MARK,
    '',
    '# APISIX documents: every field',
    '',
    'Fields of the resources and plugins that the APISIX dialect takes, as the Admin API checks them. [dialects/apisix.md](../dialects/apisix.md)',
    'says what they do, what is refused for now and what differs. `[]` stands for the elements of a list, `{}` for the values of a map. The',
    'schemas themselves are at `GET /apisix/admin/schema/routes`, `…/services`, `…/upstreams`, `…/plugin_configs` and `…/plugins/<name>`.',
  ]
  for (const [name, schema] of Object.entries(SCHEMAS)) addSection(lines, name, schema)
  lines.push(
    '',
    '## plugins',
    '',
    'A map from a name below to its configuration. Higher priorities run first.',
    '',
  )
  lines.push('| plugin | priority |', '|---|---|')
  for (const plugin of KNOWN_PLUGINS)
    lines.push(`| [\`${plugin.name}\`](#${plugin.name}) | ${plugin.priority} |`)
  addSection(lines, '_meta', META)
  for (const plugin of KNOWN_PLUGINS) addSection(lines, plugin.name, plugin.schema)
  return `${lines.join('\n')}\n`
}

function addSection(lines: string[], name: string, schema: LuaSchema): void {
  lines.push('', `## ${name}`, '', schema.description ?? '', '')
  const extras =
    schema.additionalProperties === false ? 'Other fields are refused.' : 'Other fields have no effect.'
  lines.push(extras)
  const rules = rulesOf(schema)
  if (rules.length > 0) lines.push('', ...rules.map((rule) => `- ${rule}`))
  lines.push('', '| field | type | default | limits | what it is |', '|---|---|---|---|---|')
  addFields(lines, '', schema)
}

/** What the keywords between fields say. */
function rulesOf(schema: LuaSchema): string[] {
  const rules: string[] = []
  if (schema.required !== undefined) rules.push(`Needed: ${names(schema.required)}.`)
  for (const part of [schema, ...(schema.allOf ?? [])]) {
    for (const [words, list] of [
      ['Exactly one of', part.oneOf],
      ['At least one of', part.anyOf],
    ] as const) {
      if (list === undefined) continue
      const sets = list.map((entry) => entry.required)
      const given = sets.filter((set) => set !== undefined)
      // an alternative without names is "none of them"
      const text = given.length < sets.length ? 'At most one of' : words
      rules.push(`${text} ${given.map((set) => names(set, ' with ')).join(', ')}.`)
    }
  }
  if (schema.if !== undefined) {
    const conditions = Object.entries(schema.if.properties ?? {}).map(
      ([name, field]) => `\`${name}\` is ${(field.enum ?? []).map((value) => `\`${value}\``).join(' or ')}`,
    )
    for (const [words, part] of [
      [`Where ${conditions.join(' and ')}`, schema.then],
      ['Else', schema.else],
    ] as const) {
      for (const rule of part === undefined ? [] : rulesOf(part))
        rules.push(`${words}: ${rule.charAt(0).toLowerCase()}${rule.slice(1)}`)
    }
  }
  if (schema.not?.required !== undefined) rules.push(`Not together: ${names(schema.not.required)}.`)
  return rules
}

function names(list: readonly string[], separator = ', '): string {
  return list.map((name) => `\`${name}\``).join(separator)
}

function addFields(lines: string[], prefix: string, schema: LuaSchema): void {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = prefix === '' ? name : `${prefix}.${name}`
    const isNeeded = schema.required?.includes(name) === true
    addField(lines, path, field, isNeeded)
  }
}

function addField(lines: string[], path: string, field: LuaSchema, isNeeded: boolean): void {
  const place = SECTIONS.get(field)
  const description = field.description ?? ''
  const isRefused = /refused|refuses (it|them)\b/i.test(description)
  const what = [
    isNeeded ? 'Needed.' : '',
    description,
    place === undefined ? '' : `See [${place}](#${place}).`,
  ]
  const initial = field.default === undefined ? '' : code(field.default)
  lines.push(
    row(`\`${path}\``, typeOf(field), initial, limitsOf(field), what.filter((t) => t !== '').join(' ')),
  )
  if (place !== undefined || isRefused || field === VARS) return
  addInner(lines, path, field)
}

function addInner(lines: string[], path: string, field: LuaSchema): void {
  addFields(lines, path, field)
  const { items, patternProperties } = field
  if (items !== undefined && hasFields(items)) addInner(lines, `${path}[]`, items)
  for (const inner of Object.values(patternProperties ?? {}))
    if (hasFields(inner)) addInner(lines, `${path}{}`, inner)
  for (const form of [...(field.anyOf ?? []), ...(field.oneOf ?? [])])
    if (hasFields(form)) addInner(lines, path, form)
}

function hasFields(schema: LuaSchema): boolean {
  return (
    schema.properties !== undefined ||
    schema.items !== undefined ||
    Object.values(schema.patternProperties ?? {}).some(hasFields) ||
    [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].some(hasFields)
  )
}

function typeOf(schema: LuaSchema): string {
  const forms = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter((form) => form.type !== undefined)
  if (forms.length > 0) return [...new Set(forms.map((form) => typeOf(form)))].join(' or ')
  if (schema.type === 'array') return schema.items === undefined ? 'list' : `list of ${typeOf(schema.items)}`
  if (schema.type === 'object') return schema.patternProperties === undefined ? 'object' : 'map'
  return schema.type ?? 'anything'
}

function limitsOf(schema: LuaSchema): string {
  const parts: string[] = []
  if (schema.enum !== undefined) parts.push(schema.enum.map((value) => `\`${value}\``).join(', '))
  addRange(parts, schema.minimum, schema.maximum, '')
  if (schema.exclusiveMinimum !== undefined) parts.push(`over ${schema.exclusiveMinimum}`)
  addRange(parts, schema.minLength, schema.maxLength, ' characters')
  addRange(parts, schema.minItems, schema.maxItems, ' elements')
  addRange(parts, schema.minProperties, schema.maxProperties, ' fields')
  if (schema.uniqueItems === true) parts.push('no element twice')
  if (schema.pattern !== undefined) parts.push(code(schema.pattern, false))
  if (schema.format !== undefined) parts.push(schema.format)
  const forms = schema.anyOf ?? schema.oneOf ?? []
  // forms of one type have names that say it all
  if (forms.length > 0 && forms.every((form) => form.type === 'string' && form.title !== undefined)) {
    return forms.map((form) => form.title).join(', ')
  }
  for (const form of forms) {
    if (form.type === undefined) continue
    const inner = limitsOf(form)
    if (inner !== '') parts.push(`${form.title ?? form.type}: ${inner}`)
  }
  if (schema.items !== undefined) {
    const inner = limitsOf(schema.items)
    if (inner !== '') parts.push(`each: ${inner}`)
  }
  return parts.join('; ')
}

function addRange(parts: string[], least: number | undefined, most: number | undefined, unit: string): void {
  if (least !== undefined && most !== undefined) parts.push(`${least}–${most}${unit}`)
  else if (least !== undefined) parts.push(`${least}${unit} or more`)
  else if (most !== undefined) parts.push(`at most ${most}${unit}`)
}

// ================= the API's description =================

/** What `GET /headgate/v1/openapi.json` serves. Nothing is called, so neither a gateway nor a store is needed. */
function renderOpenApi(): string {
  const rests = dialects.flatMap((dialect) => {
    const rest = dialect.rest?.({} as DocumentStore, DEFAULT_SETTINGS)
    return rest?.describe?.() ?? []
  })
  const endpoints = ownEndpoints(new FakeControl(), VERSION, rests)
  return `${JSON.stringify(describeApi({ version: VERSION, endpoints, rests }), null, 2)}\n`
}

// ================= text =================

/** A table row. A bar inside a cell would end it. */
function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`
}

function code(value: JsonValue, isQuoted = true): string {
  return `\`${isQuoted ? JSON.stringify(value) : String(value)}\``
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function main(root: string): void {
  for (const [file, render] of Object.entries(GENERATED)) {
    const path = resolve(root, file)
    const text = render()
    let before = ''
    try {
      before = readFileSync(path, 'utf8')
    } catch {
      mkdirSync(dirname(path), { recursive: true })
    }
    if (before !== text) writeFileSync(path, text)
    process.stdout.write(`${file}: ${before === text ? 'up to date' : 'written'}\n`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(resolve(fileURLToPath(import.meta.url), '../..'))
