import type { AnswerView, RequestView } from './request-view.ts'

/** For tests: a plain GET, with what matters to the case put over it. */
export type SampleRequest = Partial<Omit<RequestView, 'header' | 'answer'>> & {
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  readonly answer?: (Partial<AnswerView> & { readonly headers?: Readonly<Record<string, string>> }) | null
}

export function sampleView(request: SampleRequest = {}): RequestView {
  const { headers = {}, answer = null, ...rest } = request
  const fields = new Map(Object.entries(headers))
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
    ...rest,
    header: (name) => fields.get(name),
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
