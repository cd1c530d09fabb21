import { listField, textField } from '../../../model/json-fields.ts'
import { DONE, PLUGIN, resultList } from './answer-shapes.ts'
import type { Action, Call } from './call.ts'
import { CallError } from './call-error.ts'
import { PLUGIN_FIELDS } from './document-shapes.ts'
import { warnOfUpstreams } from './network-warnings.ts'
import { takePage } from './page.ts'
import { documentFields, optional, PAGE, type Parameters, required } from './parameters.ts'
import { describePlugin, listAttached } from './plugin-views.ts'
import { list, type Shape, text } from './shape.ts'
import { refuseUpstreams } from './shared-instance.ts'

const PLUGIN_ID = { PluginId: required(text()) }
/** In calls the policies are a text; the list that files may have instead is not one of the vendor. */
const PLUGIN_DATA = PLUGIN_FIELDS.PluginData as Shape

export const createPlugin: Action = {
  summary: 'Make a plugin; it acts once it is attached',
  parameters: {
    ...documentFields(PLUGIN_FIELDS, ['PluginName', 'PluginType']),
    PluginData: required(PLUGIN_DATA),
  },
  answer: { Result: PLUGIN },
  async run(call) {
    const id = await call.newId('plugins')
    const edit = call.newEdit()
    const value = { PluginId: id, ...call.fields(Object.keys(PLUGIN_FIELDS)) }
    const plugin = await edit.put('plugins', id, value)
    await call.commit(edit, `plugins/${id}`)
    return { Result: describePlugin(plugin, []) }
  },
}

const MODIFIED = ['PluginName', 'Description', 'PluginData'] as const

export const modifyPlugin: Action = {
  summary: 'Change a plugin; it acts at once on all APIs that it is attached to',
  parameters: {
    ...PLUGIN_ID,
    ...documentFields({
      PluginName: PLUGIN_FIELDS.PluginName as Shape,
      Description: PLUGIN_FIELDS.Description as Shape,
    }),
    PluginData: optional(PLUGIN_DATA),
  },
  answer: DONE,
  async run(call) {
    const { key, value } = await call.find('plugins')
    const edit = call.newEdit()
    const plugin = await edit.put('plugins', key.id, { ...value, ...call.fields(MODIFIED) })
    const services = await servicesOf(call, key.id)
    for (const service of services) refuseUpstreams(call, service, 'plugins', plugin)
    await call.commit(edit, `plugins/${key.id}`)
    for (const service of services)
      await warnOfUpstreams(call, service, { kind: 'plugins', id: key.id, value: plugin })
    return { Result: true }
  },
}

/** The services with an API that the plugin is attached to. */
async function servicesOf(call: Call, pluginId: string) {
  const attachments = (await call.shelf.values('attachments')).filter(({ PluginId }) => PluginId === pluginId)
  const ids = new Set(attachments.map((attachment) => textField(attachment, 'ServiceId') ?? ''))
  const services = await Promise.all([...ids].map((id) => call.shelf.value('services', id)))
  return services.filter((service) => service !== undefined)
}

export const deletePlugin: Action = {
  summary: 'Delete a plugin that is attached to nothing',
  parameters: PLUGIN_ID,
  answer: DONE,
  async run(call) {
    const plugin = await call.find('plugins')
    const { id } = plugin.key
    const attached = (await call.shelf.values('attachments')).filter(({ PluginId }) => PluginId === id)
    const [first] = attached
    if (first !== undefined) {
      const more = attached.length === 1 ? '' : ` and ${attached.length - 1} more`
      throw new CallError(
        'UnsupportedOperation.ResourceAssociated',
        `the plugin ${id} is attached to the API ${String(first.ApiId)} in ${String(first.EnvironmentName)}${more}`,
      )
    }
    const edit = call.newEdit()
    edit.delete(plugin)
    await call.commit(edit, `plugins/${id}`)
    return { Result: true }
  },
}

export const describeOnePlugin: Action = {
  summary: 'Read a plugin',
  parameters: PLUGIN_ID,
  answer: { Result: PLUGIN },
  async run(call) {
    const { key, value } = await call.find('plugins')
    return { Result: describePlugin(value, await listAttached(call, key.id)) }
  },
}

const CHOICE: Parameters = {
  PluginIds: optional(list(text(), 'Only these.')),
  PluginName: optional(text('Only the ones of this name.')),
  PluginType: optional(text('Only the ones of this type.')),
}

export const describePlugins: Action = {
  summary: 'List plugins',
  parameters: { ...CHOICE, ...PAGE },
  answer: resultList('PluginSet', PLUGIN),
  async run(call) {
    const ids = new Set(listField(call.params, 'PluginIds'))
    const name = textField(call.params, 'PluginName')
    const type = textField(call.params, 'PluginType')
    const found = (await call.shelf.all('plugins')).filter(
      ({ key, value }) =>
        (ids.size === 0 || ids.has(key.id)) &&
        (name === null || value.PluginName === name) &&
        (type === null || value.PluginType === type),
    )
    const page = takePage(found, call.params).map(async ({ key, value }) =>
      describePlugin(value, await listAttached(call, key.id)),
    )
    return { Result: { TotalCount: found.length, PluginSet: await Promise.all(page) } }
  },
}
