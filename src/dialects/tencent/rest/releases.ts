import type { JsonObject } from '../../../model/json.ts'
import { listField, textField } from '../../../model/json-fields.ts'
import { releasedApiId, releaseId } from '../kinds.ts'
import { formatTime } from '../own-form.ts'
import { DONE, RELEASED } from './answer-shapes.ts'
import type { Action, Call } from './call.ts'
import { CallError } from './call-error.ts'
import { optional, type Parameters, required } from './parameters.ts'
import { list, option, text } from './shape.ts'
import { refuseUpstreams } from './shared-instance.ts'

const MAX_DESCRIPTION = 200

const PLACE: Parameters = {
  ServiceId: required(text()),
  EnvironmentName: required(option(['release', 'prepub', 'test'])),
  ApiIds: optional(list(text(), 'Reserved; a list that is not empty is refused.')),
}

/**
 * What serves are copies of the APIs, made here: edits of an API show with the next release (spec/tencent.md 1). The release and all copies are one
 * commit.
 */
export const releaseService: Action = {
  summary: 'Release all APIs of a service to one environment',
  parameters: { ...PLACE, ReleaseDesc: required(text('At most 200 characters.')) },
  answer: RELEASED,
  async run(call) {
    const service = await call.find('services')
    const environment = call.environment()
    refuseApiIds(call)
    const description = readDescription(call)
    const { id } = service.key
    const edit = call.newEdit()
    const apis = (await call.shelf.all('apis')).filter(({ value }) => value.ServiceId === id)
    const copies = await copiesOf(call, id, environment)
    const standing = new Map(copies.map(({ value }) => [value.ApiId, JSON.stringify(value.Api)]))
    for (const { key, value } of apis) {
      refuseUpstreams(call, service.value, 'apis', value)
      // a copy that is the same stays untouched, so that nothing of it begins anew
      if (standing.get(key.id) === JSON.stringify(value)) continue
      const place = { ServiceId: id, EnvironmentName: environment, ApiId: key.id }
      await edit.put(
        'released_apis',
        releasedApiId(id, environment, key.id),
        { ...place, Api: value },
        key.id,
      )
    }
    const kept = new Set(apis.map(({ key }) => key.id))
    for (const copy of copies) if (!kept.has(textField(copy.value, 'ApiId') ?? '')) edit.delete(copy)
    const now = formatTime(call.options.nowMs)
    const version = `${now.replace(/\D/g, '')}-${call.options.store.revision() + 1}`
    await edit.put('releases', releaseId(id, environment), {
      ServiceId: id,
      EnvironmentName: environment,
      ReleaseVersion: version,
      ReleaseDesc: description,
      ReleasedTime: now,
    })
    await call.commit(edit, `releases/${releaseId(id, environment)}`)
    return { Result: { ReleaseDesc: description, ReleaseVersion: version } }
  },
}

export const unReleaseService: Action = {
  summary: 'Take a service offline in one environment; bindings of plugins stay',
  parameters: PLACE,
  answer: DONE,
  async run(call) {
    const { key } = await call.find('services')
    const environment = call.environment()
    refuseApiIds(call)
    const release = await call.shelf.find('releases', releaseId(key.id, environment))
    if (release === undefined) {
      throw new CallError(
        'InvalidParameterValue.InvalidEnvStatus',
        `the service ${key.id} is not released in the environment ${environment}`,
      )
    }
    const edit = call.newEdit()
    for (const copy of await copiesOf(call, key.id, environment)) edit.delete(copy)
    edit.delete(release)
    await call.commit(edit, `releases/${release.key.id}`)
    return { Result: true }
  },
}

async function copiesOf(call: Call, service: string, environment: string) {
  const isOwn = (value: JsonObject): boolean =>
    value.ServiceId === service && value.EnvironmentName === environment
  return (await call.shelf.all('released_apis')).filter(({ value }) => isOwn(value))
}

/** The vendor says of it that it is reserved; who names some APIs would be surprised to see all of them change. */
function refuseApiIds(call: Call): void {
  if (listField(call.params, 'ApiIds').length === 0) return
  throw new CallError(
    'UnsupportedOperation',
    'ApiIds is reserved: the whole service is released and taken offline',
  )
}

function readDescription(call: Call): string {
  const description = call.text('ReleaseDesc')
  if (description === '') throw new CallError('MissingParameter', 'ReleaseDesc must not be empty')
  if ([...description].length > MAX_DESCRIPTION) {
    throw new CallError(
      'InvalidParameterValue.LengthExceeded',
      `ReleaseDesc may have ${MAX_DESCRIPTION} characters, not ${[...description].length}`,
    )
  }
  return description
}
