/** Every metric that a scrape may show: its type, what it says, and its labels. docs/metrics.md lists the same (a test compares). */
export interface MetricInfo {
  readonly type: 'counter' | 'gauge' | 'histogram' | 'untyped'
  readonly help: string
  readonly labels: readonly string[]
}

const counter = (help: string, ...labels: string[]): MetricInfo => ({ type: 'counter', help, labels })
const gauge = (help: string, ...labels: string[]): MetricInfo => ({ type: 'gauge', help, labels })
const histogram = (help: string, ...labels: string[]): MetricInfo => ({ type: 'histogram', help, labels })
/** A counter whose name, given by others, does not end in `_total`: called a counter, `promtool check metrics` would refuse it. */
const untyped = (help: string, ...labels: string[]): MetricInfo => ({ type: 'untyped', help, labels })

const SPLIT = ['route', 'rule', 'target', 'variant']
const ENDPOINT = ['upstream', 'node', 'priority']

export const METRICS = {
  headgate_build_info: gauge('Version of the gateway and of its runtime; always 1.', 'version', 'node'),
  headgate_ready: gauge('Whether /readyz says yes.'),
  headgate_config_revision: gauge('Revision of the configuration that all workers serve.'),
  headgate_config_last_apply_success: gauge('Whether the last change of the configuration took effect.'),
  headgate_config_last_apply_timestamp_seconds: gauge(
    'When the last change took effect, in seconds since the epoch.',
  ),
  headgate_store_reachable: gauge('Whether the store answers; traffic does not depend on it.'),
  headgate_documents: gauge('Documents by state; rejected ones do not serve.', 'dialect', 'kind', 'state'),
  headgate_worker_restarts_total: counter('Workers replaced because they died or hung.'),
  headgate_certificate_expiry_seconds: gauge(
    'When a certificate that listeners show ends, in seconds since the epoch.',
    'certificate',
    'server_name',
  ),
  headgate_tls_handshakes_total: counter(
    'TLS handshakes of clients: `full`, `resumed` or `failed`.',
    'result',
  ),
  headgate_workers: gauge('Living workers.'),
  headgate_connections: gauge('Client connections open now.', 'worker'),
  headgate_requests_in_flight: gauge('Requests that have begun and are not answered.', 'worker'),
  headgate_upstream_connections: gauge('Connections to endpoints open now.', 'worker'),
  headgate_connections_accepted_total: counter('Client connections accepted.'),
  headgate_connections_refused_total: counter('Connections closed at accept: over a limit.'),
  headgate_requests_total: counter('Requests begun, those without a route included.'),
  headgate_retry_budget_spent_total: counter('Retries not made because the budget was spent.'),
  headgate_mirror_requests_total: counter(
    'Copies of requests for mirrors: `answered`, `failed`, or never sent because too many were under way (`dropped`), the body was too long (`too_large`) or never complete (`incomplete`).',
    'result',
  ),
  headgate_access_log_dropped_total: counter('Access log lines lost: no room, or a failed write.'),
  headgate_events_dropped_total: counter('Events of the Admin API that slow readers did not get.'),
  headgate_errors_total: counter('Errors by code (docs/errors.md).', 'code'),
  headgate_http_requests_total: counter(
    'Requests answered, by route, variant and status.',
    'route',
    'upstream',
    'variant',
    'code',
  ),
  headgate_http_request_duration_seconds: histogram(
    'From the first byte of a request to the last one of its answer, and which part of it the upstream took.',
    'route',
    'variant',
    'phase',
  ),
  headgate_http_request_bytes_total: counter('Bytes of request bodies.', 'route', 'upstream', 'variant'),
  headgate_http_response_bytes_total: counter('Bytes of answer bodies.', 'route', 'upstream', 'variant'),
  headgate_split_weight_ratio: gauge('Share of a target as configured, 0 to 1.', ...SPLIT),
  headgate_split_decisions_total: counter(
    'Choices of a target by what made them; a retry is no new choice.',
    ...SPLIT,
    'reason',
  ),
  headgate_upstream_requests_total: counter(
    'Attempts by endpoint and outcome: a class of status, or what went wrong.',
    ...ENDPOINT,
    'outcome',
  ),
  headgate_retries_total: counter('Attempts after the first, by the endpoint tried.', ...ENDPOINT),
  headgate_upstream_connects_total: counter('Connections made to an endpoint.', ...ENDPOINT),
  headgate_upstream_response_seconds_total: counter(
    'Seconds spent waiting for answers; by the number of requests, the mean.',
    ...ENDPOINT,
  ),
  headgate_upstream_node_in_flight: gauge('Requests under way now.', ...ENDPOINT),
  headgate_upstream_node_up: gauge('Whether an endpoint may get requests.', ...ENDPOINT),
  headgate_upstream_node_state: gauge('The state that an endpoint is in; always 1.', ...ENDPOINT, 'state'),
  headgate_upstream_node_weight: gauge(
    'Weight as configured; of the addresses of a name: its part.',
    ...ENDPOINT,
  ),
  headgate_upstream_node_effective_weight: gauge(
    'What slow start leaves of the weight now; 0 while the endpoint is out.',
    ...ENDPOINT,
  ),
  headgate_upstream_node_ejections_total: counter('Ejections by live traffic.', ...ENDPOINT),
  headgate_upstream_node_last_probe_timestamp_seconds: gauge(
    'When the last probe came back, in seconds since the epoch.',
    ...ENDPOINT,
  ),
  headgate_upstream_node_last_probe_duration_seconds: gauge('How long the last probe took.', ...ENDPOINT),
  headgate_health_transitions_total: counter(
    'Changes of state of endpoints, by the new state.',
    'upstream',
    'state',
  ),
  headgate_health_checks_total: counter('Probes by their result.', 'upstream', 'type', 'result'),
  headgate_dns_names: gauge('Names of endpoints that are looked up, by state.', 'state'),
  headgate_dns_answer_age_seconds: gauge('Age of the last good answer for a name.', 'name', 'kind'),
  headgate_dns_failures_total: counter('Questions without a good answer.', 'name', 'kind'),
  headgate_service_source_up: gauge(
    '1 while what its cluster says of a Service is current; 0 while the last that is known serves, or nothing is.',
    'service',
  ),
  headgate_service_source_nodes: gauge('Nodes that stand behind a Service of a cluster now.', 'service'),
  headgate_metrics_overflow_total: counter(
    'Series of one metric that were summed up under _other, counted at each scrape.',
    'metric',
  ),
  process_cpu_seconds_total: counter('User and system time of the process, in seconds.'),
  process_resident_memory_bytes: gauge('Memory held by the process.'),
  process_start_time_seconds: gauge('When the process started, in seconds since the epoch.'),
  process_open_fds: gauge('File descriptors in use.'),
  process_max_fds: gauge('File descriptors the process may have.'),
  nodejs_heap_size_used_bytes: gauge('Heap of the main thread in use.'),
  nodejs_heap_size_total_bytes: gauge('Heap of the main thread.'),
  nodejs_external_memory_bytes: gauge('Memory outside the heap that its objects hold.'),
  nodejs_eventloop_lag_seconds: gauge('How late the last timer of a thread was.', 'thread'),
  nodejs_eventloop_lag_max_seconds: gauge('How late a timer of a thread was at most, last minute.', 'thread'),
  apisix_http_requests_total: counter('Requests begun since the start.'),
  apisix_nginx_http_current_connections: gauge('Client connections by state.', 'state'),
  apisix_etcd_reachable: gauge('Whether the store of the configuration answers.'),
  apisix_node_info: gauge('Name of the machine; always 1.', 'hostname'),
  apisix_upstream_status: gauge(
    'Whether a node of an upstream with active checks is healthy.',
    'name',
    'ip',
    'port',
  ),
  apisix_stream_connection_total: counter('Streams that are over, by stream route.', 'route'),
  apisix_http_status: untyped(
    'Requests answered, by status and route (a counter).',
    'code',
    'route',
    'matched_uri',
    'matched_host',
    'service',
    'consumer',
    'node',
  ),
  apisix_http_latency: histogram(
    'Duration of requests in milliseconds, whole and in parts.',
    'type',
    'route',
    'service',
    'consumer',
    'node',
  ),
  apisix_bandwidth: untyped(
    'Bytes of bodies of requests and answers (a counter).',
    'type',
    'route',
    'service',
    'consumer',
    'node',
  ),
} satisfies Record<string, MetricInfo>

export type MetricName = keyof typeof METRICS

/** Labels whose values are names of the configuration; over the series cap they become `_other`. The others have few values. */
export const NAME_LABELS: ReadonlySet<string> = new Set([
  ...SPLIT,
  ...ENDPOINT,
  'name',
  'ip',
  'matched_uri',
  'matched_host',
  'service',
  'consumer',
  'certificate',
  'server_name',
])

/** What is wrong with `metric.label` as a label to leave out; null: nothing. */
export function checkMetricLabel(text: string): string | null {
  const dot = text.indexOf('.')
  const [name, label] = [text.slice(0, dot), text.slice(dot + 1)]
  if (dot < 0) return `must be metric.label, such as headgate_http_requests_total.code, got "${text}"`
  const info: MetricInfo | undefined = Object.hasOwn(METRICS, name) ? METRICS[name as MetricName] : undefined
  if (info === undefined) return `there is no metric "${name}"`
  if (info.labels.includes(label)) return null
  const known = info.labels.length === 0 ? 'none' : info.labels.join(', ')
  return `${name} has no label "${label}"; it has ${known}`
}
