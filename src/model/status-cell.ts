/**
 * Where a status counts: each registered one (IANA, HTTP Status Code Registry) has a cell of its own, and so has 499, by which nginx and we mean
 * a client that went away. What servers make up shares a cell with others of its class.
 */
const REGISTERED: readonly number[] = [
  // the usual ones first: they share a line
  200, 204, 304, 302, 404, 500, 502, 503, 504, 201, 202, 203, 205, 206, 207, 208, 226, 101, 300, 301, 303,
  305, 307, 308, 400, 401, 402, 403, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418,
  421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499, 501, 505, 506, 507, 508, 510, 511,
]
const OTHERS = ['2xx_other', '3xx_other', '4xx_other', '5xx_other', 'other'] as const

/** What metrics show for each cell: the status, or `4xx_other` and the like. */
export const CODE_LABELS: readonly string[] = [...REGISTERED.map(String), ...OTHERS]

const cells = new Uint8Array(1000)
for (let status = 0; status < cells.length; status++) {
  const klass = Math.floor(status / 100)
  cells[status] = REGISTERED.length + (klass >= 2 && klass <= 5 ? klass - 2 : OTHERS.length - 1)
}
REGISTERED.forEach((status, cell) => {
  cells[status] = cell
})

/** Cells of server errors, 500 and above. */
export const ERROR_CELLS: readonly number[] = CODE_LABELS.flatMap((label, cell) =>
  label[0] === '5' ? [cell] : [],
)

/** The cell of a status, 0-999; an index of `CODE_LABELS`. */
export function codeCell(status: number): number {
  return cells[status] as number
}
