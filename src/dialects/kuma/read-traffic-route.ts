import type { JsonObject } from '../../model/json.ts'
import {
  flagField,
  listField,
  numberField,
  objectField,
  objectsField,
  textField,
} from '../../model/json-fields.ts'
import { decode } from './decode.ts'
import { DEFAULT_MESH } from './kinds.ts'
import { CHOICE_COUNT, HASH_FUNCTION, MAX_RING_SIZE, MIN_RING_SIZE } from './messages.ts'
import { readDuration, readTags, remember } from './reading.ts'
import type {
  HashPolicy,
  HeaderChanges,
  HttpMatch,
  HttpModify,
  HttpRule,
  Legs,
  LoadBalancer,
  RegexReplace,
  RouteConf,
  RouteMirror,
  RouteRetry,
  RouteTimeout,
  StringMatcher,
  Tags,
  TrafficRoute,
} from './resources.ts'

/** A TrafficRoute that validates, as it is meant (spec/kuma.md 2). Cheap for a value that was read before. */
export const readTrafficRoute: (value: JsonObject) => TrafficRoute = remember((value) => {
  const own = decode('traffic-routes', value).value
  const created = Date.parse(textField(own, 'creationTime') ?? '')
  return {
    mesh: textField(own, 'mesh') ?? DEFAULT_MESH,
    name: textField(own, 'name') ?? '',
    sources: readSelectors(own, 'sources'),
    destinations: readSelectors(own, 'destinations'),
    conf: readConf(objectField(own, 'conf') ?? {}),
    // those of files have no time, and are newer than what is made beside them
    createdMs: Number.isNaN(created) ? 1 : created,
  }
})

function readSelectors(value: JsonObject, name: string): readonly Tags[] {
  return objectsField(value, name).map(({ entry }) => readTags(entry, 'match'))
}

function readConf(conf: JsonObject): RouteConf {
  const timeout = objectField(conf, 'timeout')
  const retry = objectField(conf, 'retry')
  return {
    legs: readLegs(conf, 'conf'),
    loadBalancer: readLoadBalancer(objectField(conf, 'loadBalancer') ?? {}),
    http: objectsField(conf, 'http').map(({ at, entry }) => readRule(entry, `conf.http[${at}]`)),
    timeout: timeout === null ? null : readTimeout(timeout),
    retry: retry === null ? null : readRetry(retry),
  }
}

function readLegs(holder: JsonObject, path: string): Legs {
  const split = objectsField(holder, 'split')
  if (split.length === 0) {
    const place = `${path}.destination`
    return { path: place, legs: [{ weight: 1, tags: readTags(holder, 'destination'), path: place }] }
  }
  const place = `${path}.split`
  return {
    path: place,
    legs: split.map(({ at, entry }) => ({
      weight: numberField(entry, 'weight') ?? 0,
      tags: readTags(entry, 'destination'),
      path: `${place}[${at}]`,
    })),
  }
}

function readRule(rule: JsonObject, path: string): HttpRule {
  const modify = objectField(rule, 'modify')
  const mirror = objectField(rule, 'mirror')
  return {
    path,
    match: readMatch(objectField(rule, 'match') ?? {}),
    modify: modify === null ? null : readModify(modify),
    legs: readLegs(rule, path),
    mirror: mirror === null ? null : readMirror(mirror, `${path}.mirror`),
  }
}

function readMatch(match: JsonObject): HttpMatch {
  return {
    method: readMatcher(match, 'method'),
    path: readMatcher(match, 'path'),
    headers: readMatchers(match, 'headers'),
    query: readMatchers(match, 'queryParameters'),
  }
}

function readMatcher(holder: JsonObject, name: string): StringMatcher | null {
  const matcher = objectField(holder, name)
  if (matcher === null) return null
  for (const kind of ['prefix', 'exact', 'regex'] as const) {
    const text = textField(matcher, kind)
    if (text !== null) return { kind, text }
  }
  return null
}

function readMatchers(match: JsonObject, field: string): HttpMatch['headers'] {
  const matchers = objectField(match, field) ?? {}
  return Object.keys(matchers).flatMap((name) => {
    const matcher = readMatcher(matchers, name)
    return matcher === null ? [] : [[name, matcher] as const]
  })
}

function readModify(modify: JsonObject): HttpModify {
  return {
    path: readPathChange(objectField(modify, 'path') ?? {}),
    host: readHostChange(objectField(modify, 'host') ?? {}),
    requestHeaders: readHeaderChanges(objectField(modify, 'requestHeaders')),
    responseHeaders: readHeaderChanges(objectField(modify, 'responseHeaders')),
  }
}

