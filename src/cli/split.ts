import { dialects } from '../dialects/index.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { makePatch } from '../model/merge-patch.ts'
import { suggest } from '../model/suggest.ts'
import { CliError } from './cli-error.ts'
import { AdminClient, type ClientFlags, RefusedError } from './client.ts'
import { formatChange, type ShownChange } from './document-diff.ts'
import { findDocument, readKindAndId, withQuery } from './kinds.ts'
import { type CliIo, formatTable, paint, printable } from './output.ts'
import { replaceAt } from './replace-at.ts'

export interface SplitGetOptions extends ClientFlags {
  readonly output: 'text' | 'json'
}

export interface SplitSetOptions extends SplitGetOptions {
  readonly rule?: string
  readonly dryRun?: boolean
  readonly message?: string
}

/** A split as our own API shows it. */
export interface ShownSplit {
  readonly path: string
  readonly condition: JsonValue | null
  readonly targets: readonly ShownTarget[]
}

interface ShownTarget {
  readonly path: string
  readonly names: readonly string[]
  readonly weight: number
  /** 0 to 1 of what reaches the split. */
  readonly share: number
}

/** The splits of the document at a path of our own API, and the tag of the version they stand in. */
export async function fetchSplits(
  client: AdminClient,
  path: string,
): Promise<{ readonly splits: readonly ShownSplit[]; readonly etag: string }> {
  const answer = await client.call('GET', `${path}/splits`)
  const { splits } = JSON.parse(answer.body) as { splits: ShownSplit[] }
  return { splits, etag: String(answer.headers.etag) }
}

/** `headgate split get`: the configured shares. */
export async function runSplitGet(word: string, options: SplitGetOptions, io: CliIo): Promise<number> {
  const client = new AdminClient(options, io.environment)
  const { path } = await findDocument(client, readKindAndId(word, undefined, dialects))
  const { splits } = await fetchSplits(client, path)
  if (options.output === 'json') io.write(`${JSON.stringify({ splits }, null, 2)}\n`)
  else if (splits.length === 0) io.writeError(`headgate: ${word} holds no split\n`)
  else for (const [i, split] of splits.entries()) io.write(describeSplit(split, i, io))
  return 0
}

/** `headgate split set`: new weights as a patch of the document that holds the split. */
export async function runSplitSet(
  word: string,
  assignments: readonly string[],
  options: SplitSetOptions,
  io: CliIo,
): Promise<number> {
  const wanted = assignments.map(readAssignment)
  const client = new AdminClient(options, io.environment)
  const { path, document } = await findDocument(client, readKindAndId(word, undefined, dialects))
  const { splits, etag } = await fetchSplits(client, path)
  const split = chooseSplit(word, splits, options.rule)
  const weights = new Map<string, number>()
  for (const { target, weight } of wanted) {
    const found = chooseTarget(split, target)
    if (weights.has(found.path)) throw usage(`${target}: this target is set twice`)
    weights.set(found.path, weight)
  }
  const before = document.value as JsonObject
  let after = before
  for (const [place, weight] of weights) {
    after = replaceAt(after, place, (value) =>
      isJsonObject(value) ? { ...value, weight } : value,
    ) as JsonObject
  }
  const patch = makePatch(before, after)
  const change = await sendPatch(client, path, patch, etag, options)
  const fresh: ShownSplit = withWeights(split, weights)
  if (options.output === 'json') {
    io.write(`${JSON.stringify({ dryRun: options.dryRun === true, change, split: fresh }, null, 2)}\n`)
    return 0
  }
  if (change.result === 'unchanged') io.write(`${printable(word)}: these weights are in force already\n`)
  else io.write(formatChange(io, change, dialects))
  io.write(describeSplit(fresh, splits.indexOf(split), io))
  if (options.dryRun === true) io.write('dry run: nothing was changed\n')
  return 0
}

async function sendPatch(
  client: AdminClient,
  path: string,
  patch: JsonObject,
  etag: string,
  options: SplitSetOptions,
): Promise<ShownChange> {
  const query = new URLSearchParams()
  if (options.dryRun === true) query.set('dryRun', 'true')
  if (options.message !== undefined) query.set('message', options.message)
  try {
    const answer = await client.json('PATCH', withQuery(path, query), patch, { 'if-match': etag })
    return (answer as { change: ShownChange }).change
  } catch (error) {
    if (error instanceof RefusedError && error.httpStatus === 412)
      throw new CliError('somebody else changed the document meanwhile; nothing was changed, look again', {
        cause: error,
      })
    throw error
  }
}

