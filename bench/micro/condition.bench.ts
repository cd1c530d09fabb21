/** What conditions cost: 10 rules of three terms each, of which the last one holds. Prints nanoseconds a request; judges nothing. */
import { parseCondition, toPredicate } from '../../src/dialects/tencent/condition/parse-condition.ts'
import { compilePredicate } from '../../src/expression/compile.ts'
import { enableLinearEngine } from '../../src/expression/pattern-engine.ts'
import type { RequestView } from '../../src/expression/request-view.ts'
import { sampleView } from '../../src/expression/sample-view.ts'
import { SharedReads } from '../../src/expression/shared-reads.ts'
import { scanFields, startFields } from '../../src/proxy/http1/field-scanner.ts'
import { headBytes } from '../../src/proxy/http1/head-bytes.ts'
import { HeadFields } from '../../src/proxy/http1/head-fields.ts'

enableLinearEngine()

const REQUESTS = 500_000
const RULES = 10

/** The terms of rule `i`; all but the last are decided by their third term at the earliest. */
const SHAPES: Record<string, (i: number) => string> = {
  'one header, and, number': (i) =>
    `header.UserName = 'admin' and query.age < 30 and header.tenant = 't${i}'`,
  'three headers of one name, or': (i) =>
    `header.tenant = 'a${i}' or header.tenant = 'b${i}' or header.tenant = '${i === RULES - 1 ? 't9' : `c${i}`}'`,
  'path, query, regex': (i) => `path = '/orders' and query.level > 3 and regex(header.tenant, '^t${i}$')`,
  'address, list, like': (i) =>
    `sysparam.clientIp in_cidr '10.0.0.0/8' and query.level in (1, 4, 9) and header.tenant like 't%${i}'`,
  'Random()': (i) => `Random() < 2 and Random() < 2 and Random() < ${i === RULES - 1 ? 2 : 0}`,
}

const text = [
  'Host: service-a1b2c3d4.apigw.localhost',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
  'Accept: application/json, text/plain, */*',
  'Accept-Encoding: gzip, deflate, br',
  'X-Request-Id: 3f1c9a60b7d24e0c8a5b',
  'Cookie: session=abcdef0123456789',
  'UserName: admin',
  'tenant: t9',
  '',
  '',
].join('\r\n')
const fields = new HeadFields(100)
startFields(fields, 0)
fields.text = text
scanFields(fields, headBytes(text, 0, text.length), text.length, 100)

const view: RequestView = {
  ...sampleView({ path: '/release/orders', query: 'trace=1&age=29&level=4', clientAddress: '10.1.2.3' }),
  header: (name) => fields.getLoose(name),
  firstField(name, lowerName) {
    const at = name === null ? fields.find(lowerName) : fields.findExact(name)
    return at < 0 ? undefined : fields.value(at)
  },
}

for (const [name, write] of Object.entries(SHAPES)) {
  const predicates = Array.from({ length: RULES }, (_, i) => {
    const parsed = parseCondition(write(i))
    if ('fault' in parsed) throw new Error(parsed.fault.message)
    const options = { basePath: '/release', declared: new Map(), ignoresHeaderCase: false, isStrict: false }
    return toPredicate(parsed.ast, options)
  })
  const reads = new SharedReads(predicates)
  const tests = predicates.map((predicate) => compilePredicate(predicate, reads).test)
  const run = (count: number): number => {
    let sum = 0
    for (let n = 0; n < count; n++) {
      reads.forget()
      for (let i = 0; i < RULES; i++) {
        if (!(tests[i] as (typeof tests)[number])(view, null)) continue
        sum += i
        break
      }
    }
    return sum
  }
  run(50_000)
  const start = process.hrtime.bigint()
  const sum = run(REQUESTS)
  const ns = Number(process.hrtime.bigint() - start) / REQUESTS
  console.log(`${name.padEnd(32)} ${ns.toFixed(0).padStart(6)} ns a request   (rule ${sum / REQUESTS})`)
}
