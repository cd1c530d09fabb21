#!/usr/bin/env node
// Plain JavaScript of any age: this file must run on Node versions that cannot run the rest, and say so.
var version = process.versions.node.split('.')
var major = Number(version[0])
if (major < 22 || (major === 22 && Number(version[1]) < 18)) {
  console.error(
    'headgate needs Node 22.18 or newer, this is ' +
      process.version +
      ': install it from https://nodejs.org, or run `npx -y -p node@24 -p headgate headgate`',
  )
  process.exitCode = 1
} else {
  // a checkout runs its sources, the package its build
  import('node:fs')
    .then(function (fs) {
      var hasSources = fs.existsSync(new URL('../src/cli/main.ts', import.meta.url))
      var root = hasSources ? '../src/' : '../dist/'
      var end = hasSources ? '.ts' : '.js'
      // V8 flags first: expressions compiled before them keep the backtracking engine
      return import(root + 'expression/pattern-engine' + end).then(function (engine) {
        engine.enableLinearEngine()
        return import(root + 'cli/main' + end)
      })
    })
    .then(function (main) {
      return main.runMain(process.argv.slice(2))
    })
    .catch(function (error) {
      console.error('headgate: ' + (error && error.stack ? error.stack : error))
      process.exitCode = 1
    })
}
