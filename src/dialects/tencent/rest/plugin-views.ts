import type { JsonObject } from '../../../model/json.ts'
import { listField, textField } from '../../../model/json-fields.ts'
import type { Call } from './call.ts'

/** A binding as answers show it (AttachedApiInfo); null: its API or service is gone, which no call leaves behind. */
export async function describeAttached(call: Call, attachment: JsonObject): Promise<JsonObject | null> {
  const service = await call.shelf.value('services', textField(attachment, 'ServiceId') ?? '')
  const api = await call.shelf.value('apis', textField(attachment, 'ApiId') ?? '')
  if (service === undefined || api === undefined) return null
  return {
    ServiceId: service.ServiceId ?? '',
    ServiceName: service.ServiceName ?? '',
    ServiceDesc: service.ServiceDesc ?? '',
    ApiId: api.ApiId ?? '',
    ApiName: api.ApiName ?? null,
    ApiDesc: api.ApiDesc ?? '',
    Environment: attachment.EnvironmentName ?? '',
    AttachedTime: attachment.AttachedTime ?? '',
  }
}

/** Bindings of one plugin, oldest first. */
export async function listAttached(call: Call, pluginId: string): Promise<readonly JsonObject[]> {
  const own = (await call.shelf.values('attachments')).filter(({ PluginId }) => PluginId === pluginId)
  const rows = await Promise.all(own.map((attachment) => describeAttached(call, attachment)))
  return rows.filter((row) => row !== null)
}

export function describePlugin(plugin: JsonObject, attached: readonly JsonObject[]): JsonObject {
  return {
    ...describePluginHead(plugin),
    Tags: listField(plugin, 'Tags'),
    CreatedTime: plugin.CreatedTime ?? '',
    ModifiedTime: plugin.ModifiedTime ?? '',
    AttachedApiTotalCount: attached.length,
    AttachedApis: attached,
  }
}

export function describeAttachedPlugin(plugin: JsonObject, attachment: JsonObject): JsonObject {
  return {
    ...describePluginHead(plugin),
    Environment: attachment.EnvironmentName ?? '',
    AttachedTime: attachment.AttachedTime ?? '',
  }
}

function describePluginHead(plugin: JsonObject): JsonObject {
  return {
    PluginId: plugin.PluginId ?? '',
    PluginName: plugin.PluginName ?? '',
    PluginType: plugin.PluginType ?? '',
    PluginData: dataOf(plugin),
    Description: plugin.Description ?? '',
  }
}

/** A text in answers, also where a file has it as a list. */
function dataOf({ PluginData: data }: JsonObject): string {
  return typeof data === 'string' ? data : JSON.stringify(data ?? [])
}
