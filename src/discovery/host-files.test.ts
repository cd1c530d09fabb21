import assert from 'node:assert/strict'
import { test } from 'node:test'
import { candidatesOf, parseHosts, parseResolvConf } from './host-files.ts'

test('a hosts file gives every address of a name, IPv4 first', () => {
  const hosts = parseHosts(
    [
      '# comment',
      '2001:db8::1 shop.test shop # behind it',
      '10.0.0.2 Shop.test',
      '10.0.0.1 shop.test',
      '10.0.0.1 shop.test',
      'not-an-address shop.test',
    ].join('\n'),
  )
  assert.deepEqual(hosts.get('shop.test'), ['10.0.0.2', '10.0.0.1', '2001:db8::1'])
  assert.deepEqual(hosts.get('shop'), ['2001:db8::1'])
})

test('of the two loopback addresses of one name the IPv4 one is meant', () => {
  const hosts = parseHosts('127.0.0.1 localhost\n::1 localhost ip6-localhost\n')
  assert.deepEqual(hosts.get('localhost'), ['127.0.0.1'])
  assert.deepEqual(hosts.get('ip6-localhost'), ['::1'])
})

test('resolv.conf gives servers, search domains and ndots', () => {
  const conf = parseResolvConf(
    'domain old.test\nsearch a.test b.test.\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\noptions ndots:3 timeout:1\n',
  )
  assert.deepEqual(conf.search, ['a.test', 'b.test'])
  assert.equal(conf.ndots, 3)
  assert.equal(conf.servers[0], '10.0.0.53')
  assert.deepEqual(parseResolvConf(''), { servers: [], search: [], ndots: 1 })
})

test('names are tried as glibc tries them', () => {
  const search = ['a.test', 'b.test']
  assert.deepEqual(candidatesOf('shop', search, 1), ['shop.a.test', 'shop.b.test', 'shop'])
  assert.deepEqual(candidatesOf('shop.x', search, 1), ['shop.x', 'shop.x.a.test', 'shop.x.b.test'])
  assert.deepEqual(candidatesOf('shop.x', search, 5), ['shop.x.a.test', 'shop.x.b.test', 'shop.x'])
  assert.deepEqual(candidatesOf('shop.', search, 1), ['shop'])
})
