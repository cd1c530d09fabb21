import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { listField } from '../../model/json-fields.ts'
import { METHODS } from './client-route.ts'
import { choice, type Faults, flag, integer, joinPath, lengthOf, list, object, text } from './shape.ts'

const PATH = text({ most: 1024 })
const LISTS = ['relativePathList', 'hostList', 'headerList', 'methodList'] as const

const SHAPE = object('a client route', {
  relativePathList: list(PATH, 100),
  hostList: list(text({ most: 253 }), 100),
  headerList: list(
    object(
      'an entry of headerList',
      {
        name: text({ form: /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/, words: 'the name of a header field' }),
        value: text({ most: 4096 }),
      },
      ['name', 'value'],
    ),
    100,
  ),
  methodList: list(text(), 20),
  protocol: choice('http', 'https', 'grpc', 'ws', 'wss'),
  port: integer(1, 65_535),
  bufferRequest: flag,
  bufferResponse: flag,
})

/** Every fault of a client route (spec/apinizer.md 2.1, 2.3). */
export function checkClientRoute(value: JsonValue, path: string, faults: Faults): void {
  SHAPE(value, path, faults)
  if (!isJsonObject(value)) return
  if (LISTS.every((name) => lengthOf(value, name) === 0))
    faults.add(path, `a client route needs one of ${LISTS.join(', ')}, with an entry`)
  checkTexts(value, 'relativePathList', path, faults, pathFault)
  checkTexts(value, 'hostList', path, faults, hostFault)
  checkTexts(value, 'methodList', path, faults, (method) =>
    (METHODS as readonly string[]).includes(method.toUpperCase())
      ? null
      : `${method} must be ${METHODS.join(', ')}`,
  )
}

function checkTexts(
  value: JsonObject,
  name: string,
  path: string,
  faults: Faults,
  faultOf: (text: string) => string | null,
): void {
  for (const [i, entry] of listField(value, name).entries()) {
    const fault = typeof entry === 'string' ? faultOf(entry) : null
    if (fault !== null) faults.add(`${joinPath(path, name)}[${i}]`, fault)
  }
}

function pathFault(path: string): string | null {
  if (path.length < 2) return `${path === '' ? 'a path' : path} must have 2 characters at least, as /*`
  if (!path.startsWith('/')) return `${path} must begin with /`
  if (/[?#\s]/.test(path)) return `${path} is a path: it has no query, no fragment and no blank`
  if (path.slice(0, -1).includes('*')) return `${path}: a star may stand at the end only`
  const names = [...path.matchAll(/\{([^{}/]*)\}/g)].map((match) => match[1] as string)
  const isWhole = path.replace(/\{[^{}/]*\}/g, '').search(/[{}]/) < 0
  if (!isWhole || names.some((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)))
    return `${path}: a parameter is written {name}`
  if (new Set(names).size < names.length) return `${path} has two parameters of one name`
  return names.includes('rest') ? `${path}: the name rest is taken, for what lies below the path` : null
}

/** One asterisk, as the whole first or the whole last label. */
function hostFault(host: string): string | null {
  const name = host.replace(/:\d+$/, '')
  const labels = name.split('.')
  const stars = labels.filter((label) => label.includes('*'))
  const isPlaced = labels[0] === '*' || labels.at(-1) === '*'
  if (stars.length > 1 || (stars.length === 1 && (!isPlaced || stars[0] !== '*' || labels.length < 2)))
    return `${host}: one * may stand for the whole first or the whole last part of a name, as *.example.com or example.*`
  const isName = labels.every(
    (label) => label === '*' || /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/.test(label),
  )
  return isName && name.length <= 253 ? null : `${host} is no name of a host`
}
