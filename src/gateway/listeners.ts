import type { Dialect } from '../dialects/dialect.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { Section } from '../model/listener.ts'
import type { Settings } from '../model/settings.ts'

/** The sections that the listeners search, in order. Throws BAD_SETTING for one that is no dialect. */
export function sectionsOf(settings: Settings, dialects: readonly Dialect[]): Section[] {
  return settings.sections.map((name) => {
    const dialect = dialects.find((known) => known.name === name)
    if (dialect === undefined) {
      const known = dialects.map((entry) => entry.name).join(', ')
      throw new GatewayError(
        'BAD_SETTING',
        `sections: "${name}" is no dialect of this version (known: ${known})`,
      )
    }
    return { name, surface: dialect.surface(settings) }
  })
}
