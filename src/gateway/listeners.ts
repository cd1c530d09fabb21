import type { Dialect } from '../dialects/dialect.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { Section } from '../model/listener.ts'
import type { Settings } from '../model/settings.ts'

/**
 * The sections that the listeners of the settings search, in order, and behind them those whose documents have listeners of their own. Throws BAD_SETTING for one that is
 * no dialect.
 */
export function sectionsOf(settings: Settings, dialects: readonly Dialect[]): Section[] {
  const own = dialects
    .filter(({ hasOwnListeners }) => hasOwnListeners === true)
    .map(
      (dialect): Section => ({
        name: dialect.name,
        surface: dialect.surface(settings),
        hasOwnListeners: true,
      }),
    )
  const shared = settings.sections.map((name) => {
    const dialect = dialects.find((known) => known.name === name)
    if (dialect === undefined || dialect.hasOwnListeners === true) {
      const known = dialects
        .filter(({ hasOwnListeners }) => hasOwnListeners !== true)
        .map((entry) => entry.name)
        .join(', ')
      throw new GatewayError(
        'BAD_SETTING',
        `sections: "${name}" is no dialect of this version (known: ${known})`,
      )
    }
    return { name, surface: dialect.surface(settings) }
  })
  return [...shared, ...own]
}