interface Assignment {
  readonly target: string
  readonly weight: number
}

/** `TARGET=WEIGHT`; the last sign counts, since a name may hold one. */
function readAssignment(text: string): Assignment {
  const equals = text.lastIndexOf('=')
  const weight = text.slice(equals + 1)
  if (equals < 1 || !/^\d{1,9}$/.test(weight)) {
    throw usage(`${text}: say TARGET=WEIGHT with a whole number from 0 on, such as blue=3`)
  }
  return { target: text.slice(0, equals), weight: Number(weight) }
}

/** Its number in the document where the path ends with one (`rules[2]`), else its place in the list. */
function numberOf(split: ShownSplit, place: number): number {
  const number = /\[(\d+)\]$/.exec(split.path)?.[1]
  return number === undefined ? place : Number(number)
}

function chooseSplit(word: string, splits: readonly ShownSplit[], rule: string | undefined): ShownSplit {
  const [first] = splits
  if (first === undefined) throw new CliError(`${word} holds no split`)
  const known = splits.map((split, i) => `${numberOf(split, i)} (${split.path})`).join(', ')
  if (rule === undefined) {
    if (splits.length === 1) return first
    throw usage(`${word} holds several splits, say which with --rule: ${known}`)
  }
  const found = splits.find((split, i) => String(numberOf(split, i)) === rule)
  if (found === undefined) throw usage(`${word} has no split in rule ${rule}; there are: ${known}`)
  return found
}

/** By any of its names, else by its place from 0 on. */
function chooseTarget({ targets }: ShownSplit, word: string): ShownTarget {
  const named = targets.filter(({ names }) => names.includes(word))
  const [only] = named
  if (only !== undefined && named.length === 1) return only
  const known = targets
    .map(({ names }, i) => `${i}${names.length > 0 ? ` (${names.join(', ')})` : ''}`)
    .join('; ')
  if (named.length > 1) throw usage(`several targets are called ${word}, say which by its number: ${known}`)
  const byPlace = /^\d{1,4}$/.test(word) ? targets[Number(word)] : undefined
  if (byPlace !== undefined) return byPlace
  const near = suggest(
    word,
    targets.flatMap(({ names }) => names),
  )
  throw usage(
    `no target is called ${word}${near === null ? '' : `, did you mean ${near}?`}; there are: ${known}`,
  )
}

function withWeights(split: ShownSplit, weights: ReadonlyMap<string, number>): ShownSplit {
  const targets = split.targets.map((target) => ({
    ...target,
    weight: weights.get(target.path) ?? target.weight,
  }))
  const sum = targets.reduce((total, { weight }) => total + weight, 0)
  return {
    ...split,
    targets: targets.map((target) => ({ ...target, share: sum === 0 ? 0 : target.weight / sum })),
  }
}

/** A line on the split and a row for each target. `place`: its place among the document's splits. */
export function describeSplit(
  split: ShownSplit,
  place: number,
  io: Pick<CliIo, 'hasColor' | 'columns'>,
): string {
  const condition = split.condition === null ? 'always' : `if ${JSON.stringify(split.condition)}`
  const head = `rule ${numberOf(split, place)}: ${split.path}, ${condition}`
  const columns = [
    { title: 'SHARE', align: 'right' as const },
    { title: 'WEIGHT', align: 'right' as const },
    { title: '#', align: 'right' as const },
    { title: 'TARGET' },
  ]
  const rows = split.targets.map(({ names, weight, share }, i) => [
    formatShare(share),
    String(weight),
    String(i),
    names.length > 1 ? `${names[0]} (${names.slice(1).join(', ')})` : (names[0] ?? '-'),
  ])
  const zero = split.targets.every(({ weight }) => weight === 0)
  const warning = zero ? `${paint(io, 'yellow', 'all weights are 0: requests get 503')}\n` : ''
  return `${printable(head)}\n${formatTable(io, columns, rows)}${warning}`
}

function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function usage(message: string): GatewayError {
  return new GatewayError('BAD_SETTING', message)
}
