// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what files of documents may hold is shown as it is written
import type { Schema } from './json-schema.ts'
import { description, id, integer, labels, list, name, object, ref, text } from './schema-parts.ts'

const MAX_PEM = 1_048_576

const certificate = text('What clients are shown, with the chain behind it (PEM).', {
  format: 'certificates',
  minLength: 1,
  maxLength: MAX_PEM,
})
const key = text('The private key of `certificate` (PEM, not encrypted). It is never shown again.', {
  minLength: 1,
  maxLength: MAX_PEM,
})

/** What TLS listeners show. */
export const CERTIFICATE_DEFS: Readonly<Record<string, Schema>> = {
  certificate: object(
    'What TLS listeners (`listenTls`) show to clients that ask for one of its names. Certificates and keys are the text itself (PEM), never the name of a file; a file of documents can take them from the environment with `${{NAME}}`.',
    {
      id,
      name,
      description,
      labels,
      serverNames: list(
        text('`shop.example.com`, or `*.example.com` for exactly one more label.', {
          pattern:
            '^(?:\\*\\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$',
          patternWords: 'a name, or *. and a name',
          maxLength: 253,
          examples: ['shop.example.com', '*.example.com'],
        }),
        1000,
        'The names that it is for. An exact one comes before one with a star; where several documents have a name, the one that was created first is shown.',
        { minItems: 1 },
      ),
      certificate,
      key,
      alternatives: list(
        object('A further pair.', { certificate, key }, { required: ['certificate'] }),
        8,
        'Further pairs for the same names, one for each kind of key (RSA beside ECDSA): what the client can use decides.',
      ),
      versions: list(
        { type: 'string', description: 'A version.', enum: ['TLSv1.1', 'TLSv1.2', 'TLSv1.3'] },
        3,
        'Versions that a handshake for these names may use. Default: from `tls.minVersion` on.',
        { minItems: 1, uniqueItems: true },
      ),
      client: ref('clientCertificates', 'Asks clients for a certificate.'),
    },
    {
      required: ['id', 'serverNames', 'certificate'],
    },
  ),

  clientCertificates: object(
    'Requests of clients without a good certificate get 400. Sessions of these names are not resumed.',
    {
      authorities: text('Whose certificates are good (PEM).', {
        format: 'certificates',
        minLength: 1,
        maxLength: MAX_PEM,
      }),
      depth: integer(
        0,
        100,
        'Certificates between that of a client and an authority, at most. 0: an authority itself must have signed it; above, the number is not held.',
        { default: 1 },
      ),
      exceptPaths: list(
        text('A pattern over the path with its query.', { format: 'pattern', minLength: 1, maxLength: 4096 }),
        100,
        'Requests of these paths need no certificate.',
        { examples: [['^/healthz$']] },
      ),
    },
    { required: ['authorities'] },
  ),
}
