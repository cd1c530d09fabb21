import type { AnswerView, RequestView } from './request-view.ts'

/** For tests: a plain GET, with what matters to the case put over it. */
export type SampleRequest = Partial<Omit<RequestView, 'header' | 'joinedField' | 'firstField' | 'answer'>> & {
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  /** Field lines as the client wrote them, beside those of `headers`. */
  readonly lines?: readonly (readonly [name: string, value: string])[]
  readonly answer?: (Partial<AnswerView> & { readonly headers?: Readonly<Record<string, string>> }) | null
}

export function sampleView(request: SampleRequest = {}): RequestView {
  const { headers = {}, lines = [], answer = null, ...rest } = request
  const raw = [...Object.entries(headers), ...lines]
  const fields = new Map<string, string>()
  for (const [name, value] of raw) {
    const known = fields.get(name.toLowerCase())
    fields.set(name.toLowerCase(), known === undefined ? value : `${known}, ${value}`)
  }
  const path = rest.path ?? '/'
  return {
    method: 'GET',
    target: path,
    path,
    query: null,
    host: 'example.com',
    scheme: 'http',
    protocol: 'HTTP/1.1',
    clientAddress: '192.0.2.7',
    clientPort: 40_001,
    peerAddress: '127.0.0.9',
    localAddress: '127.0.0.1',
    localPort: 9080,
    requestId: 'r-1',
    cookies: undefined,
    body: null,
    pathParams: null,
    labels: null,
    consumer: null,
    random: Math.random,
    ...rest,
    // as the exchange reads it
    header: (name) => fields.get(name) ?? fields.get(name.replaceAll('-', '_')),
    joinedField: (name) => {
      const values = raw.filter(([written]) => written.toLowerCase() === name).map(([, value]) => value)
      return values.length === 0 ? undefined : values.join(',')
    },
    firstField(exact, lower) {
      const line = raw.find(([name]) =>
        this.protocol.startsWith('HTTP/2') || exact === null ? name.toLowerCase() === lower : name === exact,
      )
      return line?.[1]
    },
    answer: answer === null ? null : sampleAnswer(answer),
  }
}

function sampleAnswer(answer: NonNullable<SampleRequest['answer']>): AnswerView {
  const { headers = {}, ...rest } = answer
  const fields = new Map(Object.entries(headers))
  return {
    status: 200,
    upstreamStatus: 200,
    endpointHost: '127.0.0.1',
    endpointAddress: '127.0.0.1',
    endpointPort: 1980,
    ...rest,
    header: (name) => fields.get(name),
  }
}
