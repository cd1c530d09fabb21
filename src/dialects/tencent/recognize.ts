import type { JsonObject } from '../../model/json.ts'

/** Which kinds an object may be that stands alone: by the ids and the fields that only that kind has. */
export function recognizeKinds(value: JsonObject): readonly string[] {
  const has = (...keys: string[]): boolean => keys.every((key) => Object.hasOwn(value, key))
  if (has('ServiceId', 'EnvironmentName', 'ApiId', 'Api')) return ['released_apis']
  if (has('ServiceId', 'EnvironmentName', 'ApiId', 'PluginId')) return ['attachments']
  if (has('PluginData') || has('PluginName', 'PluginType')) return ['plugins']
  if (has('RequestConfig', 'ServiceType')) return ['apis']
  if (has('Algorithm', 'Scheme') || has('UpstreamId', 'Nodes')) return ['upstreams']
  if (has('ServiceName', 'Protocol')) return ['services']
  return has('ServiceId', 'EnvironmentName') ? ['releases'] : []
}
