import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { toByteString } from '../model/byte-string.ts'
import { sampleView } from './sample-view.ts'
import type { VariableValue } from './variables.ts'
import { MAX_XML_BYTES, MAX_XML_DEPTH, MAX_XML_NODES } from './xml-tree.ts'
import { checkXpath, compileXpath, MAX_XPATH_LENGTH } from './xpath.ts'

function read(expression: string, body: string, type = 'application/xml'): VariableValue {
  return compileXpath(expression)(sampleView({ headers: { 'content-type': type }, body: toByteString(body) }))
}

const ORDER = `<?xml version="1.0" encoding="UTF-8"?>
<!-- of a shop -->
<order xmlns="urn:shop" xmlns:p="urn:pay" id="7" p:kind="card">
  <item sku="a"><price>10</price></item>
  <item sku="b"><price>2.50</price><note>şu <b>not</b> &lt;this&gt;<![CDATA[ & that]]></note></item>
  <p:total>12.50</p:total>
</order>`

test('what expressions give of a body', () => {
  const rows: readonly (readonly [string, VariableValue])[] = [
    ['/order/@id', '7'],
    ['//item[2]/@sku', 'b'],
    ['//item[@sku="b"]/price', '2.50'],
    ['//item[price>5]/@sku', 'a'],
    ['//price', '10'],
    ['//item[last()]/preceding-sibling::item/@sku', 'a'],
    ['//price[.="2.50"]/../@sku', 'b'],
    ['//note', toByteString('şu not <this> & that')],
    ['//note/text()', toByteString('şu ')],
    ['//p:total', '12.50'],
    ['//*[local-name()="total"]', '12.50'],
    ['//total', undefined],
    ['//@p:kind', 'card'],
    ['//@kind', undefined],
    ['//missing', undefined],
    ['count(//item)', 2],
    ['sum(//price)', 12.5],
    ['number(//note)', Number.NaN],
    ['boolean(//missing)', false],
    ['//item or false()', true],
    ['string(//missing)', ''],
    ['concat(//@id, "-", name(/*))', '7-order'],
    ['//price | //note', '10'],
    ['normalize-space("  a  b ")', 'a b'],
    ['count(//@*)', 4],
    ['translate(//@sku, "ab", "AB")', 'A'],
    ['"a(b)$c"', 'a(b)$c'],
  ]
  for (const [expression, expected] of rows) {
    assert.equal(checkXpath(expression), null, expression)
    assert.deepEqual(read(expression, ORDER), expected, expression)
  }
})

test('only bodies that say that they are XML', () => {
  for (const type of [
    'application/xml',
    'text/xml; charset=utf-8',
    'application/soap+xml',
    'Application/Atom+XML;a=b',
  ])
    assert.equal(read('/a', '<a>1</a>', type), '1', type)
  for (const type of ['application/json', 'text/plain', 'application/xmlx', 'text/html'])
    assert.equal(read('/a', '<a>1</a>', type), undefined, type)
  const bare = sampleView({ headers: { 'content-type': 'text/xml' }, body: null })
  assert.equal(compileXpath('/a')(bare), undefined)
})

test('what is not well-formed, has a document type, or is too large gives nothing', () => {
  const nested = (depth: number): string => `${'<a>'.repeat(depth)}1${'</a>'.repeat(depth)}`
  const texts = (count: number): string => `<r>${'<a/>'.repeat(count)}</r>`
  const long = (bytes: number): string => `<a>${'x'.repeat(bytes - 7)}</a>`
  assert.equal(read('count(//a)', nested(MAX_XML_DEPTH)), MAX_XML_DEPTH)
  assert.equal(read('count(/r/a)', texts(MAX_XML_NODES - 1)), MAX_XML_NODES - 1)
  assert.equal(read('string-length(/a)', long(MAX_XML_BYTES)), MAX_XML_BYTES - 7)
  const refused = [
    nested(MAX_XML_DEPTH + 1),
    texts(MAX_XML_NODES),
    long(MAX_XML_BYTES + 1),
    '<a>1',
    '<a>1</b>',
    'a',
    '',
    '<a/><b/>',
    '<a x=1/>',
    '<a>&unknown;</a>',
    '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
    '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]><a>&y;</a>',
    '<!DOCTYPE a><a>1</a>',
  ]
  for (const body of refused) assert.equal(read('string(/*)', body), undefined, body.slice(0, 60))
})

test('an expression that takes too many steps over a document gives nothing, soon', () => {
  const wide = `<r>${'<a>1</a>'.repeat(3000)}</r>`
  assert.equal(read('count(//a)', wide), 3000)
  assert.equal(read('count(//a[contains(., "1")])', wide), 3000)
  const before = performance.now()
  for (const expression of [
    'count(//a/following-sibling::a)',
    'count(//*[//*[//*]])',
    '//a[.=//a]',
    '//*//*//*//*',
    'count(//a[count(preceding-sibling::a) > 5000])',
  ])
    assert.equal(read(expression, wide), undefined, expression)
  const nested = (bytes: number): string => `${'<a>'.repeat(100)}${'x'.repeat(bytes)}${'</a>'.repeat(100)}`
  const inAll = 'count(//a[contains(., "x")])'
  assert.deepEqual([read(inAll, nested(2000)), read(inAll, nested(200_000))], [100, undefined])
  assert.ok(performance.now() - before < 5000, `${performance.now() - before} ms`)
})

test('refused: what is no XPath 1.0, and what documents from clients must not do', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['//a[', /it is no expression of XPath 1\.0/],
    ['', /it is no expression/],
    ['//a/b]', /it is no expression/],
    ['for $x in //a return $x', /no variables in expressions: \$x/],
    ['document("http://a")', /there is no function document/],
    ['//a[matches(., "b")]', /there is no function matches/],
    ['fn:count(//a)', /there is no function fn:count/],
    ['id("x")', /there is no function id/],
    ['//a[lang("en")]', /there is no function lang/],
    ['namespace-uri(/*)', /there is no function namespace-uri/],
    ['//a/preceding::b', /the axis preceding is not supported/],
    ['//a/following::b', /the axis following is not supported/],
    ['//a/namespace::*', /the axis namespace is not supported/],
    [`//${'a'.repeat(MAX_XPATH_LENGTH)}`, /at most 1024 are allowed/],
  ]
  for (const [expression, fault] of rows) {
    assert.match(checkXpath(expression) ?? '', fault, expression)
    assert.equal(read(expression, '<a>1</a>'), undefined)
  }
  for (const expression of [
    '//a/preceding-sibling::b',
    '//a[text() and (b or c)]',
    'self::node()',
    '2 * (3 div 4)',
  ])
    assert.equal(checkXpath(expression), null, expression)
})

test('no body and no expression throws', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '/',
    'a',
    '<a>',
    '</a>',
    '<a b="c">',
    '&lt;',
    '&',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<?x ?>',
    '\0',
    'ş',
  )
  const step = fc.constantFrom(
    '/',
    '//',
    'a',
    '@b',
    '*',
    '[',
    ']',
    '(',
    ')',
    '1',
    '"x"',
    'text()',
    'count(',
    '|',
    '=',
    'and',
    '..',
    '::',
    'self',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(step, { maxLength: 8 }), (body, steps) => {
      const expression = steps.join('')
      assert.ok(checkXpath(expression) === null || read(expression, '<a/>') === undefined)
      read(expression, body.join(''))
      read('//a', body.join(''))
    }),
    { numRuns: 500 },
  )
})
