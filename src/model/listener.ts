import type { Surface } from './surface.ts'

/** An address that takes requests, and the sections it searches, in order; the surface of the last one that has routes writes the 404. */
export interface Listener {
  readonly id: string
  readonly protocol: 'http'
  readonly address: string
  /** 0-65535; 0 lets the system choose (tests). */
  readonly port: number
  readonly sections: readonly Section[]
}

export interface Section {
  readonly name: string
  readonly surface: Surface
}
