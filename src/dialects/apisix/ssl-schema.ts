import type { LuaSchema } from './lua-schema.ts'
import { CREATE_TIME, DESC, HOST, ID, LABELS, UPDATE_TIME } from './schema-parts.ts'

/** The schema of `ssls`, as the reference has it. What it cannot say (texts that are no certificates) is looked at in ssls.ts. */

function pem(description: string): LuaSchema {
  return { description, type: 'string', minLength: 128, maxLength: 65536 }
}

const CERT = pem('Certificate, PEM; those that lead to its authority may follow.')
const KEY = pem('Private key of cert, PEM, not encrypted. Never shown again.')

/** What may be read back. */
const SHOWN: Readonly<Record<string, LuaSchema>> = {
  id: ID,
  desc: DESC,
  labels: LABELS,
  create_time: CREATE_TIME,
  update_time: UPDATE_TIME,
  type: {
    description: 'server: for listeners; client: for upstreams that name it in tls.client_cert_id.',
    type: 'string',
    enum: ['server', 'client'],
    default: 'server',
  },
  cert: CERT,
  certs: {
    description: 'Further certificates for the same names (type server), each with its key in keys.',
    type: 'array',
    items: pem('A certificate, PEM.'),
  },
  sni: {
    ...HOST,
    description:
      'The server name that it is for (type server). A leading * stands for text without dots, alone for every name.',
  },
  snis: {
    description: 'The server names that it is for (type server).',
    type: 'array',
    minItems: 1,
    items: { ...HOST, description: 'A server name, as in sni.' },
  },
  client: {
    description: 'Whether clients must show a certificate (type server).',
    type: 'object',
    properties: {
      ca: pem('Authorities whose certificates are taken, PEM.'),
      depth: {
        description: 'Certificates between that of the client and the authority, at most.',
        type: 'integer',
        minimum: 0,
        default: 1,
      },
      skip_mtls_uri_regex: {
        description: 'Paths for which no certificate is asked.',
        type: 'array',
        minItems: 1,
        uniqueItems: true,
        items: { description: 'A pattern.', type: 'string' },
      },
    },
    required: ['ca'],
  },
  status: {
    description: '1: in use; 0: not (type server).',
    type: 'integer',
    enum: [1, 0],
    default: 1,
  },
  ssl_protocols: {
    description: 'Versions of TLS (type server).',
    type: 'array',
    maxItems: 3,
    uniqueItems: true,
    items: { description: 'A version.', type: 'string', enum: ['TLSv1.1', 'TLSv1.2', 'TLSv1.3'] },
  },
  validity_start: { description: 'Kept as it is written; has no effect.', type: 'integer' },
  validity_end: { description: 'Kept as it is written; has no effect.', type: 'integer' },
}

const DESCRIPTION = 'A certificate with its private key.'

export const SSL: LuaSchema = {
  description: DESCRIPTION,
  type: 'object',
  properties: {
    ...SHOWN,
    key: KEY,
    keys: {
      description: 'The private keys of certs, in the same order. Never shown again.',
      type: 'array',
      items: pem('A private key, PEM, not encrypted.'),
    },
  },
  additionalProperties: false,
  if: { properties: { type: { enum: ['server'] } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { oneOf: [{ required: ['sni', 'key', 'cert'] }, { required: ['snis', 'key', 'cert'] }] },
  else: { required: ['key', 'cert'] },
}

/** What answers hold: the same without private keys. */
export const SHOWN_SSL: LuaSchema = {
  description: `${DESCRIPTION} Private keys are left out.`,
  type: 'object',
  properties: SHOWN,
  required: ['cert'],
  additionalProperties: false,
}
