import type { DocumentStore, Fault, StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Translation } from '../dialect.ts'
import { objectField, textField } from './fields.ts'
import { checkSchema } from './lua-schema.ts'
import { isSwitchedOff } from './merge.ts'
import { KEY_AUTH_OF_CONSUMER } from './plugin-schemas.ts'
import { findPlugin } from './plugins/index.ts'

/** Consumers: who requests can be from. As much of the reference's resource as gives a request an identity: the key of key-auth. */

export function translateConsumer({ key, value }: StoredDocument): Translation {
  const name = textField(value, 'username') ?? key.id
  const shown = keyOf(value)
  const labels = objectField(value, 'labels')
  return {
    objects: [
      {
        kind: 'consumer',
        id: `apisix/consumers/${key.id}`,
        name,
        origin: { dialect: 'apisix', kind: 'consumer', id: key.id, path: '' },
        section: 'apisix',
        keys: shown === null ? [] : [shown],
        customId: labels === null ? null : textField(labels, 'custom_id'),
      },
    ],
    warnings:
      shown === null
        ? [
            {
              path: 'plugins',
              message: 'no request can be from this consumer: it has no key-auth with a key',
            },
          ]
        : [],
  }
}

/** All that cannot be done, each with its path. */
export function collectConsumerFaults(value: JsonObject): readonly Fault[] {
  const faults: Fault[] = []
  const add = (path: string, message: string): void => void faults.push({ path, message, hint: null })
  if (Object.hasOwn(value, 'group_id'))
    add('group_id', 'group_id is not supported: there are no consumer groups')
  const plugins = objectField(value, 'plugins')
  for (const [name, config] of Object.entries(plugins ?? {})) {
    const fault = checkPlugin(name, config as JsonValue)
    if (fault !== null) add(`plugins.${name}`, `invalid plugins configuration: ${fault}`)
  }
  return faults
}

function checkPlugin(name: string, config: JsonValue): string | null {
  if (!isJsonObject(config)) return `invalid plugin conf ${JSON.stringify(config)} for plugin [${name}]`
  if (findPlugin(name) === undefined) return `unknown plugin [${name}]`
  if (name !== 'key-auth') return `plugin [${name}] is not supported on a consumer, only key-auth is`
  if (isSwitchedOff(config)) return null
  const fault = checkSchema(KEY_AUTH_OF_CONSUMER, config)
  return fault === null ? null : `failed to check the configuration of plugin ${name} err: ${fault}`
}

/** A key is one consumer's: two with the same would share an identity by chance. */
export async function findSameKey(store: DocumentStore, value: JsonObject): Promise<string | null> {
  const shown = keyOf(value)
  if (shown === null) return null
  for (const other of await store.list('apisix', 'consumers')) {
    if (other.key.id !== value.username && keyOf(other.value) === shown)
      return `duplicate key found with consumer: ${other.key.id}`
  }
  return null
}

function keyOf(value: JsonObject): string | null {
  const plugins = objectField(value, 'plugins')
  const config = plugins === null ? null : objectField(plugins, 'key-auth')
  return config === null || isSwitchedOff(config) ? null : textField(config, 'key')
}
