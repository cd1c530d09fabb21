import type { ApinizerEnvironment, ApinizerSettings } from '../../model/settings.ts'

/** The environment of that name; undefined: the settings have none. */
export function environmentOf(
  { environments }: ApinizerSettings,
  name: string,
): ApinizerEnvironment | undefined {
  return Object.hasOwn(environments, name) ? environments[name] : undefined
}
