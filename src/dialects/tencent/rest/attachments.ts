import type { StoredDocument } from '../../../model/document.ts'
import type { JsonObject } from '../../../model/json.ts'
import { listField, textField } from '../../../model/json-fields.ts'
import { attachmentId, releasedApiId } from '../kinds.ts'
import { formatTime } from '../own-form.ts'
import { ATTACHED_API, ATTACHED_PLUGIN, AVAILABLE_API, DONE, resultList } from './answer-shapes.ts'
import type { Action, Call } from './call.ts'
import { CallError } from './call-error.ts'
import { warnOfUpstreams } from './network-warnings.ts'
import { takePage } from './page.ts'
import { optional, PAGE, type Parameters, required } from './parameters.ts'
import { describeAttachedPlugin, listAttached } from './plugin-views.ts'
import { apiTypeOf, methodOf, pathOf } from './service-views.ts'
import { list, option, text } from './shape.ts'
import { refuseUpstreams } from './shared-instance.ts'

/** Bindings of plugins to APIs in an environment (spec/tencent.md 2.3). They act at once. */

const PLUGIN_ID = { PluginId: required(text()) }
const ENVIRONMENT = option(['release', 'prepub', 'test'])
const PLACE: Parameters = {
  ...PLUGIN_ID,
  ServiceId: required(text()),
  EnvironmentName: required(ENVIRONMENT),
}

export const attachPlugin: Action = {
  summary: 'Attach a plugin to released APIs, in place of one of the same type',
  parameters: { ...PLACE, ApiIds: required(list(text(), 'All of one service.')) },
  answer: DONE,
  async run(call) {
    const plugin = await call.find('plugins')
    const service = await call.find('services')
    const environment = call.environment()
    refuseUpstreams(call, service.value, 'plugins', plugin.value)
    const apis = await readApis(call, environment)
    const edit = call.newEdit()
    const type = textField(plugin.value, 'PluginType') ?? ''
    for (const api of apis) {
      const id = attachmentId(service.key.id, environment, api.key.id, type)
      const standing = await call.shelf.value('attachments', id)
      // bound again to the same one it keeps the time of its binding
      if (standing?.PluginId === plugin.key.id) continue
      await edit.put('attachments', id, {
        ServiceId: service.key.id,
        EnvironmentName: environment,
        ApiId: api.key.id,
        PluginId: plugin.key.id,
        AttachedTime: formatTime(call.options.nowMs),
      })
    }
    await call.commit(edit, `plugins/${plugin.key.id}`)
    await warnOfUpstreams(call, service.value, { kind: 'plugins', id: plugin.key.id, value: plugin.value })
    return { Result: true }
  },
}

/** The APIs that a call names; each must be there and released in the environment, or nothing is attached. */
async function readApis(call: Call, environment: string): Promise<readonly StoredDocument[]> {
  const ids = new Set(listField(call.params, 'ApiIds') as readonly string[])
  if (ids.size === 0) throw new CallError('MissingParameter', 'ApiIds must name one API at least')
  const apis = await Promise.all([...ids].map((id) => call.findApi(id)))
  for (const { key, value } of apis) {
    const service = textField(value, 'ServiceId') ?? ''
    const copy = await call.shelf.find('released_apis', releasedApiId(service, environment, key.id))
    if (copy !== undefined) continue
    throw new CallError(
      'InvalidParameterValue.InvalidEnvStatus',
      `the API ${key.id} is not released in the environment ${environment}, and only released ones take plugins`,
    )
  }
  return apis
}

export const detachPlugin: Action = {
  summary: 'Take a plugin from one API',
  parameters: { ...PLACE, ApiId: required(text()) },
  answer: DONE,
  async run(call) {
    const plugin = await call.find('plugins')
    const api = await call.findApi()
    const environment = call.environment()
    const type = textField(plugin.value, 'PluginType') ?? ''
    const id = attachmentId(call.text('ServiceId'), environment, api.key.id, type)
    const attachment = await call.shelf.find('attachments', id)
    if (attachment === undefined || attachment.value.PluginId !== plugin.key.id) {
      throw new CallError(
        'UnsupportedOperation.ResourceUnassociated',
        `the plugin ${plugin.key.id} is not attached to the API ${api.key.id} in ${environment}`,
      )
    }
    const edit = call.newEdit()
    edit.delete(attachment)
    await call.commit(edit, `plugins/${plugin.key.id}`)
    return { Result: true }
  },
}

export const describePluginApis: Action = {
  summary: 'List the APIs that a plugin is attached to',
  parameters: { ...PLUGIN_ID, ...PAGE },
  answer: resultList('AttachedApis', ATTACHED_API),
  async run(call) {
    const { key } = await call.find('plugins')
    const found = await listAttached(call, key.id)
    return { Result: { TotalCount: found.length, AttachedApis: takePage(found, call.params) } }
  },
}

export const describePluginsByApi: Action = {
  summary: 'List the plugins that are attached to an API',
  parameters: {
    ServiceId: required(text()),
    ApiId: required(text()),
    EnvironmentName: optional(ENVIRONMENT),
    ...PAGE,
  },
  answer: resultList('PluginSummary', ATTACHED_PLUGIN),
  async run(call) {
    const api = await call.findApi()
    const environment = call.params.EnvironmentName === undefined ? null : call.environment()
    const rows: JsonObject[] = []
    for (const attachment of await call.shelf.values('attachments')) {
      if (attachment.ApiId !== api.key.id) continue
      if (environment !== null && attachment.EnvironmentName !== environment) continue
      const plugin = await call.shelf.value('plugins', textField(attachment, 'PluginId') ?? '')
      if (plugin !== undefined) rows.push(describeAttachedPlugin(plugin, attachment))
    }
    return { Result: { TotalCount: rows.length, PluginSummary: takePage(rows, call.params) } }
  },
}

export const describeAllPluginApis: Action = {
  summary: 'List the APIs of a service that can take a plugin in an environment',
  parameters: { ...PLACE, ...PAGE },
  answer: resultList('ApiSet', AVAILABLE_API),
  async run(call) {
    const plugin = await call.find('plugins')
    const service = await call.find('services')
    const environment = call.environment()
    const type = textField(plugin.value, 'PluginType') ?? ''
    const rows: JsonObject[] = []
    for (const { key, value } of await call.shelf.all('apis')) {
      if (value.ServiceId !== service.key.id) continue
      const copy = await call.shelf.find('released_apis', releasedApiId(service.key.id, environment, key.id))
      const id = attachmentId(service.key.id, environment, key.id, type)
      const attachment = await call.shelf.value('attachments', id)
      // one that was taken offline keeps its binding, so it is told of too
      if (copy === undefined && attachment === undefined) continue
      rows.push({
        ApiId: key.id,
        ApiName: value.ApiName ?? null,
        ApiType: apiTypeOf(value),
        Path: pathOf(value),
        Method: methodOf(value),
        IsAttached: attachment?.PluginId === plugin.key.id,
        AttachedOtherPlugin: attachment !== undefined && attachment.PluginId !== plugin.key.id,
      })
    }
    return { Result: { TotalCount: rows.length, ApiSet: takePage(rows, call.params) } }
  },
}