function readPathChange(change: JsonObject): HttpModify['path'] {
  const text = textField(change, 'rewritePrefix')
  if (text !== null) return { kind: 'rewritePrefix', text }
  const regex = objectField(change, 'regex')
  return regex === null ? null : { kind: 'regex', ...readReplace(regex) }
}

function readHostChange(change: JsonObject): HttpModify['host'] {
  const text = textField(change, 'value')
  if (text !== null) return { kind: 'value', text }
  const fromPath = objectField(change, 'fromPath')
  return fromPath === null ? null : { kind: 'fromPath', ...readReplace(fromPath) }
}

function readReplace(value: JsonObject): RegexReplace {
  return { pattern: textField(value, 'pattern') ?? '', substitution: textField(value, 'substitution') ?? '' }
}

function readHeaderChanges(changes: JsonObject | null): HeaderChanges | null {
  if (changes === null) return null
  return {
    add: objectsField(changes, 'add').map(({ entry }) => ({
      name: textField(entry, 'name') ?? '',
      value: textField(entry, 'value') ?? '',
      append: flagField(entry, 'append'),
    })),
    remove: objectsField(changes, 'remove').map(({ entry }) => textField(entry, 'name') ?? ''),
  }
}

function readMirror(mirror: JsonObject, path: string): RouteMirror {
  return {
    percentage: numberField(mirror, 'percentage') ?? 100,
    tags: readTags(mirror, 'destination'),
    path,
  }
}

function readLoadBalancer(balancer: JsonObject): LoadBalancer {
  const leastRequest = objectField(balancer, 'leastRequest')
  if (leastRequest !== null)
    return { kind: 'leastRequest', choiceCount: numberField(leastRequest, 'choiceCount') ?? CHOICE_COUNT }
  const ringHash = objectField(balancer, 'ringHash')
  if (ringHash !== null)
    return {
      kind: 'ringHash',
      hashFunction: textField(ringHash, 'hashFunction') === 'MURMUR_HASH_2' ? 'MURMUR_HASH_2' : HASH_FUNCTION,
      minRingSize: numberField(ringHash, 'minRingSize') ?? MIN_RING_SIZE,
      maxRingSize: numberField(ringHash, 'maxRingSize') ?? MAX_RING_SIZE,
      hashPolicies: readHashPolicies(ringHash),
    }
  if (objectField(balancer, 'random') !== null) return { kind: 'random' }
  const maglev = objectField(balancer, 'maglev')
  if (maglev !== null) return { kind: 'maglev', hashPolicies: readHashPolicies(maglev) }
  return { kind: 'roundRobin' }
}

function readHashPolicies(balancer: JsonObject): readonly HashPolicy[] {
  return objectsField(balancer, 'hashPolicies').flatMap(({ entry }) => {
    const source = readHashSource(entry)
    return source === null ? [] : [{ terminal: flagField(entry, 'terminal'), source }]
  })
}

function readHashSource(policy: JsonObject): HashPolicy['source'] | null {
  const nameIn = (field: string): string => textField(objectField(policy, field) ?? {}, 'name') ?? ''
  switch (textField(policy, 'type')) {
    case 'Header':
      return { kind: 'header', name: nameIn('header') }
    case 'Cookie': {
      const cookie = objectField(policy, 'cookie') ?? {}
      return {
        kind: 'cookie',
        name: nameIn('cookie'),
        ttlMs: readDuration(cookie, 'ttl'),
        path: textField(cookie, 'path') ?? '/',
      }
    }
    case 'SourceIP':
    case 'Connection':
      return { kind: 'sourceIP' }
    case 'QueryParameter':
      return { kind: 'queryParameter', name: nameIn('queryParameter') }
    default:
      return null
  }
}

function readTimeout(timeout: JsonObject): RouteTimeout {
  return {
    connectMs: readDuration(timeout, 'connectTimeout'),
    idleMs: readDuration(timeout, 'idleTimeout'),
    requestMs: readDuration(objectField(timeout, 'http') ?? {}, 'requestTimeout'),
  }
}

function readRetry(retry: JsonObject): RouteRetry {
  return {
    numRetries: numberField(retry, 'numRetries'),
    perTryTimeoutMs: readDuration(retry, 'perTryTimeout'),
    retriableStatusCodes: listField(retry, 'retriableStatusCodes').filter((code) => typeof code === 'number'),
  }
}
