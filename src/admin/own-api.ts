import type { RestDescription } from '../dialects/dialect.ts'
import { DocumentEditor } from '../gateway/change-documents.ts'
import type { AdminControl } from './admin-control.ts'
import type { OwnEndpoint } from './endpoint.ts'
import { applyEndpoints } from './routes/apply.ts'
import { documentListEndpoints } from './routes/document-list.ts'
import { documentEndpoints } from './routes/documents.ts'
import { eventEndpoints } from './routes/events.ts'
import { explainEndpoints } from './routes/explain.ts'
import { healthcheckEndpoints } from './routes/healthcheck.ts'
import { historyEndpoints } from './routes/history.ts'
import { logEndpoints } from './routes/logs.ts'
import { openapiEndpoints } from './routes/openapi.ts'
import { schemaEndpoints } from './routes/schema.ts'
import { statusEndpoints } from './routes/status.ts'
import { trafficEndpoints } from './routes/traffic.ts'
import { upstreamEndpoints } from './routes/upstreams.ts'

/** Every endpoint of our own API, under /headgate/v1 (and /metrics, /v1/healthcheck). */
export function ownEndpoints(
  control: AdminControl,
  version: string,
  rests: readonly RestDescription[],
): readonly OwnEndpoint[] {
  const editor = new DocumentEditor(control.documents, control.dialects, control.settings)
  const endpoints = [
    ...statusEndpoints(control, version),
    ...historyEndpoints(control),
    ...schemaEndpoints(control),
    ...eventEndpoints(control),
    ...logEndpoints(control),
    ...explainEndpoints(control),
    ...trafficEndpoints(control),
    ...upstreamEndpoints(control, editor),
    ...healthcheckEndpoints(control),
    ...documentListEndpoints(control),
    ...documentEndpoints(control, editor),
    ...applyEndpoints(control, editor),
  ]
  return [...endpoints, ...openapiEndpoints(endpoints, rests, version)]
}
