import type { Schema, SchemaDocument } from './json-schema.ts'
import { BALANCING_DEFS } from './schema-balancing.ts'
import { CERTIFICATE_DEFS } from './schema-certificate.ts'
import { FILTER_DEFS } from './schema-filters.ts'
import { HEALTH_DEFS } from './schema-health.ts'
import { list, object, ref, text } from './schema-parts.ts'
import { ROUTE_DEFS } from './schema-route.ts'
import { STREAM_DEFS } from './schema-stream.ts'
import { UPSTREAM_DEFS } from './schema-upstream.ts'
import { WHEN_DEFS } from './schema-when.ts'

/** The native document, version 1. Checker, editor schema, types and reference page are made of this; a default stands here and nowhere else. */

/** Every part of the document by name. */
export const DEFS: Readonly<Record<string, Schema>> = {
  ...ROUTE_DEFS,
  ...FILTER_DEFS,
  ...WHEN_DEFS,
  ...UPSTREAM_DEFS,
  ...BALANCING_DEFS,
  ...HEALTH_DEFS,
  ...CERTIFICATE_DEFS,
  ...STREAM_DEFS,
}

/** Of a file: documents of all kinds in lists. */
export const NATIVE_SCHEMA: SchemaDocument = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:headgate:schema:native:1',
  title: 'Headgate, native document',
  ...object(
    'Routes and upstreams of the Headgate gateway, in its own words.',
    {
      $schema: text('Where this schema is, for editors of JSON files.', { maxLength: 4096 }),
      headgate: {
        type: 'integer',
        const: 1,
        description: 'Marks the file, and says which version of the document it is written in.',
      },
      gateway: {
        type: 'object',
        description: 'Start-up settings (docs/settings.md); they may stand in any configuration file.',
      },
      routes: list(ref('route', 'A route.'), 1_000_000, 'Which requests, and what becomes of them.'),
      upstreams: list(ref('upstream', 'An upstream.'), 1_000_000, 'Groups of endpoints.'),
      streams: list(
        ref('stream', 'A stream document.'),
        1_000_000,
        'Which TCP and UDP streams, and where they go.',
      ),
      certificates: list(
        ref('certificate', 'A certificate.'),
        1_000_000,
        'What TLS listeners show, by the name that clients ask for.',
      ),
    },
    { required: ['headgate'] },
  ),
  $defs: DEFS,
}

/** Collections, in the order in which documents are loaded, and the schema of their documents. */
export const KINDS = {
  certificates: 'certificate',
  upstreams: 'upstream',
  routes: 'route',
  streams: 'stream',
} as const
export type Kind = keyof typeof KINDS

export function isKind(kind: string): kind is Kind {
  return Object.hasOwn(KINDS, kind)
}

const PREFIX = '#/$defs/'
const resolved = new Map<string, Schema>()

/** Follows `$ref`. Throws for a name that is not there: a mistake of ours. */
export function resolveSchema(schema: Schema): Schema {
  const { $ref } = schema
  if ($ref === undefined) return schema
  const known = resolved.get($ref)
  if (known !== undefined) return known
  const found = DEFS[$ref.slice(PREFIX.length)]
  if (found === undefined) throw new Error(`the native schema has no ${$ref}`)
  const target = resolveSchema(found)
  resolved.set($ref, target)
  return target
}
